-- What gateways trust, as differences: each change of a policy, a key, a limit, a signing key or what has ended takes the next
-- position, and whoever knows all up to a position asks for what lies behind it.  The row of the position is locked until the
-- commit, so positions become visible in their order.

CREATE TABLE trust_position (
    the_one  boolean PRIMARY KEY DEFAULT true CHECK (the_one),
    epoch    uuid   NOT NULL DEFAULT gen_random_uuid(),     -- another database has other positions
    position bigint NOT NULL DEFAULT 0
);
INSERT INTO trust_position DEFAULT VALUES;

-- Of each thing its newest position; what it is now, its own table says.
CREATE TABLE trust_change (
    kind     text   NOT NULL CHECK (kind IN ('signing', 'policy', 'key', 'limit', 'subject', 'session')),
    name     text   NOT NULL,
    position bigint NOT NULL,
    ended_at timestamptz,           -- of a subject or session: tokens issued up to then have ended
    until    timestamptz,           -- no longer of interest after this, as the last token has ended by itself
    PRIMARY KEY (kind, name)
);
CREATE UNIQUE INDEX trust_change_position ON trust_change (position);
CREATE INDEX trust_change_until ON trust_change (until) WHERE until IS NOT NULL;

CREATE FUNCTION trust_note(what text, which text, ended timestamptz, lasts timestamptz) RETURNS void LANGUAGE plpgsql
    SET search_path FROM CURRENT AS $$
DECLARE
    next bigint;
BEGIN
    UPDATE trust_position SET position = position + 1 RETURNING position INTO next;
    INSERT INTO trust_change (kind, name, position, ended_at, until) VALUES (what, which, next, ended, lasts)
        ON CONFLICT (kind, name) DO UPDATE SET position = excluded.position, until = excluded.until,
            ended_at = greatest(trust_change.ended_at, excluded.ended_at);
    PERFORM pg_notify('auth_changed', '');
END $$;

-- Triggers, so that a migration or a hand with psql changes nothing that gateways do not hear of.
CREATE FUNCTION trust_note_policy() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM trust_note('policy', OLD.name, NULL, NULL);
    ELSIF TG_OP = 'INSERT' OR NEW.rules <> OLD.rules OR NEW.version <> OLD.version THEN
        PERFORM trust_note('policy', NEW.name, NULL, NULL);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER policy_is_trusted AFTER INSERT OR UPDATE OR DELETE ON policy FOR EACH ROW EXECUTE FUNCTION trust_note_policy();

-- A day is the longest that a token may be asked for.
CREATE FUNCTION trust_note_key() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'UPDATE' OR NEW.networks <> '{}' THEN
        PERFORM trust_note('key', NEW.id, NULL,
            CASE WHEN NEW.revoked_at IS NOT NULL THEN NEW.revoked_at + interval '1 day 1 minute' END);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER key_is_trusted AFTER INSERT OR UPDATE OF secret, previous_secret, networks, bind_tokens, revoked_at ON api_key
    FOR EACH ROW EXECUTE FUNCTION trust_note_key();

CREATE FUNCTION trust_note_limit() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    one limit_change;
BEGIN
    IF TG_OP = 'DELETE' THEN one := OLD; ELSE one := NEW; END IF;
    PERFORM trust_note('limit', jsonb_build_array(one.name, one.subject, one.key)::text, NULL, NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER limit_is_trusted AFTER INSERT OR UPDATE OR DELETE ON limit_change
    FOR EACH ROW EXECUTE FUNCTION trust_note_limit();

CREATE FUNCTION trust_note_signing() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM trust_note('signing', '', NULL, NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER signing_key_is_trusted AFTER INSERT OR UPDATE OF retires_at OR DELETE ON signing_key
    FOR EACH STATEMENT EXECUTE FUNCTION trust_note_signing();

-- What there is already.
SELECT trust_note('policy', name, NULL, NULL) FROM policy ORDER BY name;
SELECT trust_note('key', id, NULL, revoked_at + interval '1 day 1 minute') FROM api_key
    WHERE revoked_at > now() - interval '1 day 1 minute' OR (revoked_at IS NULL AND networks <> '{}') ORDER BY id;
SELECT trust_note('limit', jsonb_build_array(name, subject, key)::text, NULL, NULL) FROM limit_change ORDER BY name, subject, key;
SELECT trust_note('signing', '', NULL, NULL);
