-- Images are read by a job before others see them, and replaced by what that wrote.
ALTER TABLE media ADD COLUMN state text NOT NULL DEFAULT 'ready' CHECK (state IN ('pending', 'ready', 'refused'));
ALTER TABLE media ADD COLUMN fault text;
ALTER TABLE media ADD COLUMN width bigint;
ALTER TABLE media ADD COLUMN height bigint;
ALTER TABLE media ADD COLUMN placeholder text;
ALTER TABLE media ADD CHECK ((state = 'refused') = (fault IS NOT NULL));

-- What was made of an image besides: contents, as that of the medium itself is.
CREATE TABLE media_form (
    media  uuid   NOT NULL REFERENCES media (id),
    form   text   NOT NULL CHECK (form IN ('small', 'medium', 'large')),
    size   bigint NOT NULL CHECK (size >= 0),
    hash   bytea  NOT NULL REFERENCES blob (hash),
    PRIMARY KEY (media, form)
);

-- An owner's that are not read yet, the oldest first.
CREATE INDEX media_pending ON media (owner, id) WHERE state = 'pending';

-- Those that are there already, as if they had just come: a job for each of their owners, whose payload is {}.
UPDATE media SET state = 'pending' WHERE type IN ('image/jpeg', 'image/png', 'image/gif', 'image/webp');
INSERT INTO job (id, kind, key, subject, payload, put_at, run_at)
SELECT gen_random_uuid(), 'image.make', owner, owner, '\x80'::bytea, now(), now() FROM media WHERE state = 'pending' GROUP BY owner;
