-- Who users are elsewhere.  A provider says it of its own users alone, so an identity is of one issuer; the subject is that
-- issuer's name for somebody, and never an e-mail, which may be another's tomorrow.
CREATE TABLE identity (
    provider        text NOT NULL,                      -- services/auth/oauth/providers.def
    issuer          text NOT NULL,                      -- as it was configured then
    subject         text NOT NULL,
    account_id      uuid NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    email           text,                               -- what the issuer said last
    email_verified  boolean NOT NULL,                   -- and whether it said that it is theirs
    created_at      timestamptz NOT NULL,
    used_at         timestamptz NOT NULL,
    PRIMARY KEY (provider, issuer, subject)
);
CREATE INDEX identity_account ON identity (account_id);
