-- Media that messages show, by their ids, which are share's.
--
-- The new columns are NULL for what shows none: nothing is rewritten and nothing is scanned, however long the logs, and a store of the
-- former version may go on beside this one.
ALTER TABLE message ADD COLUMN attachments uuid[];
ALTER TABLE change ADD COLUMN attachments uuid[];       -- of an edit: all that the message shows from then on
ALTER TABLE message_now ADD COLUMN attachments uuid[];  -- with edit_seq: those of the last edit

-- Where a medium is shown, and by whom: written and taken away with what makes it so, in one transaction.
CREATE TABLE attachment (
    media    uuid   NOT NULL,
    room_id  uuid   NOT NULL,
    seq      bigint NOT NULL,                           -- of the message
    sender   text   NOT NULL,
    PRIMARY KEY (media, room_id, seq)
);
CREATE INDEX attachment_message ON attachment (room_id, seq);
