-- What somebody proves who they are with besides a password: codes of an authenticator app, passkeys, recovery codes.
CREATE TABLE factor (
    id            uuid PRIMARY KEY,
    account_id    uuid NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    kind          text NOT NULL CHECK (kind IN ('totp', 'passkey')),
    name          text NOT NULL,
    sealed        bytea,                    -- totp: the secret, sealed with the file key
    credential    bytea UNIQUE,             -- passkey: its id
    public_key    bytea,                    -- and key, as libfido2 has it
    algorithm     bigint,                   -- COSE's number
    counter       bigint NOT NULL,          -- totp: the step of the last good code; passkey: the authenticator's last count
    confirmed_at  timestamptz,              -- totp: it is asked for from then on
    created_at    timestamptz NOT NULL,
    last_used_at  timestamptz,
    CHECK ((kind = 'totp') = (sealed IS NOT NULL)),
    CHECK ((kind = 'passkey') = (credential IS NOT NULL AND public_key IS NOT NULL AND algorithm IS NOT NULL)),
    CHECK (kind = 'totp' OR confirmed_at IS NOT NULL)
);
CREATE UNIQUE INDEX factor_totp ON factor (account_id) WHERE kind = 'totp';
CREATE INDEX factor_account ON factor (account_id);

CREATE TABLE recovery_code (
    account_id  uuid NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    hash        bytea NOT NULL CHECK (length(hash) = 32),   -- SHA-256 of the account and the code, which has 80 random bits
    PRIMARY KEY (account_id, hash)
);

-- Its second factor is still asked for: no refresh token, and access tokens that open nothing but that.
ALTER TABLE session ADD COLUMN pending boolean NOT NULL DEFAULT false;
