-- Conversations change, are public, and lie in the trash for a while.
ALTER TABLE conversation
    ADD COLUMN theme      text CHECK (char_length(theme) BETWEEN 1 AND 40),
    ADD COLUMN public     boolean     NOT NULL DEFAULT false,
    ADD COLUMN version    bigint      NOT NULL DEFAULT 1,      -- its etag; another one with each change
    ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN deleted_at timestamptz;                         -- put into the trash
UPDATE conversation SET changed_at = created_at;

-- One's own, as lists have them.
CREATE INDEX conversation_changed ON conversation (owner, changed_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX conversation_named ON conversation (owner, name, id) WHERE deleted_at IS NULL;
CREATE INDEX conversation_trash ON conversation (owner, deleted_at DESC, id DESC) WHERE deleted_at IS NOT NULL;
CREATE INDEX conversation_deleted ON conversation (deleted_at) WHERE deleted_at IS NOT NULL;

-- RFC 7386.  Each object of a patch that is not in an array is one call: who calls this bounds how many there are.
CREATE FUNCTION merge_patch(target jsonb, patch jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT AS $$
BEGIN
    IF jsonb_typeof(patch) <> 'object' THEN RETURN patch; END IF;
    IF target IS NULL OR jsonb_typeof(target) <> 'object' THEN target := '{}'; END IF;
    RETURN coalesce((
        SELECT jsonb_object_agg(key, CASE WHEN p.value IS NULL THEN t.value WHEN jsonb_typeof(p.value) = 'object'
            THEN merge_patch(t.value, p.value) ELSE p.value END)
        FROM jsonb_each(target) t FULL JOIN jsonb_each(patch) p USING (key)
        WHERE p.value IS NULL OR jsonb_typeof(p.value) <> 'null'), '{}');
END $$;
