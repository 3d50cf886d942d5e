-- For how long rooms keep what was said, and from where on there is something to be read.
--
-- Constant defaults: no row is rewritten.
ALTER TABLE room ADD COLUMN kept_days bigint CHECK (kept_days BETWEEN 1 AND 36500);  -- NULL: as the store says
ALTER TABLE activity ADD COLUMN first bigint NOT NULL DEFAULT 1;                     -- the log begins here, as the store has said

-- As in 0011; what is not kept any more is not to be read either.
CREATE OR REPLACE FUNCTION countable_after(room uuid, place bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT COALESCE((SELECT greatest(a.seq - p.seq, 0) - a.silent + COALESCE((SELECT s.n FROM activity_silent s
            WHERE s.room_id = room AND s.seq <= least(p.seq, a.seq) ORDER BY s.seq DESC LIMIT 1), 0)
        - (SELECT count(*) FROM activity_deleted d WHERE d.room_id = room AND d.seq > p.seq)
        FROM activity a, LATERAL (SELECT greatest(place, a.first - 1) AS seq) p WHERE a.room_id = room), 0)
$$;
