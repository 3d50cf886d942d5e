-- The rooms' logs.
--
-- room_head's row is the lock that orders a room's log: whoever numbers messages holds it, so numbers have no gaps and
-- no message becomes visible before one with a smaller number.
CREATE TABLE room_head (
    room_id  uuid PRIMARY KEY,
    seq      bigint NOT NULL CHECK (seq >= 0)
) WITH (fillfactor = 50);            -- updated with every batch: leave room for updates in place

CREATE TABLE message (
    room_id  uuid        NOT NULL,
    seq      bigint      NOT NULL CHECK (seq > 0),
    id       text        NOT NULL,
    sender   text        NOT NULL,
    body     text        NOT NULL,
    meta     jsonb,
    at       timestamptz NOT NULL,
    PRIMARY KEY (room_id, seq),
    UNIQUE (room_id, sender, id)     -- the sender's own id: a repeat is stored once
);
