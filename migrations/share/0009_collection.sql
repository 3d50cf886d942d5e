-- Media that nothing uses any more go, after a while.
--
-- What was kept before this stays until its owner deletes it, or a message has shown it: its use was not counted then.
ALTER TABLE media ADD COLUMN use text NOT NULL DEFAULT 'never' CHECK (use IN ('never', 'shown', 'left'));
ALTER TABLE media ADD COLUMN due_at timestamptz;  -- when it is asked next what uses it; NULL: never
CREATE INDEX media_due ON media (due_at) WHERE due_at IS NOT NULL;

-- Media whose URLs stand in a conversation: uses, if they are of the same owner.
CREATE TABLE conversation_media (
    conversation  uuid NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    media         uuid NOT NULL,
    PRIMARY KEY (conversation, media)
);
CREATE INDEX conversation_media_media ON conversation_media (media);
INSERT INTO conversation_media (conversation, media)
SELECT DISTINCT c.id, m[1]::uuid FROM conversation c,
regexp_matches(c.data::text, '/media/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})', 'g') m;
