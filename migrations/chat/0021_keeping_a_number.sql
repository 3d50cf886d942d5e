-- How many messages rooms keep.
--
-- A constant default: no row is rewritten.
ALTER TABLE room ADD COLUMN kept_messages bigint CHECK (kept_messages BETWEEN 1 AND 100000);  -- NULL: as the store says
