-- A line that the log refuses is tried some times and then kept here with the reason, out of the way of the others.
--
-- Constant defaults: no row is rewritten.  What can be in this table a page of lines can carry: so no line holds up those behind it
-- before it has left chat.
ALTER TABLE line ADD COLUMN attempts bigint NOT NULL DEFAULT 0;
ALTER TABLE line ADD COLUMN last_error text;
ALTER TABLE line ADD COLUMN dead_at timestamptz;
ALTER TABLE line ADD CONSTRAINT line_fits CHECK (char_length(kind) BETWEEN 1 AND 32 AND char_length(sender) BETWEEN 1 AND 128
    AND char_length(body) <= 128);
CREATE INDEX line_waiting ON line (n) WHERE dead_at IS NULL;
CREATE INDEX line_dead ON line (dead_at) WHERE dead_at IS NOT NULL;
