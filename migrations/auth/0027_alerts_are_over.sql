-- Of some kinds it is known when it is over.
ALTER TABLE alert ADD COLUMN over_at timestamptz;
