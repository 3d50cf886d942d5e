-- Private signing keys are encrypted with the file key, which is in no database (libshared/base/sealed.h).  Those that lie here as
-- PEM, auth seals at its next start, and turns over: what is in a backup must not sign for long.

ALTER TABLE signing_key ADD COLUMN sealed bytea;    -- forgotten when it retires
