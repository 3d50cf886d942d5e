-- How much of each quota of proto/quotas.def a subject uses: counted with what is made and given back.
CREATE TABLE usage (
    quota    text   NOT NULL,
    subject  text   NOT NULL,
    used     bigint NOT NULL CHECK (used >= 0),
    PRIMARY KEY (quota, subject)
) WITH (fillfactor = 50);            -- updated with everything that is made: leave room for updates in place

CREATE INDEX usage_subject ON usage (subject);

-- What a conversation counts as: the bytes that came.  Of those from before, the bytes of their JSON.
ALTER TABLE conversation ADD COLUMN bytes bigint;
UPDATE conversation SET bytes = octet_length(data::text);

INSERT INTO usage (quota, subject, used) SELECT 'conversations', owner, count(*) FROM conversation GROUP BY owner;
INSERT INTO usage (quota, subject, used) SELECT 'conversation_bytes', owner, sum(bytes) FROM conversation GROUP BY owner;
