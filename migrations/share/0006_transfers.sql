-- Files that come in parts, over several requests: they rest between them, and a restart leaves them.
ALTER TABLE upload ADD COLUMN name text CHECK (char_length(name) BETWEEN 1 AND 200);
ALTER TABLE upload ADD COLUMN expires_at timestamptz;   -- NULL: it comes in one request
ALTER TABLE upload ADD COLUMN checked_to bigint;        -- bytes before a part whose checksum is not known to be right
ALTER TABLE upload ADD CHECK ((name IS NULL) = (expires_at IS NULL));

CREATE INDEX upload_expires ON upload (expires_at) WHERE expires_at IS NOT NULL;
