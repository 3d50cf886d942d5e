-- Messages that are not sent yet.  Only their authors see them; at its time each goes into its room's log under its own id, and its row goes.
CREATE TABLE scheduled (
    nth         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject     text        NOT NULL,
    room_id     uuid        NOT NULL,
    id          text        NOT NULL,           -- of the message, as its author chose it
    send_at     timestamptz NOT NULL,
    try_at      timestamptz NOT NULL,           -- send_at; or when it is tried again
    body        text        NOT NULL,
    meta        json,                           -- as it was sent
    thread      bigint,
    attachments uuid[],
    made_at     timestamptz NOT NULL,
    sending     boolean     NOT NULL DEFAULT false, -- it may be in the log already: nobody changes or cancels it any more
    refused     text,                           -- why it was not sent: a code of proto/errors.def
    why         text,
    UNIQUE (subject, room_id, id)
);
CREATE INDEX scheduled_order ON scheduled (subject, send_at, nth);
CREATE INDEX scheduled_due ON scheduled (try_at, nth) WHERE refused IS NULL;
CREATE INDEX scheduled_room ON scheduled (room_id);
CREATE INDEX scheduled_media ON scheduled USING gin (attachments) WHERE attachments IS NOT NULL;

-- How much of each quota of proto/quotas.def a subject uses: counted with what is made and given back.
CREATE TABLE usage (
    quota    text   NOT NULL,
    subject  text   NOT NULL,
    used     bigint NOT NULL CHECK (used >= 0),
    PRIMARY KEY (quota, subject)
) WITH (fillfactor = 50);                       -- updated with everything that is made: leave room for updates in place
CREATE INDEX usage_subject ON usage (subject);
