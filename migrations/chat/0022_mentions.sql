-- Who is mentioned in which message: written from the log behind the acknowledgement, as it is after the last edit.
--
-- Of what was said before this came nobody is mentioned.

-- How nicknames are compared, as auth does: without capitals, in one form.
CREATE FUNCTION name_key(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT normalize(lower(upper(normalize(name, NFKC) COLLATE "und-x-icu")), NFKC)
$$;
CREATE INDEX directory_name ON directory (name_key(nickname));

-- Does a name end behind the nth character?  No letter or digit follows, or one of a script that sets its words and particles behind one another
-- without blanks: Hangul, kana, Han.
CREATE FUNCTION name_ends(name text, n integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT substr(name, n + 1, 1) COLLATE "und-x-icu" !~ '[[:alnum:]_]'
        OR substr(name, n + 1, 1) COLLATE "C" ~ '[\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]'
$$;

CREATE TABLE mention (
    room_id uuid        NOT NULL REFERENCES activity (room_id) ON DELETE CASCADE,
    subject text        NOT NULL,      -- '': everybody who is there
    seq     bigint      NOT NULL,      -- of the message
    sender  text        NOT NULL,
    at      timestamptz NOT NULL,      -- when the message was stored
    PRIMARY KEY (room_id, subject, seq)
);
CREATE INDEX mention_message ON mention (room_id, seq);
CREATE INDEX mention_subject ON mention (subject, at, room_id, seq) WHERE subject <> '';
CREATE INDEX mention_all ON mention (room_id, at, seq) WHERE subject = '';
CREATE INDEX mention_sender ON mention (sender);

-- How many messages behind this place mention them: 100 at most, as a row, like counted_after() of 0020.  Whom they block mentions nobody.
CREATE FUNCTION mentions_after(room uuid, who text, place bigint) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    SELECT least(count(*), 100) FROM (
        (SELECT n.seq FROM mention n WHERE n.room_id = room AND n.subject = who AND n.seq > place AND NOT blocks(who, n.sender)
            ORDER BY n.seq LIMIT 100)
        UNION
        (SELECT n.seq FROM mention n WHERE n.room_id = room AND n.subject = '' AND n.seq > place AND NOT blocks(who, n.sender)
            ORDER BY n.seq LIMIT 100)) seqs
$$;
