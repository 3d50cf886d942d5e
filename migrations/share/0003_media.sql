-- Files that users keep.  Their bytes lie in a directory, each content once, under a name that is never used again.
CREATE TABLE blob (
    hash  bytea  PRIMARY KEY CHECK (octet_length(hash) = 32),   -- SHA-256 of the content
    file  uuid   NOT NULL UNIQUE,                               -- its name in the directory
    size  bigint NOT NULL CHECK (size >= 0),
    refs  bigint NOT NULL CHECK (refs > 0)                      -- media with this content
);

CREATE TABLE media (
    id          uuid PRIMARY KEY,
    owner       text        NOT NULL,
    name        text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    type        text        NOT NULL,
    size        bigint      NOT NULL CHECK (size >= 0),
    hash        bytea       NOT NULL REFERENCES blob (hash),
    created_at  timestamptz NOT NULL
);

-- One's own, newest first.
CREATE INDEX media_owner ON media (owner, id DESC);

-- Bodies on their way: what they may become is taken from the quota before their first byte.
CREATE TABLE upload (
    id        uuid PRIMARY KEY,
    owner     text        NOT NULL,
    bytes     bigint      NOT NULL CHECK (bytes >= 0),
    began_at  timestamptz NOT NULL
);
