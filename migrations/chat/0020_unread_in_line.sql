-- How much is to be read behind a place, as countable_after() of 0017 said it, but as a row: a statement that asks for it in a FROM has it put
-- in, and plans it once with the rest. What a function of one value looks up in tables is planned anew in each statement, for half a millisecond.
CREATE FUNCTION counted_after(room uuid, place bigint) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    SELECT COALESCE((SELECT greatest(a.seq - p.seq, 0) - a.silent + COALESCE((SELECT s.n FROM activity_silent s
            WHERE s.room_id = room AND s.seq <= least(p.seq, a.seq) ORDER BY s.seq DESC LIMIT 1), 0)
        - (SELECT count(*) FROM activity_deleted d WHERE d.room_id = room AND d.seq > p.seq)
        FROM activity a, LATERAL (SELECT greatest(place, a.first - 1) AS seq) p WHERE a.room_id = room), 0)
$$;
-- For chats of before, and whoever looks by hand.
CREATE OR REPLACE FUNCTION countable_after(room uuid, place bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT n FROM counted_after(room, place) AS n
$$;
