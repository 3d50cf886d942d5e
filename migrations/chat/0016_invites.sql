-- Links by which others come into a room.
CREATE TABLE invite (
    id          uuid PRIMARY KEY,
    room_id     uuid        NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    code_hash   bytea       NOT NULL UNIQUE CHECK (length(code_hash) = 32),  -- the code is kept nowhere
    made_by     text        NOT NULL,
    made_at     timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    uses        bigint      CHECK (uses > 0),                                -- how many come in by it; NULL: any number
    used        bigint      NOT NULL DEFAULT 0 CHECK (used <= uses),
    client_key  text,
    UNIQUE (room_id, made_by, client_key)
);
CREATE INDEX invite_by ON invite (made_by);
CREATE INDEX invite_expires ON invite (expires_at);
