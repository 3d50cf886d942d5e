-- A subject has one spelling, the one that auth puts into tokens: members are kept under it, however they are named.

CREATE FUNCTION subject_form(subject text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN subject ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' THEN lower(subject)
        ELSE normalize(subject, NFC) END
$$;

-- Who is in a room under two spellings stays so: nobody can tell any more which of the two was meant.
UPDATE member m SET subject = subject_form(subject)
    WHERE subject <> subject_form(subject)
    AND NOT EXISTS (SELECT FROM member o WHERE o.room_id = m.room_id AND o.subject <> m.subject
        AND subject_form(o.subject) = subject_form(m.subject));
UPDATE room SET created_by = subject_form(created_by)
    WHERE created_by <> subject_form(created_by)
    AND (client_key IS NULL OR NOT EXISTS (SELECT FROM room o WHERE o.id <> room.id AND o.client_key = room.client_key
        AND subject_form(o.created_by) = subject_form(room.created_by)));
