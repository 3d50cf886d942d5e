-- When something became another of a room for its members: what a gateway may have missed, it asks for by time.
ALTER TABLE room ADD COLUMN changed_at timestamptz NOT NULL DEFAULT 'epoch';
ALTER TABLE member ADD COLUMN changed_at timestamptz NOT NULL DEFAULT 'epoch';   -- for this member alone
ALTER TABLE activity ADD COLUMN changed_at timestamptz NOT NULL DEFAULT 'epoch';

CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at := now();
    RETURN NEW;
END
$$;
CREATE TRIGGER room_changes BEFORE UPDATE OF version ON room FOR EACH ROW EXECUTE FUNCTION note_change();

-- Who is no member any more, and since when; whoever has come back since is both.
CREATE TABLE former_member (
    subject  text        NOT NULL,
    room_id  uuid        NOT NULL,      -- which may be no more
    ended_at timestamptz NOT NULL,
    PRIMARY KEY (subject, room_id)
);
CREATE INDEX former_member_ended ON former_member (ended_at);

CREATE FUNCTION note_former_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO former_member (subject, room_id, ended_at) SELECT subject, room_id, now() FROM gone ORDER BY subject, room_id
        ON CONFLICT (subject, room_id) DO UPDATE SET ended_at = EXCLUDED.ended_at;
    RETURN NULL;
END
$$;
CREATE TRIGGER member_ends AFTER DELETE ON member REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION note_former_members();
