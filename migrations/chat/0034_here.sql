-- `@here` mentions who is there when it is read: a row for each, and one with the subject '' that says that the message has it.
ALTER TABLE mention ADD COLUMN here boolean NOT NULL DEFAULT false;

-- As in 0022, but that the row of `@here` itself is nobody's.
CREATE OR REPLACE FUNCTION mentions_after(room uuid, who text, place bigint) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    SELECT least(count(*), 100) FROM (
        (SELECT n.seq FROM mention n WHERE n.room_id = room AND n.subject = who AND n.seq > place AND NOT blocks(who, n.sender)
            ORDER BY n.seq LIMIT 100)
        UNION
        (SELECT n.seq FROM mention n WHERE n.room_id = room AND n.subject = '' AND NOT n.here AND n.seq > place
            AND NOT blocks(who, n.sender) ORDER BY n.seq LIMIT 100)) seqs
$$;
