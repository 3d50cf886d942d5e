-- Under which name a conversation was taken in from a file of a browser's; that one's content is its client_key.
ALTER TABLE conversation ADD COLUMN taken_in_as text;
CREATE INDEX conversation_taken_in ON conversation (owner, taken_in_as, created_at DESC) WHERE taken_in_as IS NOT NULL;
