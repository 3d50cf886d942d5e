-- The two tables that have a row for each entry of the logs are in four parts, by the room: vacuum works on one while three are left alone, and no
-- index is larger than a quarter of them all.  Every statement names the table as before, and a store of the former version does, too.
--
-- What is there is copied, and its indexes are made behind it: ten to twenty seconds for a million messages, as long as which nobody writes or reads logs.
-- No ANALYZE here: a part that is known to be empty is read from end to end, in plans that are kept while it fills.
LOCK TABLE message, change IN ACCESS EXCLUSIVE MODE;

CREATE TABLE message_in_parts (LIKE message INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY HASH (room_id);
CREATE TABLE message_0 PARTITION OF message_in_parts FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE message_1 PARTITION OF message_in_parts FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE message_2 PARTITION OF message_in_parts FOR VALUES WITH (MODULUS 4, REMAINDER 2);
CREATE TABLE message_3 PARTITION OF message_in_parts FOR VALUES WITH (MODULUS 4, REMAINDER 3);
INSERT INTO message_in_parts SELECT * FROM message;
DROP TABLE message;
ALTER TABLE message_in_parts RENAME TO message;
ALTER TABLE message ADD PRIMARY KEY (room_id, seq), ADD UNIQUE (room_id, sender, id);

CREATE TABLE change_in_parts (LIKE change INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY HASH (room_id);
CREATE TABLE change_0 PARTITION OF change_in_parts FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE change_1 PARTITION OF change_in_parts FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE change_2 PARTITION OF change_in_parts FOR VALUES WITH (MODULUS 4, REMAINDER 2);
CREATE TABLE change_3 PARTITION OF change_in_parts FOR VALUES WITH (MODULUS 4, REMAINDER 3);
INSERT INTO change_in_parts SELECT * FROM change;
DROP TABLE change;
ALTER TABLE change_in_parts RENAME TO change;
ALTER TABLE change ADD PRIMARY KEY (room_id, seq), ADD UNIQUE (room_id, sender, id);
CREATE INDEX change_target ON change (room_id, target, kind, seq);
