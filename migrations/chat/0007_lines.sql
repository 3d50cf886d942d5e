-- What the server is to say in rooms' logs, which are the store's: written with what it tells of, in one transaction, and forgotten once
-- the store has it.
--
-- A constant default: no row is rewritten.  Rooms of before have no lines.
ALTER TABLE room ADD COLUMN lines boolean NOT NULL DEFAULT false;

CREATE TABLE line (
    id      uuid   PRIMARY KEY DEFAULT gen_random_uuid(),
    n       bigint GENERATED ALWAYS AS IDENTITY UNIQUE,     -- the order within a room, whose row is locked meanwhile
    room_id uuid   NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    kind    text   NOT NULL,                                -- a row of proto/entries.def
    sender  text   NOT NULL,
    body    text   NOT NULL
);
CREATE INDEX line_room ON line (room_id);
