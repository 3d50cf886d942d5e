-- What conversations were before they changed.
ALTER TABLE conversation
    ADD COLUMN changed_by text,             -- who made it what it is; NULL: nobody has changed it, or it is not known
    ADD COLUMN began_at   timestamptz;      -- when they began to: what they change again soon is the same change
CREATE INDEX conversation_changed_by ON conversation (changed_by) WHERE changed_by IS NOT NULL;

CREATE TABLE former_version (
    conversation uuid        NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    version      bigint      NOT NULL,      -- which the conversation's was then
    owner        text        NOT NULL,      -- the conversation's
    changed_by   text,                      -- who made it so; NULL: it is not known, or they were erased
    changed_at   timestamptz NOT NULL,
    kept_at      timestamptz NOT NULL,      -- when it became another
    name         text        NOT NULL,
    theme        text,
    data         jsonb       NOT NULL,
    messages     bigint      NOT NULL,      -- so many has its content
    bytes        bigint      NOT NULL,      -- which counts as so much
    counts       bigint      NOT NULL GENERATED ALWAYS AS (bytes + 1024) STORED, -- and all of it as so much: none is free
    PRIMARY KEY (conversation, version)
);
CREATE INDEX former_version_owner ON former_version (owner, kept_at, conversation, version);
CREATE INDEX former_version_kept ON former_version (kept_at);
CREATE INDEX former_version_changed_by ON former_version (changed_by) WHERE changed_by IS NOT NULL;

-- Media that a former version showed: uses, as those of conversation_media are.
CREATE TABLE former_version_media (
    conversation uuid   NOT NULL,
    version      bigint NOT NULL,
    media        uuid   NOT NULL,
    PRIMARY KEY (conversation, version, media),
    FOREIGN KEY (conversation, version) REFERENCES former_version ON DELETE CASCADE
);
CREATE INDEX former_version_media_media ON former_version_media (media);

-- How much all of an owner's count as, whatever makes and removes them.  Whoever holds its row waits for no former version, so that nobody waits in a circle.
CREATE TABLE former_version_usage (
    owner text   PRIMARY KEY,
    used  bigint NOT NULL
);
CREATE FUNCTION former_version_count() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO former_version_usage AS u (owner, used) SELECT owner, sum(counts) FROM changed GROUP BY owner
        ON CONFLICT (owner) DO UPDATE SET used = u.used + excluded.used;
    ELSE
        UPDATE former_version_usage u SET used = u.used - g.used
        FROM (SELECT owner, sum(counts) AS used FROM changed GROUP BY owner) g WHERE u.owner = g.owner;
        DELETE FROM former_version_usage WHERE used = 0 AND owner IN (SELECT owner FROM changed);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER former_version_is_kept AFTER INSERT ON former_version REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION former_version_count();
CREATE TRIGGER former_version_is_gone AFTER DELETE ON former_version REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION former_version_count();
