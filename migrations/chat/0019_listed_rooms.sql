-- Rooms that are found by their names, by who is not in them.
--
-- A constant default: no row is rewritten.
ALTER TABLE room ADD COLUMN listed boolean NOT NULL DEFAULT false;

-- How names are compared: without capitals, in one form, each blank one blank.
CREATE FUNCTION room_key(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT left(btrim(regexp_replace(normalize(lower(upper(normalize(name, NFKC) COLLATE "und-x-icu")), NFKC), '\s+', ' ', 'g')), 80)
$$;

-- What a listed room's name is from each of its characters on: what has a word anywhere in it has one that begins with the word.
CREATE TABLE listed_name (
    room_id  uuid    NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    key      text    COLLATE "C" NOT NULL,
    is_whole boolean NOT NULL,
    PRIMARY KEY (room_id, key)
);
CREATE INDEX listed_name_key ON listed_name (key, room_id);
CREATE INDEX listed_name_whole ON listed_name (key, room_id) WHERE is_whole;

CREATE FUNCTION list_room() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    whole text;
BEGIN
    IF TG_OP = 'INSERT' AND NOT NEW.listed THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.name, NEW.listed, NEW.archived_at IS NULL) = (OLD.name, OLD.listed, OLD.archived_at IS NULL) THEN
        RETURN NULL;
    END IF;
    whole := room_key(NEW.name);
    DELETE FROM listed_name WHERE room_id = NEW.id;
    INSERT INTO listed_name (room_id, key, is_whole) SELECT NEW.id, substr(whole, n), n = 1
        FROM generate_series(1, greatest(length(whole), 1)) AS n
        WHERE NEW.listed AND NEW.archived_at IS NULL AND substr(whole, n, 1) <> ' ';
    RETURN NULL;
END
$$;
CREATE TRIGGER room_is_listed AFTER INSERT OR UPDATE OF name, listed, archived_at ON room
    FOR EACH ROW EXECUTE FUNCTION list_room();
