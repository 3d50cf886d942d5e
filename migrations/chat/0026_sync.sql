-- When something became another that a room's record says, but for who is in it, what was said, and what was read: see `sync`.
--
-- Constant defaults: no row is rewritten.  Who comes in has another one from then on.
ALTER TABLE room ADD COLUMN stated_at timestamptz NOT NULL DEFAULT 'epoch';
ALTER TABLE member ADD COLUMN stated_at timestamptz NOT NULL DEFAULT 'epoch';
ALTER TABLE member ALTER COLUMN stated_at SET DEFAULT now();

CREATE FUNCTION note_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.stated_at := now();
    RETURN NEW;
END
$$;
-- All columns but these, so that a new one is not forgotten.
CREATE TRIGGER room_states BEFORE UPDATE ON room FOR EACH ROW
    WHEN (to_jsonb(OLD) - '{version,members,changed_at,stated_at}'::text[] IS DISTINCT FROM
        to_jsonb(NEW) - '{version,members,changed_at,stated_at}'::text[])
    EXECUTE FUNCTION note_statement();
-- Written with each message: so only where one of these is named.
CREATE TRIGGER member_states BEFORE UPDATE OF role, muted_until, joined_at ON member FOR EACH ROW EXECUTE FUNCTION note_statement();
