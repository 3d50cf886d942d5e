-- Secrets that are good once: services/auth/single_use.
CREATE TABLE single_use (
    hash        bytea PRIMARY KEY CHECK (length(hash) = 32),    -- SHA-256 of the purpose, a NUL and the secret
    purpose     text NOT NULL,                                  -- a row of purposes.def
    holder      text NOT NULL,                                  -- whom it is counted to: an account, an address, whoever invites
    account_id  uuid,                                           -- whose it is, if anybody's
    data        bytea NOT NULL CHECK (length(data) <= 4096),    -- msgpack of the purpose's record
    tries       bigint NOT NULL DEFAULT 0,
    made_at     timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz
);
CREATE INDEX single_use_holder ON single_use (purpose, holder, made_at);
CREATE INDEX single_use_account ON single_use (account_id, purpose) WHERE account_id IS NOT NULL;
CREATE INDEX single_use_expires ON single_use (expires_at);
