-- How much of each quota of proto/quotas.def a subject uses: counted with what is made and given back.
CREATE TABLE usage (
    quota    text   NOT NULL,
    subject  text   NOT NULL,
    used     bigint NOT NULL CHECK (used >= 0),
    PRIMARY KEY (quota, subject)
) WITH (fillfactor = 50);            -- updated with everything that is made: leave room for updates in place

CREATE INDEX usage_subject ON usage (subject);

-- Whose quota a member counts in.  Of those from before, and of those that an older process adds while a newer one runs,
-- it is the room's maker.
ALTER TABLE member ADD COLUMN added_by text;

INSERT INTO usage (quota, subject, used) SELECT 'rooms', created_by, count(*) FROM room GROUP BY created_by;
INSERT INTO usage (quota, subject, used)
    SELECT 'members', r.created_by, count(*) FROM member m JOIN room r ON r.id = m.room_id GROUP BY r.created_by;
