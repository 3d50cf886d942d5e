-- Users as a stream: each change of what others see of one takes the next position, and so does the end of one.  Services that keep
-- a directory of users ask for what lies behind the position that they have: services/auth/directory/users_since.c.

CREATE TABLE users_position (
    the_one   boolean PRIMARY KEY DEFAULT true CHECK (the_one),
    epoch     uuid   NOT NULL DEFAULT gen_random_uuid(),    -- another database has other positions
    position  bigint NOT NULL DEFAULT 0
);

-- Of each user the newest position; what they are now, `account` says, or nothing does any more.
CREATE TABLE account_change (
    account_id  uuid PRIMARY KEY,
    position    bigint NOT NULL
);
CREATE UNIQUE INDEX account_change_position ON account_change (position);

-- A path or URL of a picture of their own; none: the one that is drawn of their id is shown.
ALTER TABLE account ADD COLUMN avatar text;

CREATE FUNCTION avatar_of(account uuid, own text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(own, '/avatars/' || account || '.svg')
$$;

CREATE FUNCTION account_note() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    next bigint;
BEGIN
    UPDATE users_position SET position = position + 1 RETURNING position INTO next;
    INSERT INTO account_change (account_id, position) VALUES (coalesce(NEW.id, OLD.id), next)
        ON CONFLICT (account_id) DO UPDATE SET position = excluded.position;
    PERFORM pg_notify('auth_changed', 'users');
    RETURN NULL;
END $$;

-- Deferred: the row of the position is locked last and for as short as can be, whatever else a transaction has locked.
CREATE CONSTRAINT TRIGGER account_comes_and_goes AFTER INSERT OR DELETE ON account
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION account_note();
CREATE CONSTRAINT TRIGGER account_is_seen AFTER UPDATE ON account
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.nickname, OLD.name, OLD.avatar, OLD.state) IS DISTINCT FROM (NEW.nickname, NEW.name, NEW.avatar, NEW.state))
    EXECUTE FUNCTION account_note();

-- Who is there, and who was erased.
INSERT INTO users_position DEFAULT VALUES;
INSERT INTO account_change (account_id, position)
    SELECT id, row_number() OVER (ORDER BY at, id) FROM (SELECT id, created_at AS at FROM account
        UNION ALL SELECT account_id, erased_at FROM account_erased) known;
UPDATE users_position SET position = (SELECT count(*) FROM account_change);

-- What services have said that they erased of somebody.
CREATE TABLE erasure (
    account_id  uuid        NOT NULL,
    service     text        NOT NULL,
    erased_at   timestamptz NOT NULL,
    counts      jsonb       NOT NULL,       -- how many rows of what
    PRIMARY KEY (account_id, service)
);
INSERT INTO erasure (account_id, service, erased_at, counts) SELECT account_id, 'auth', erased_at, '[]' FROM account_erased;
