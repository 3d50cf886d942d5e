-- Users, who are auth's, as this service knows them: libshared/directory.  Each service that keeps a directory has this same table.

CREATE TABLE directory (
    subject     text PRIMARY KEY,           -- the sub of their tokens
    state       text NOT NULL,              -- active, disabled or leaving
    nickname    text NOT NULL,
    name        text,
    avatar      text,
    generation  bigint NOT NULL             -- of directory_position, when auth named them last
);

-- Up to where auth's users are in it.
CREATE TABLE directory_position (
    the_one     boolean PRIMARY KEY DEFAULT true CHECK (the_one),
    epoch       uuid,
    position    bigint  NOT NULL DEFAULT 0,
    generation  bigint  NOT NULL DEFAULT 0, -- one more each time that it is made anew
    swept       boolean NOT NULL DEFAULT true
);
INSERT INTO directory_position DEFAULT VALUES;
