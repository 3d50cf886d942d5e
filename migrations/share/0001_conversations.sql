-- Conversations that users keep.
CREATE TABLE conversation (
    id          uuid PRIMARY KEY,
    owner       text        NOT NULL,
    name        text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 120),
    data        jsonb       NOT NULL,
    created_at  timestamptz NOT NULL,
    client_key  text,
    UNIQUE (owner, client_key)
);

-- One's own, newest first: ids sort by the time of their making.
CREATE INDEX conversation_owner ON conversation (owner, id DESC);
