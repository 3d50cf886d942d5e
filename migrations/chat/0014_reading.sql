-- Up to where each member has read, and of what they want to be told.
ALTER TABLE member ADD COLUMN read_seq bigint NOT NULL DEFAULT 0;            -- it never goes back
ALTER TABLE member ADD COLUMN marked_at timestamptz;                         -- since when it is marked as unread
ALTER TABLE member ADD COLUMN muted text NOT NULL DEFAULT 'no' CHECK (muted IN ('no', 'but_mentions', 'yes'));
ALTER TABLE member SET (fillfactor = 70);                                    -- updated with what is read: leave room for updates in place

ALTER TABLE activity ADD COLUMN message_by text;                             -- who sent the newest that counts

-- Who is a member when this comes has read what there is.
UPDATE member m SET read_seq = a.seq FROM activity a WHERE a.room_id = m.room_id AND a.seq > 0;
