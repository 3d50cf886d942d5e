-- Work to be done later, by kind: libshared/jobs.
CREATE TABLE job (
    id          uuid PRIMARY KEY,
    kind        text NOT NULL,                      -- a JOB row of proto/
    key         text NOT NULL,
    subject     text NOT NULL,                      -- whose request put it, and is counted; '': nobody's
    payload     bytea NOT NULL CHECK (length(payload) <= 65536),
    put_at      timestamptz NOT NULL,
    run_at      timestamptz NOT NULL,               -- not before; with a lease: when that lapses
    again_at    timestamptz,                        -- put once more while it ran
    attempts    bigint NOT NULL DEFAULT 0,
    lease       uuid,                               -- of the run that has it
    last_error  text,
    dead_at     timestamptz,                        -- given up, and kept to be looked at
    UNIQUE (kind, key)
);
CREATE INDEX job_due ON job (kind, run_at) WHERE dead_at IS NULL;
CREATE INDEX job_subject ON job (kind, subject) WHERE dead_at IS NULL;
CREATE INDEX job_dead ON job (kind, dead_at) WHERE dead_at IS NOT NULL;
