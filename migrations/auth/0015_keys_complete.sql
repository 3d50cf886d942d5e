-- What else a key has: it is disabled for a while, holds for so many tokens, was used from somewhere last.

ALTER TABLE api_key
    ADD COLUMN disabled_at    timestamptz,
    ADD COLUMN issued_by      text,                 -- the key of whom asked for it over the network; NULL: an operator
    ADD COLUMN last_used_from inet;

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

-- All that a key's tokens have to know of it is trusted; each change takes a position.  What only tokens need that were made
-- before is forgotten with the last of them: a day is the longest that one may be asked for.  Where the networks of a key were
-- told, they hold until they are told to be others, whenever a gateway asks.
CREATE OR REPLACE FUNCTION trust_note_key() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    lasts timestamptz := now() + interval '1 day 1 minute';
BEGIN
    IF NEW.revoked_at IS NOT NULL THEN
        lasts := NEW.revoked_at + interval '1 day 1 minute';
    ELSIF NEW.networks <> '{}' OR EXISTS (
        SELECT FROM trust_change WHERE kind = 'key' AND name = NEW.id AND until IS NULL) THEN
        lasts := NULL;
    END IF;
    IF TG_OP = 'UPDATE' OR NEW.networks <> '{}' THEN
        PERFORM trust_note('key', NEW.id, NULL, lasts);
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER key_is_trusted ON api_key;
CREATE TRIGGER key_is_trusted AFTER INSERT OR UPDATE OF secret, previous_secret, networks, bind_tokens, revoked_at, policy,
    impersonate, act_as_users, disabled_at, expires_at ON api_key FOR EACH ROW EXECUTE FUNCTION trust_note_key();

-- When a change was made, for gateways to measure how long it took to reach them.
ALTER TABLE trust_change ADD COLUMN at timestamptz NOT NULL DEFAULT now();
CREATE OR REPLACE FUNCTION trust_note(what text, which text, ended timestamptz, lasts timestamptz) RETURNS void LANGUAGE plpgsql
    SET search_path FROM CURRENT AS $$
DECLARE
    next bigint;
BEGIN
    UPDATE trust_position SET position = position + 1 RETURNING position INTO next;
    INSERT INTO trust_change (kind, name, position, ended_at, until, at) VALUES (what, which, next, ended, lasts, clock_timestamp())
        ON CONFLICT (kind, name) DO UPDATE SET position = excluded.position, until = excluded.until, at = excluded.at,
            ended_at = greatest(trust_change.ended_at, excluded.ended_at);
    PERFORM pg_notify('auth_changed', '');
END $$;
