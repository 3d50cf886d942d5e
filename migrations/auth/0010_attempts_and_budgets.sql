-- Every attempt to be somebody, with its result, a table for each day; and how many wrong proofs an account may still see.

CREATE TABLE attempt (
    at       timestamptz NOT NULL,
    id       uuid NOT NULL,
    kind     text NOT NULL,                     -- a row of services/auth/abuse/attempts.def
    subject  text NOT NULL,                     -- whom it was for; '': nobody that we know
    key      text NOT NULL,                     -- id of the API key; '': none
    address  text NOT NULL,
    device   text NOT NULL,                     -- what it called itself
    result   text NOT NULL,                     -- ok, or a code of proto/errors.def
    trace    text NOT NULL,
    times    bigint NOT NULL DEFAULT 1,         -- alike within a second, and counted together
    PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX attempt_subject ON attempt (subject, at DESC, id DESC) WHERE subject <> '';
CREATE INDEX attempt_key ON attempt (key, at DESC, id DESC) WHERE key <> '';
CREATE INDEX attempt_address ON attempt (address, at DESC, id DESC) WHERE address <> '';

-- Rows are neither changed nor taken out: a day leaves as a whole.
CREATE FUNCTION refuse_change_of_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER attempt_only_grows BEFORE UPDATE OR DELETE ON attempt FOR EACH ROW EXECUTE FUNCTION refuse_change_of_row();
CREATE TRIGGER attempt_stays BEFORE TRUNCATE ON attempt FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A day in UTC.  Made beside the others and attached then: to make it as a partition would wait for all who write, and
-- have all others wait.
CREATE FUNCTION attempt_day(day date) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    name text := 'attempt_' || to_char(day, 'YYYYMMDD');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('madang.auth.attempt', 0));
    IF to_regclass(name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE attempt INCLUDING ALL)', name);
    EXECUTE format('ALTER TABLE attempt ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name,
        day || ' 00:00:00+00', day + 1 || ' 00:00:00+00');
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
        name || '_stays', name);
END $$;

CREATE FUNCTION attempt_days(first date, last date) RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
    SELECT attempt_day(day::date) FROM generate_series(first, last, interval '1 day') day
$$;

-- The tables of days.  Those that are attached have to be detached before they can be dropped without a wait.
CREATE VIEW attempt_table AS
    SELECT c.relname::text AS name, to_date(substr(c.relname, 9), 'YYYYMMDD') AS day, i.inhparent IS NOT NULL AS attached,
        coalesce(i.inhdetachpending, false) AS leaving
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
        LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
    WHERE c.relname ~ '^attempt_[0-9]{8}$' AND c.relkind = 'r';

CREATE FUNCTION attempt_drop(name text) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS %I', name);
END $$;

-- The token log's last 90 days; it gets no more lines, and loses those that it has by and by.
SELECT attempt_days(least((now() AT TIME ZONE 'UTC')::date, (SELECT (min(at) AT TIME ZONE 'UTC')::date FROM token_log
    WHERE at > now() - interval '90 days')), (now() AT TIME ZONE 'UTC')::date + 7);
INSERT INTO attempt (at, id, kind, subject, key, address, device, result, trace)
    SELECT at, gen_random_uuid(), 'token', subject, key_id, address, '', outcome, '' FROM token_log
    WHERE at > now() - interval '90 days';

-- What is left of the proofs that may be wrong; services/auth/abuse/budget.h has the rules.
CREATE TABLE budget (
    account    text NOT NULL,
    scope      text NOT NULL,               -- a network, device:<hash>, or '': all that nobody knows
    failures   bigint NOT NULL DEFAULT 0,   -- in a row
    next_at    timestamptz NOT NULL,        -- not before
    good_at    timestamptz,                 -- the last success
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (account, scope)
);
CREATE INDEX budget_changed ON budget (changed_at);
