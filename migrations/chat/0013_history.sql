-- What of a room's log its members read: the HISTORY rows of proto/rooms.def.
--
-- A constant default: no row is rewritten.
ALTER TABLE room ADD COLUMN history text NOT NULL DEFAULT 'all' CHECK (history IN ('all', 'joining'));

-- A member reads what was stored after this; NULL: all.
CREATE FUNCTION reads_after(history text, joined_at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN history <> 'all' THEN joined_at END
$$;
