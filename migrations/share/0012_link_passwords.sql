-- A link may have a password.
ALTER TABLE share_link
    ADD COLUMN password  text,                       -- as crypt(3) has it; NULL: none
    ADD COLUMN passwords bigint NOT NULL DEFAULT 0;  -- so many it has had: a visit names the one that was said

-- Passwords of a link that were not the right one, by who said them: a network, or a visit that had said the right one before.
CREATE TABLE share_guess (
    link       uuid        NOT NULL REFERENCES share_link (id) ON DELETE CASCADE,
    who        text        NOT NULL,
    failures   bigint      NOT NULL CHECK (failures >= 0), -- in a row
    next_at    timestamptz NOT NULL,                       -- when the next one is compared
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (link, who)
);
CREATE INDEX share_guess_changed_at ON share_guess (changed_at);
