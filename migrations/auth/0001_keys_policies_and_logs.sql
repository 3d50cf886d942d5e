-- API keys, policies, signing keys, and two logs that only grow.

CREATE TABLE policy (
    name        text PRIMARY KEY,
    version     bigint NOT NULL DEFAULT 1,
    rules       jsonb NOT NULL,
    changed_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_key (
    id              text PRIMARY KEY,
    name            text NOT NULL,
    policy          text NOT NULL REFERENCES policy (name),
    secret          bytea NOT NULL CHECK (length(secret) = 32),                 -- SHA-256
    previous_secret bytea CHECK (length(previous_secret) = 32),
    grace_until     timestamptz,                                                -- of the previous secret
    networks        cidr[] NOT NULL DEFAULT '{}',
    impersonate     boolean NOT NULL DEFAULT true,
    created_at      timestamptz NOT NULL,
    expires_at      timestamptz,
    revoked_at      timestamptz,
    last_used_at    timestamptz
);
CREATE INDEX api_key_created_at ON api_key (created_at DESC);
CREATE INDEX api_key_revoked_at ON api_key (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE signing_key (
    kid         text PRIMARY KEY,                   -- RFC 7638 thumbprint
    private_pem text,                               -- forgotten when it retires
    public_pem  text NOT NULL,
    created_at  timestamptz NOT NULL,
    active_at   timestamptz NOT NULL,               -- signs from then on: every gateway has it before
    retires_at  timestamptz                         -- its last token has ended by then; NULL: it is the newest
);

-- Every token and every refusal.
CREATE TABLE token_log (
    n           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL,
    key_id      text NOT NULL,
    subject     text NOT NULL,
    address     text NOT NULL,
    outcome     text NOT NULL                       -- ok, or a code of proto/errors.def
);
CREATE INDEX token_log_key ON token_log (key_id, at DESC);

-- What administrators did.  Each row's hash covers the row and the hash before it.
CREATE TABLE audit (
    n           bigint PRIMARY KEY,
    at          timestamptz NOT NULL,
    who         text NOT NULL,
    what        text NOT NULL,
    target      text NOT NULL,
    detail      jsonb NOT NULL,
    prev        bytea NOT NULL,
    hash        bytea NOT NULL
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER token_log_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON token_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION audit_hash(prev bytea, n bigint, at timestamptz, who text, what text, target text, detail jsonb)
    RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(prev || convert_to(jsonb_build_array(n, (extract(epoch FROM at) * 1000000)::bigint, who, what, target,
        detail)::text, 'UTF8'))
$$;

-- One at a time, so that the chain has no fork.
CREATE FUNCTION audit_add(at timestamptz, who text, what text, target text, detail jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    last_n bigint;
    last_hash bytea;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('madang.auth.audit', 0));
    SELECT a.n, a.hash INTO last_n, last_hash FROM audit a ORDER BY a.n DESC LIMIT 1;
    last_n := coalesce(last_n, 0) + 1;
    last_hash := coalesce(last_hash, '\x'::bytea);
    INSERT INTO audit VALUES (last_n, at, who, what, target, detail, last_hash,
        audit_hash(last_hash, last_n, at, who, what, target, detail));
END $$;

-- The first row that does not follow from the one before it; NULL: the chain is whole.
CREATE FUNCTION audit_broken() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT min(n) FROM (
        SELECT n, prev = coalesce(lag(hash) OVER (ORDER BY n), '\x'::bytea) AND n = row_number() OVER (ORDER BY n)
            AND hash = audit_hash(prev, n, at, who, what, target, detail) AS whole FROM audit) chain
    WHERE NOT whole
$$;

-- Policies to begin with.  They are data like any other: change them with authctl policy put.
INSERT INTO policy (name, rules) VALUES
('chat-client', '[
    {"effect": "allow", "namespaces": ["/", "/chat", "/notification", "/error"], "actions": ["connect"]},
    {"effect": "allow", "namespaces": ["/chat"], "actions": ["emit", "subscribe", "publish", "history"]}
]'),
('chat-backend', '[
    {"effect": "allow", "actions": ["connect", "emit", "subscribe", "publish", "history", "admin"]}
]'),
('read-only', '[
    {"effect": "allow", "namespaces": ["/", "/chat", "/notification", "/error"], "actions": ["connect"]},
    {"effect": "allow", "namespaces": ["/chat"], "actions": ["subscribe", "history"]}
]');
