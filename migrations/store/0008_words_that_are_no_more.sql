-- Messages that somebody hides from themselves.
CREATE TABLE hidden (
    subject  text        NOT NULL,
    room_id  uuid        NOT NULL,
    seq      bigint      NOT NULL,              -- of the message
    at       timestamptz NOT NULL,
    PRIMARY KEY (subject, room_id, seq)
);

-- When the first of the texts that a message had before is to be forgotten.  NULL for all that is there: no row is rewritten.
ALTER TABLE message_now ADD COLUMN former_due timestamptz;
CREATE INDEX message_now_former ON message_now (former_due) WHERE former_due IS NOT NULL;
