-- What who moderates a room withholds from being read: its words lie here meanwhile, and the log has none, so that whatever reads the log has none.
--
-- The new columns are NULL, or false, for what is there: no row is rewritten.  A store of the former version that goes on beside this one shows what
-- is withheld as a message without words.
CREATE TABLE withheld (
    room_id     uuid   NOT NULL,
    seq         bigint NOT NULL,                -- of the message, or of an edit of it
    message     bigint NOT NULL,
    body        text   NOT NULL,
    meta        json,
    attachments uuid[],
    PRIMARY KEY (room_id, seq)
);
CREATE INDEX withheld_message ON withheld (room_id, message);

ALTER TABLE message_now ADD COLUMN withhold_seq bigint;     -- of the entry that withheld it last, or had it be read again
ALTER TABLE message_now ADD COLUMN withheld_at timestamptz; -- NULL: it is read
ALTER TABLE message_now ADD COLUMN withheld_by text;
CREATE INDEX message_now_withheld ON message_now (room_id, seq) WHERE withheld_at IS NOT NULL;

-- What a withheld message showed stays, and is read by who moderates alone.
ALTER TABLE attachment ADD COLUMN withheld boolean NOT NULL DEFAULT false;

-- What members report.
CREATE TABLE report (
    id          uuid PRIMARY KEY,
    room_id     uuid        NOT NULL,
    seq         bigint      NOT NULL DEFAULT 0, -- the message; 0: the member
    subject     text        NOT NULL,           -- who sent it, or the member
    reporter    text,                           -- NULL: who was erased since
    reason      text        NOT NULL,           -- a row of proto/moderation.def
    text        text,
    created_at  timestamptz NOT NULL,
    state       text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'resolved')),
    assigned_to text,
    outcome     text,                           -- a row of proto/moderation.def
    note        text,
    resolved_at timestamptz,
    resolved_by text,
    UNIQUE (room_id, seq, subject, reporter)
);
CREATE INDEX report_room ON report (room_id, id DESC);
CREATE INDEX report_state ON report (state, id DESC);
CREATE INDEX report_subject ON report (subject, id DESC);
CREATE INDEX report_reporter ON report (reporter);
CREATE INDEX report_created_at ON report (created_at);
