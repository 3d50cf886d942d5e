-- What somebody has begun to write: one draft for each of their rooms and threads.  Only they see it.
CREATE SEQUENCE draft_version;                  -- of all drafts: what was cleared never has a version that another one has
CREATE TABLE draft (
    subject     text        NOT NULL,
    room_id     uuid        NOT NULL,
    thread      bigint      NOT NULL,           -- 0: none
    body        text        NOT NULL,
    meta        json,                           -- as it was sent
    attachments uuid[],
    updated_at  timestamptz NOT NULL,
    version     bigint      NOT NULL,
    PRIMARY KEY (subject, room_id, thread)
);
CREATE INDEX draft_order ON draft (subject, version);
CREATE INDEX draft_room ON draft (room_id, subject);
CREATE INDEX draft_media ON draft USING gin (attachments) WHERE attachments IS NOT NULL;
