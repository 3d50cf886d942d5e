-- What follows from rooms' logs, which are the store's: written behind the acknowledgement, each entry once.
--
-- `seq` is the position: it is raised in the transaction that writes what follows from the entries up to it.
CREATE TABLE activity (
    room_id     uuid   PRIMARY KEY REFERENCES room (id) ON DELETE CASCADE,
    seq         bigint NOT NULL DEFAULT 0,        -- of the newest entry
    silent      bigint NOT NULL DEFAULT 0,        -- so many entries up to it are not counted: proto/entries.def
    message_seq bigint,                           -- the newest that counts,
    message_at  timestamptz                       -- and when it was stored
) WITH (fillfactor = 50);

-- An entry that does not count, and how many up to it, and with it, do not.  The ordinal of a place in a log is its seq without those:
-- one step down this index, whatever has been done in the room.
CREATE TABLE activity_silent (
    room_id uuid   NOT NULL REFERENCES activity (room_id) ON DELETE CASCADE,
    seq     bigint NOT NULL,
    n       bigint NOT NULL,
    PRIMARY KEY (room_id, seq)
);

-- Messages that counted and were deleted.
CREATE TABLE activity_deleted (
    room_id uuid   NOT NULL REFERENCES activity (room_id) ON DELETE CASCADE,
    seq     bigint NOT NULL,
    PRIMARY KEY (room_id, seq)
);

-- How many messages behind this place there are to be read.
CREATE FUNCTION countable_after(room uuid, place bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT COALESCE((SELECT greatest(a.seq - place, 0) - a.silent + COALESCE((SELECT s.n FROM activity_silent s
            WHERE s.room_id = room AND s.seq <= least(place, a.seq) ORDER BY s.seq DESC LIMIT 1), 0)
        - (SELECT count(*) FROM activity_deleted d WHERE d.room_id = room AND d.seq > place)
        FROM activity a WHERE a.room_id = room), 0)
$$;
