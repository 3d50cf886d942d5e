-- Pictures that users are seen with, made of images of theirs.

-- The image that a user has chosen, until a picture is made of it.
CREATE TABLE avatar_choice (
    owner  text PRIMARY KEY,
    media  uuid NOT NULL UNIQUE REFERENCES media (id) ON DELETE CASCADE
);

-- One picture is a square in each size, under an id that is in its URL and in no other.
CREATE TABLE avatar (
    picture  uuid   NOT NULL,
    side     bigint NOT NULL,
    owner    text   NOT NULL,
    size     bigint NOT NULL CHECK (size >= 0),
    hash     bytea  NOT NULL REFERENCES blob (hash),
    PRIMARY KEY (picture, side)
);
CREATE INDEX avatar_owner ON avatar (owner, picture);
