-- Links with which others see a conversation.
CREATE TABLE share_link (
    id            uuid PRIMARY KEY,
    owner         text        NOT NULL,
    conversation  uuid        NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    code_hash     bytea       NOT NULL UNIQUE CHECK (octet_length(code_hash) = 32),
    code          bytea       NOT NULL,          -- sealed with the file key, for its owner to see again
    label         text CHECK (char_length(label) BETWEEN 1 AND 80),
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz,                   -- NULL: never
    view_budget   bigint CHECK (view_budget > 0), -- NULL: any number; what is left of it is in uses_left
    views         bigint      NOT NULL DEFAULT 0,
    last_view_at  timestamptz,
    download      boolean     NOT NULL,
    noindex       boolean     NOT NULL,
    theme         text CHECK (char_length(theme) BETWEEN 1 AND 40),
    client_key    text,
    snap_name     text,                          -- the conversation as it was, where the link shows that
    snap_theme    text,
    snap_data     jsonb,
    snap_changed_at timestamptz,
    bytes         bigint      NOT NULL,          -- what that counts as
    CHECK ((snap_data IS NULL) = (snap_name IS NULL) AND (snap_data IS NULL) = (snap_changed_at IS NULL)),
    UNIQUE (owner, client_key)
);
CREATE INDEX share_link_conversation ON share_link (conversation, id DESC);

-- So many uses of something, and no more: libshared/db/uses.  Without a row there is no bound.
CREATE TABLE uses_left (
    what      text   NOT NULL,
    id        text   NOT NULL,
    remaining bigint NOT NULL CHECK (remaining >= 0),
    PRIMARY KEY (what, id)
);
-- By which request, so that one which is sent again takes nothing more.
CREATE TABLE use_taken (
    what    text NOT NULL,
    id      text NOT NULL,
    request text NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (what, id, request)
);

-- A link goes with its conversation, too.
CREATE FUNCTION share_link_forget_uses() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM uses_left WHERE what = 'share_link' AND id = OLD.id::text;
    DELETE FROM use_taken WHERE what = 'share_link' AND id = OLD.id::text;
    RETURN NULL;
END $$;
CREATE TRIGGER share_link_is_gone AFTER DELETE ON share_link FOR EACH ROW EXECUTE FUNCTION share_link_forget_uses();
