-- A message's meta is kept as it was sent.  jsonb keeps a number as all its digits and prints them: 450 times 1e308, 3 kB,
-- came back as 140 kB.  json is the text and nothing else.
--
-- A new column, and not another type for the old one: nothing is rewritten and nothing is scanned, however long the logs,
-- and a store of the former version may go on beside this one.  What was stored before stays in `meta`, and is read from
-- there.
ALTER TABLE message ADD COLUMN meta_as_sent json;
