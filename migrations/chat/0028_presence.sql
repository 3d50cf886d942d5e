-- How people want to be seen, and when they were there last. That they are there is in no table: docs/why/0110.
CREATE TABLE presence (
    subject         text COLLATE "C" PRIMARY KEY,
    state           text        NOT NULL DEFAULT 'online' CHECK (state IN ('online', 'away', 'busy', 'invisible')),
    text            text        NOT NULL DEFAULT '',
    until           timestamptz,                        -- of state and text
    shows_last_seen boolean     NOT NULL DEFAULT true,
    last_seen       timestamptz                         -- to the minute, and only while others saw them
);

-- Whoever of somebody's relations is hidden from them, and they from that one.
CREATE INDEX relation_low_blocks ON relation (low, high) WHERE low_blocks IS NOT NULL OR high_blocks IS NOT NULL;
CREATE INDEX relation_high_blocks ON relation (high, low) WHERE low_blocks IS NOT NULL OR high_blocks IS NOT NULL;
