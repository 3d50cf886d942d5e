-- Accounts that leave: for 14 days their user may come back, then they are erased; and their nickname is nobody's for 90 days more.

CREATE TABLE nickname_reserved (
    nickname_key  text PRIMARY KEY,
    until         timestamptz NOT NULL
);
CREATE INDEX nickname_reserved_until ON nickname_reserved (until);

-- What is left of an account that was erased: that it was, and when.  Nothing of whose it was but its id.
CREATE TABLE account_erased (
    account_id    uuid PRIMARY KEY,
    asked_at      timestamptz NOT NULL,
    erased_at     timestamptz NOT NULL
);
CREATE INDEX account_created ON account (created_at DESC, id DESC);

-- Tokens say in whole seconds when they were issued, and those that come after an end are of the next second.  A second end within
-- the same second has to end these, too; and a session that has ended is never gone on with, whenever its tokens were issued.
CREATE OR REPLACE FUNCTION trust_note(what text, which text, ended timestamptz, lasts timestamptz) RETURNS void LANGUAGE plpgsql
    SET search_path FROM CURRENT AS $$
DECLARE
    next bigint;
BEGIN
    UPDATE trust_position SET position = position + 1 RETURNING position INTO next;
    INSERT INTO trust_change (kind, name, position, ended_at, until, at)
        VALUES (what, which, next, CASE WHEN what = 'session' THEN lasts ELSE ended END, lasts, clock_timestamp())
        ON CONFLICT (kind, name) DO UPDATE SET position = excluded.position, until = excluded.until, at = excluded.at,
            ended_at = CASE WHEN excluded.ended_at <= trust_change.ended_at THEN trust_change.ended_at + interval '1 second'
                ELSE greatest(trust_change.ended_at, excluded.ended_at) END;
    PERFORM pg_notify('auth_changed', '');
END $$;
