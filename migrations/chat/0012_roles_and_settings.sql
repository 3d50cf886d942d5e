-- What members of a room may do: proto/rooms.def has the roles and rights.
--
-- Constant defaults: no row is rewritten.
ALTER TABLE room ADD COLUMN topic text NOT NULL DEFAULT '' CHECK (char_length(topic) <= 500);
ALTER TABLE room ADD COLUMN writes text NOT NULL DEFAULT 'member' CHECK (writes IN ('member', 'moderator'));
ALTER TABLE room ADD COLUMN invites text NOT NULL DEFAULT 'admin' CHECK (invites IN ('member', 'moderator', 'admin', 'owner'));
ALTER TABLE room ADD COLUMN archived_at timestamptz;

ALTER TABLE member DROP CONSTRAINT member_role_check;
ALTER TABLE member ADD CONSTRAINT member_role_check
    CHECK (role IN ('read_only', 'member', 'moderator', 'admin', 'owner')) NOT VALID; -- those of before are two of these
-- Taken away by a job when it is over; until then the member only reads.
ALTER TABLE member ADD COLUMN muted_until timestamptz;
CREATE INDEX member_muted ON member (muted_until) WHERE muted_until IS NOT NULL;

-- What somebody may do in the room's log, as a role.
CREATE FUNCTION role_now(role text, muted_until timestamptz, writes text, archived_at timestamptz) RETURNS text
    LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN muted_until IS NOT NULL OR archived_at IS NOT NULL OR (role = 'member' AND writes <> 'member')
        THEN 'read_only' ELSE role END
$$;

-- Who may not be in a room.
CREATE TABLE ban (
    room_id     uuid        NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    subject     text        NOT NULL,
    banned_by   text        NOT NULL,
    banned_at   timestamptz NOT NULL,
    banned_until timestamptz,
    reason      text        NOT NULL DEFAULT '' CHECK (char_length(reason) <= 200),
    PRIMARY KEY (room_id, subject)
);
CREATE INDEX ban_subject ON ban (subject);
CREATE INDEX ban_by ON ban (banned_by);
