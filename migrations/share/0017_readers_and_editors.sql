-- With whom conversations are shared by name.
CREATE TABLE sharing (
    conversation uuid        NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    subject      text        NOT NULL,
    role         text        NOT NULL CHECK (role IN ('reader', 'editor')),
    since        timestamptz NOT NULL,
    hidden       boolean     NOT NULL,      -- they blocked its owner then: the owner sees this, and they do not
    PRIMARY KEY (conversation, subject)
);
CREATE INDEX sharing_subject ON sharing (subject, conversation);

-- Of the media that a conversation names those that it shows: whoever named them first there could show them.
ALTER TABLE conversation_media ADD COLUMN shown boolean NOT NULL DEFAULT false;
UPDATE conversation_media u SET shown = true FROM conversation c, media m
WHERE c.id = u.conversation AND m.id = u.media AND m.owner = c.owner;
