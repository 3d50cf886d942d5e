-- Registered users, and their sessions.  The table is `account`, because "user" is a reserved word.

CREATE TABLE account (
    id                 uuid PRIMARY KEY,                -- the sub of their tokens
    email              text,                            -- as it was written, in normal form C; some have none
    email_key          text UNIQUE,                     -- what it is unique by: services/auth/users/email.h
    email_verified_at  timestamptz,
    nickname           text NOT NULL,                   -- the handle, in normal form C
    nickname_key       text NOT NULL UNIQUE,            -- the same without regard to case and compatibility forms
    name               text,                            -- to show
    locale             text NOT NULL DEFAULT 'en' CHECK (locale IN ('ko', 'en')),
    password           text,                            -- crypt(3); who has none signs in otherwise
    policy             text NOT NULL DEFAULT 'member' REFERENCES policy (name),
    state              text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'disabled', 'leaving')),
    delete_at          timestamptz,
    findable_email     boolean NOT NULL DEFAULT false,
    findable_nickname  boolean NOT NULL DEFAULT true,
    created_at         timestamptz NOT NULL,
    changed_at         timestamptz NOT NULL,
    CHECK ((email IS NULL) = (email_key IS NULL)),
    CHECK (email IS NOT NULL OR email_verified_at IS NULL),
    CHECK ((state = 'leaving') = (delete_at IS NOT NULL))
);
CREATE INDEX account_policy ON account (policy);
CREATE INDEX account_delete_at ON account (delete_at) WHERE delete_at IS NOT NULL;

CREATE TABLE session (
    id                 uuid PRIMARY KEY,                -- the sid of its tokens
    account_id         uuid NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    counter            bigint NOT NULL DEFAULT 0,       -- of the refresh token that goes on: services/auth/sessions/refresh_token.h
    secret             bytea NOT NULL CHECK (length(secret) = 32),  -- what its refresh tokens are authenticated with
    created_at         timestamptz NOT NULL,
    refreshed_at       timestamptz NOT NULL,
    expires_at         timestamptz NOT NULL,            -- if it is not refreshed before
    ends_at            timestamptz NOT NULL,            -- in any case
    device             text,                            -- the User-Agent of who signed in, or refreshed it last
    address            inet,                            -- and the address
    methods            text[] NOT NULL,                 -- by what it was authenticated: pwd, ...
    authenticated_at   timestamptz NOT NULL
);
CREATE INDEX session_account ON session (account_id, refreshed_at DESC);
CREATE INDEX session_expires_at ON session (expires_at);

ALTER TABLE single_use ADD FOREIGN KEY (account_id) REFERENCES account (id) ON DELETE CASCADE;
