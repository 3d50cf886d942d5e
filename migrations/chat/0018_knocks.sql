-- Who asks to be let into a room.
--
-- A constant default: no row is rewritten.
ALTER TABLE room ADD COLUMN knocks boolean NOT NULL DEFAULT false CHECK (NOT (knocks AND open));   -- may one ask?

CREATE TABLE knock (
    room_id    uuid        NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    subject    text        NOT NULL,
    body       text        NOT NULL,
    asked_at   timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (room_id, subject)
);
CREATE INDEX knock_subject ON knock (subject);
CREATE INDEX knock_expires ON knock (expires_at);

-- Is it there for this one of those who may answer it?  Who is banned, or blocks or is blocked, has asked like anybody.
CREATE FUNCTION knock_is_seen(k knock, viewer text, at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT k.expires_at > at AND NOT blocked(viewer, k.subject) AND NOT EXISTS (SELECT FROM ban b WHERE b.room_id = k.room_id
        AND b.subject = k.subject AND (b.banned_until IS NULL OR b.banned_until > at))
$$;

-- As in 0015, with what has ended: a membership, which says more, or that somebody asked.
ALTER TABLE former_member ADD COLUMN asked boolean NOT NULL DEFAULT false;

CREATE OR REPLACE FUNCTION note_former_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO former_member (subject, room_id, ended_at) SELECT subject, room_id, now() FROM gone ORDER BY subject, room_id
        ON CONFLICT (subject, room_id) DO UPDATE SET ended_at = EXCLUDED.ended_at, asked = false;
    RETURN NULL;
END
$$;

CREATE FUNCTION note_ended_knocks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO former_member (subject, room_id, ended_at, asked) SELECT subject, room_id, now(), true FROM gone
        ORDER BY subject, room_id ON CONFLICT (subject, room_id) DO UPDATE SET ended_at = EXCLUDED.ended_at;
    RETURN NULL;
END
$$;
CREATE TRIGGER knock_ends AFTER DELETE ON knock REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION note_ended_knocks();
