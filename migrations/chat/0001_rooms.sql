-- Rooms and who is in them.
--
-- version counts the changes of a room's membership: processes apply them to what they remember in this order,
-- however late each is heard.  members is counted under the same row lock, so the bound on it is exact.
CREATE TABLE room (
    id          uuid PRIMARY KEY,
    name        text        NOT NULL CHECK (char_length(name) <= 80),
    open        boolean     NOT NULL,
    created_by  text        NOT NULL,
    created_at  timestamptz NOT NULL,
    client_key  text,
    version     bigint      NOT NULL DEFAULT 0,
    members     bigint      NOT NULL DEFAULT 0,
    UNIQUE (created_by, client_key)
);

CREATE TABLE member (
    room_id     uuid        NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    subject     text        NOT NULL,
    role        text        NOT NULL CHECK (role IN ('owner', 'member')),
    joined_at   timestamptz NOT NULL,
    PRIMARY KEY (room_id, subject)
);

-- One's own rooms, newest first: room ids sort by the time of their making.
CREATE INDEX member_rooms ON member (subject, room_id DESC);
