-- Rooms that files brought: docs/why/0100.

CREATE TABLE room_import (
    room_id     uuid PRIMARY KEY REFERENCES room (id) ON DELETE CASCADE,
    said        bytea       NOT NULL,           -- what the file said of the room; another one is another room's
    archived_at timestamptz,                    -- what it will have; until it is whole it is archived
    whole       boolean     NOT NULL DEFAULT false
);
