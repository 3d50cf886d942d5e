-- What two subjects are to each other: one row for both, so that what they do at the same time is done one after the other.
--
-- A block changes nothing else of the row, and what the blocked one sees does not depend on it.
CREATE TABLE relation (
    low              text COLLATE "C" NOT NULL,              -- the two, in the order of their bytes
    high             text COLLATE "C" NOT NULL,
    bond             text NOT NULL DEFAULT 'none' CHECK (bond IN ('none', 'low_asks', 'high_asks', 'friends')),
    quiet            boolean NOT NULL DEFAULT false,         -- who is asked does not see it
    since            timestamptz,                            -- of the bond
    low_quiet_until  timestamptz,                            -- what it asks before then is quiet: the other has declined
    high_quiet_until timestamptz,
    low_blocks       timestamptz,                            -- since when it blocks the other
    high_blocks      timestamptz,
    low_sees         text NOT NULL GENERATED ALWAYS AS (CASE WHEN low_blocks IS NOT NULL THEN 'blocked'
        WHEN bond = 'friends' THEN 'friends' WHEN bond = 'low_asks' THEN 'requested'
        WHEN bond = 'high_asks' AND NOT quiet THEN 'asked' ELSE 'none' END) STORED,
    high_sees        text NOT NULL GENERATED ALWAYS AS (CASE WHEN high_blocks IS NOT NULL THEN 'blocked'
        WHEN bond = 'friends' THEN 'friends' WHEN bond = 'high_asks' THEN 'requested'
        WHEN bond = 'low_asks' AND NOT quiet THEN 'asked' ELSE 'none' END) STORED,
    PRIMARY KEY (low, high),
    CHECK (low < high)
);

CREATE INDEX relation_low ON relation (low, low_sees, high);
CREATE INDEX relation_high ON relation (high, high_sees, low);
-- What is kept only until a request is seen again.
CREATE INDEX relation_idle ON relation (greatest(low_quiet_until, high_quiet_until))
    WHERE bond = 'none' AND low_blocks IS NULL AND high_blocks IS NULL;

CREATE FUNCTION blocks(who text, whom text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM relation WHERE low = who AND high = whom AND low_blocks IS NOT NULL)
        OR EXISTS (SELECT FROM relation WHERE low = whom AND high = who AND high_blocks IS NOT NULL)
$$;

-- The one question of all that a block stops, whoever of the two blocks.
CREATE FUNCTION blocked(one text, other text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM relation WHERE low = least(one COLLATE "C", other COLLATE "C")
        AND high = greatest(one COLLATE "C", other COLLATE "C") AND (low_blocks IS NOT NULL OR high_blocks IS NOT NULL))
$$;
