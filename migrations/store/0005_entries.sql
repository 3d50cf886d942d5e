-- What is done to messages, beside them: edits, deletions, reactions, pins.  Each is an entry of its room's log with a seq of
-- room_head's, and lies in a table of its own: whoever reads messages walks past none of them, and a message costs what it cost.
--
-- The two new columns of `message` are NULL for what is neither a reply nor said by the server: nothing is rewritten and nothing is
-- scanned, however long the logs, and a store of the former version may go on beside this one.
ALTER TABLE message ADD COLUMN kind text;     -- a row of proto/entries.def; NULL: message
ALTER TABLE message ADD COLUMN thread bigint; -- the message that this one is a reply to

CREATE TABLE change (
    room_id  uuid        NOT NULL,
    seq      bigint      NOT NULL CHECK (seq > 0),
    id       text        NOT NULL,
    sender   text        NOT NULL,
    kind     text        NOT NULL,            -- a row of proto/entries.def
    target   bigint      NOT NULL CHECK (target > 0),
    body     text        NOT NULL,            -- the new text, the emoji, or nothing
    at       timestamptz NOT NULL,
    PRIMARY KEY (room_id, seq),
    UNIQUE (room_id, sender, id)              -- the sender's own id: a repeat is stored once
);
CREATE INDEX change_target ON change (room_id, target, kind, seq);

-- The view for reading: a row for each message to which something was done.  It is written with the entry that does it, in one
-- transaction under the lock of room_head, and each of its parts keeps the seq that made it so: doing it once more changes nothing.
CREATE TABLE message_now (
    room_id    uuid        NOT NULL,
    seq        bigint      NOT NULL,
    body       text,                          -- NULL: as it was sent
    edits      bigint      NOT NULL DEFAULT 0,
    edit_seq   bigint,
    edited_at  timestamptz,
    delete_seq bigint,
    deleted_at timestamptz,
    deleted_by text,
    pin_seq    bigint,                        -- of the entry that pinned it, or took the pin away
    pinned     boolean     NOT NULL DEFAULT false,
    replies    bigint      NOT NULL DEFAULT 0,
    last_reply bigint,
    PRIMARY KEY (room_id, seq)
) WITH (fillfactor = 70);
CREATE INDEX message_now_pinned ON message_now (room_id, seq) WHERE pinned;

CREATE TABLE reaction (
    room_id uuid    NOT NULL,
    seq     bigint  NOT NULL,                 -- of the message
    emoji   text    NOT NULL,
    subject text    NOT NULL,
    entry   bigint  NOT NULL,                 -- seq of the last entry about it
    present boolean NOT NULL,
    PRIMARY KEY (room_id, seq, emoji, subject)
);
CREATE TABLE reaction_count (
    room_id uuid    NOT NULL,
    seq     bigint  NOT NULL,
    emoji   text    NOT NULL,
    n       bigint  NOT NULL,
    first   bigint  NOT NULL,                 -- seq of the first entry about it: the order in which they are shown
    PRIMARY KEY (room_id, seq, emoji)
) WITH (fillfactor = 70);

CREATE TABLE reply (
    room_id uuid   NOT NULL,
    thread  bigint NOT NULL,
    seq     bigint NOT NULL,
    PRIMARY KEY (room_id, thread, seq)
);

-- What deleted messages and their edits said, until it is purged.
CREATE TABLE removed (
    room_id  uuid        NOT NULL,
    seq      bigint      NOT NULL,
    body     text        NOT NULL,
    meta     json,
    purge_at timestamptz NOT NULL,
    PRIMARY KEY (room_id, seq)
);
CREATE INDEX removed_due ON removed (purge_at);
