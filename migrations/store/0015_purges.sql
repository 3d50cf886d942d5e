-- What an operator purges of what somebody has said: how far it is, so that whoever takes it up goes on there.
CREATE TABLE purge (
    id        uuid PRIMARY KEY,
    subject   text        NOT NULL,
    room_id   uuid,                           -- NULL: in all rooms
    begun_by  text        NOT NULL,
    begun_at  timestamptz NOT NULL,
    after_room uuid,                          -- up to this room all is done,
    after_id  text        NOT NULL DEFAULT '', -- but for what comes behind this id of theirs, if it is one
    messages  bigint      NOT NULL DEFAULT 0,
    ended_at  timestamptz
);
-- The same is purged once at a time: who asks once more is answered with the one that goes on.
CREATE UNIQUE INDEX purge_open ON purge (subject, coalesce(room_id, '00000000-0000-0000-0000-000000000000')) WHERE ended_at IS NULL;
