-- What operators are told of at once, and what everybody is told.

CREATE TABLE alert (
    id         uuid PRIMARY KEY,
    kind       text NOT NULL,               -- a row of proto/alerts.def
    address    text NOT NULL DEFAULT '',
    subject    text NOT NULL DEFAULT '',
    key        text NOT NULL DEFAULT '',
    detail     text NOT NULL DEFAULT '',
    at         timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    open_until timestamptz NOT NULL,        -- what is alike until then is counted here
    times      bigint NOT NULL,
    told       bigint NOT NULL              -- as many as gateways know of
);
CREATE INDEX alert_at ON alert (at DESC, id DESC);
CREATE INDEX alert_open ON alert (kind, open_until);
CREATE INDEX alert_about ON alert (kind, address, subject, key, open_until);

-- The open one of this kind about this counts it, else a new one is opened; while `most` are open, one about nobody in
-- particular.  Who opens waits for the commit of another who opens one of the kind.
CREATE FUNCTION alert_raise(new_id uuid, what text, whence text, who text, which text, more text, n bigint, now timestamptz,
    quiet_s bigint, most bigint) RETURNS SETOF alert LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    found_id uuid;
BEGIN
    FOR try IN 1..3 LOOP
        SELECT id INTO found_id FROM alert WHERE kind = what AND address = whence AND subject = who AND key = which
            AND open_until > now ORDER BY open_until DESC LIMIT 1;
        IF FOUND THEN
            RETURN QUERY UPDATE alert SET times = times + n, last_at = greatest(last_at, now) WHERE id = found_id RETURNING *;
            RETURN;
        END IF;
        IF try = 1 THEN
            PERFORM pg_advisory_xact_lock(hashtextextended('madang.auth.alert ' || what, 0));
        ELSIF try = 2 AND (SELECT count(*) FROM alert WHERE kind = what AND open_until > now) >= most THEN
            whence := ''; who := ''; which := ''; more := '';
        ELSE
            EXIT;
        END IF;
    END LOOP;
    RETURN QUERY INSERT INTO alert (id, kind, address, subject, key, detail, at, last_at, open_until, times, told)
        VALUES (new_id, what, whence, who, which, more, now, now, now + quiet_s * interval '1 second', n, n) RETURNING *;
END $$;

CREATE TABLE notice (
    id      uuid PRIMARY KEY,
    text    text NOT NULL,
    made_by text NOT NULL,
    at      timestamptz NOT NULL,
    until   timestamptz NOT NULL
);

-- Gateways hear of both with what they trust.
ALTER TABLE trust_change DROP CONSTRAINT trust_change_kind_check;
ALTER TABLE trust_change ADD CONSTRAINT trust_change_kind_check
    CHECK (kind IN ('signing', 'policy', 'key', 'limit', 'subject', 'session', 'ban', 'notice', 'alert'));

CREATE FUNCTION trust_note_notice() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    one notice;
BEGIN
    IF TG_OP = 'DELETE' THEN one := OLD; ELSE one := NEW; END IF;
    IF one.until > now() THEN
        PERFORM trust_note('notice', one.id::text, NULL, one.until);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER notice_is_trusted AFTER INSERT OR UPDATE OR DELETE ON notice FOR EACH ROW EXECUTE FUNCTION trust_note_notice();

-- An alert is no news any more after an hour: then it is read in the list.
CREATE FUNCTION trust_note_alert() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM trust_note('alert', NEW.id::text, NULL, now() + interval '1 hour');
    RETURN NULL;
END $$;
CREATE TRIGGER alert_is_trusted AFTER INSERT OR UPDATE OF told ON alert FOR EACH ROW EXECUTE FUNCTION trust_note_alert();

-- Where keys were used: a network is news where others are known.
CREATE TABLE key_network (
    key     text NOT NULL,
    network text NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (key, network)
);
CREATE INDEX key_network_last ON key_network (last_at);

-- How far the audit's chain was held against itself: its newest link then, and where the turn over the old ones is.
CREATE TABLE audit_checked (
    the_one   boolean PRIMARY KEY DEFAULT true CHECK (the_one),
    head      bigint NOT NULL DEFAULT 0,
    head_hash bytea,
    turn      bigint NOT NULL DEFAULT 0
);
INSERT INTO audit_checked DEFAULT VALUES;

-- The first policies let everybody into /system, where notices are heard, unless somebody has changed whom they let in where.
UPDATE policy SET version = version + 1, changed_at = now(),
    rules = jsonb_set(rules, '{0,namespaces}', rules->0->'namespaces' || '["/system"]')
WHERE name IN ('chat-client', 'member', 'read-only')
    AND rules->0 = '{"effect": "allow", "namespaces": ["/", "/chat", "/notification", "/error"], "actions": ["connect"]}';
