-- What somebody is told of, whether they are there or not: proto/notifications.def.
--
-- Whoever writes somebody's rows holds the row of their head: so versions are in the order of commits, and what is behind one is all that is new.
CREATE TABLE notification_head (
    subject     text   PRIMARY KEY,
    version     bigint NOT NULL DEFAULT 0,       -- of the newest change
    heard       bigint NOT NULL DEFAULT 0,       -- up to this one a socket of theirs was told
    forgotten   bigint NOT NULL DEFAULT 0,       -- up to this one rows were removed that somebody may know
    quiet_until timestamptz,
    zone        text   NOT NULL DEFAULT 'UTC',   -- of the times
    times       jsonb  NOT NULL DEFAULT '[]'     -- proto/chat.def: quiet_time
) WITH (fillfactor = 70);

CREATE TABLE notification (
    subject  text        NOT NULL,
    id       uuid        NOT NULL DEFAULT gen_random_uuid(),
    collapse text        NOT NULL,               -- of each message, room or person one: what comes again is in its place
    kind     text        NOT NULL,
    room_id  uuid,                               -- which may be no more
    seq      bigint,                             -- the message; the newest of a room
    first    bigint,                             -- the oldest that it stands for
    thread   bigint,
    by       text        NOT NULL,
    at       timestamptz NOT NULL,               -- of the deed
    made     bigint      NOT NULL,               -- the version with which it was made, or made anew
    made_at  timestamptz NOT NULL DEFAULT now(),
    version  bigint      NOT NULL,               -- of its newest change
    read_at  timestamptz,
    ended_at timestamptz,                        -- there is nothing to be told any more
    quiet    boolean     NOT NULL,
    PRIMARY KEY (subject, id),
    UNIQUE (subject, collapse)
) WITH (fillfactor = 70);
CREATE INDEX notification_made ON notification (subject, made);
CREATE INDEX notification_version ON notification (subject, version);
CREATE INDEX notification_unread ON notification (subject, room_id, seq) WHERE read_at IS NULL;
CREATE INDEX notification_message ON notification (room_id, seq);
CREATE INDEX notification_by ON notification (by);
CREATE INDEX notification_old ON notification (made_at);

-- Is this moment one of those at which somebody is not to be disturbed?  Times are minutes of the week, on the clock of the zone.
CREATE FUNCTION is_quiet(quiet_until timestamptz, zone text, times jsonb, at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(at < quiet_until, false) OR EXISTS (
        SELECT FROM jsonb_to_recordset(times) AS t (day bigint, "from" bigint, minutes bigint),
            LATERAL (SELECT at AT TIME ZONE zone AS clock) c
        WHERE ((extract(isodow FROM clock)::bigint - t.day) * 1440 + extract(hour FROM clock)::bigint * 60
            + extract(minute FROM clock)::bigint - t."from" + 20160) % 10080 < t.minutes)
$$;

CREATE FUNCTION is_zone(zone text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM now() AT TIME ZONE zone;
    RETURN zone ~ '^(UTC|[A-Za-z_]+/[A-Za-z0-9_/-]+)$';
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN false;
END
$$;

-- Somebody has read a room up to there.  The head is locked before it is looked: what was made of the room meanwhile is seen.
CREATE FUNCTION read_notifications(room uuid, who text, place bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    newest bigint;
BEGIN
    SELECT version INTO newest FROM notification_head WHERE subject = who FOR UPDATE;
    IF NOT FOUND OR NOT EXISTS (SELECT FROM notification n WHERE n.subject = who AND n.room_id = room AND n.read_at IS NULL
        AND (n.seq IS NULL OR n.seq <= place)) THEN
        RETURN NULL;
    END IF;
    WITH few AS (SELECT id, row_number() OVER (ORDER BY made) AS nth FROM notification n WHERE n.subject = who
            AND n.room_id = room AND n.read_at IS NULL AND (n.seq IS NULL OR n.seq <= place)),
        done AS (UPDATE notification n SET read_at = now(), version = newest + few.nth FROM few
            WHERE n.subject = who AND n.id = few.id RETURNING n.version)
    SELECT max(version) INTO newest FROM done;
    UPDATE notification_head SET version = newest WHERE subject = who;
    RETURN newest;
END
$$;
