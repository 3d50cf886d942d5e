-- Slow mode: so many seconds between two messages of one member.  A constant default: no row is rewritten.
ALTER TABLE room ADD COLUMN slow_s integer NOT NULL DEFAULT 0 CHECK (slow_s BETWEEN 0 AND 21600);
