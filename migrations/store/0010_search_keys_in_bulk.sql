-- Keys go into the index of search some hundred kilobytes at a time: one by one, each writes the list of messages of its key anew, and into the
-- WAL (18 kB a message of a line, in bulk 2).  What is looked for is looked for among those that wait, too, so they are few.
ALTER INDEX search_entry_keys SET (fastupdate = on, gin_pending_list_limit = 256);
