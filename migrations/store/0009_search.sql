-- What messages say, so that they are found: written from the log behind the acknowledgement (FEED search), never with a message.
--
-- The index has spans of time.  A span's number is in each of its keys (key # salt), so that a span is read without any other, and
-- messages are looked for from the newest span on, as far as a page goes.
CREATE TABLE search_segment (
    id      bigint PRIMARY KEY,
    from_at bigint NOT NULL UNIQUE,           -- milliseconds since 1970: of what was stored then or later, before the next one begins
    salt    integer NOT NULL,
    n       bigint NOT NULL DEFAULT 0,        -- so many messages are in it
    last_at bigint NOT NULL DEFAULT 0,        -- when the newest of them was stored
    was     bigint                            -- it was cut off this one, and some of its messages are there still
);
-- services/store/search/keys.c says what a salt is; that of the first one is 0, as of no other.
INSERT INTO search_segment (id, from_at, salt) VALUES (1, 0, 0);

-- Whoever writes here holds its row: one at a time.
CREATE TABLE search_writer (
    the_one boolean PRIMARY KEY DEFAULT true CHECK (the_one)
);
INSERT INTO search_writer DEFAULT VALUES;

CREATE TABLE search_entry (
    room_id uuid      NOT NULL,
    seq     bigint    NOT NULL,
    at      bigint    NOT NULL,               -- as in the log, in milliseconds since 1970
    segment bigint    NOT NULL,
    keys    integer[] NOT NULL,
    PRIMARY KEY (room_id, seq)
);
-- No list of pending keys: what is looked for would be looked for there, too, one by one.
CREATE INDEX search_entry_keys ON search_entry USING gin (keys) WITH (fastupdate = off);
