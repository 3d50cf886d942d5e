-- Who is let in nowhere, and gateways' knowledge of it.

CREATE TABLE ban (
    id       uuid PRIMARY KEY,
    kind     text NOT NULL CHECK (kind IN ('network', 'subject', 'key')),
    what     text NOT NULL,
    reason   text,
    made_by  text NOT NULL,
    at       timestamptz NOT NULL,
    until    timestamptz,                   -- NULL: until it is lifted
    UNIQUE (kind, what)
);
CREATE INDEX ban_at ON ban (at DESC, id DESC);
CREATE INDEX ban_until ON ban (until) WHERE until IS NOT NULL;

ALTER TABLE trust_change DROP CONSTRAINT trust_change_kind_check;
ALTER TABLE trust_change ADD CONSTRAINT trust_change_kind_check
    CHECK (kind IN ('signing', 'policy', 'key', 'limit', 'subject', 'session', 'ban'));

-- A ban that is lifted is news for as long as it would have held.
CREATE FUNCTION trust_note_ban() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    one ban;
BEGIN
    IF TG_OP = 'DELETE' THEN one := OLD; ELSE one := NEW; END IF;
    PERFORM trust_note('ban', jsonb_build_array(one.kind, one.what)::text, NULL,
        CASE WHEN TG_OP = 'UPDATE' AND (OLD.until IS NULL OR OLD.until > NEW.until) THEN OLD.until ELSE one.until END);
    RETURN NULL;
END $$;
CREATE TRIGGER ban_is_trusted AFTER INSERT OR UPDATE OR DELETE ON ban FOR EACH ROW EXECUTE FUNCTION trust_note_ban();
