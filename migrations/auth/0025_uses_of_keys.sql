-- How often an API key was used over REST: each minute, as each gateway counted it, and after two days the sum of each day.
-- What a gateway says again is the same row, so nothing counts twice; what it says of a key is more than it said before.

CREATE TABLE key_minute (
    key     text NOT NULL REFERENCES api_key (id),
    minute  timestamptz NOT NULL,
    gateway uuid NOT NULL,
    uses    bigint NOT NULL CHECK (uses > 0),
    PRIMARY KEY (key, minute, gateway)
);
CREATE INDEX key_minute_minute ON key_minute (minute);

CREATE TABLE key_day (
    key  text NOT NULL REFERENCES api_key (id),
    day  date NOT NULL,
    uses bigint NOT NULL CHECK (uses > 0),
    PRIMARY KEY (key, day)
);
CREATE INDEX key_day_day ON key_day (day);
