-- Rates and quotas that are others than proto/ says: for one subject, for one key, or for all (neither).
CREATE TABLE limit_change (
    name     text   NOT NULL,
    subject  text   NOT NULL DEFAULT '',
    key      text   NOT NULL DEFAULT '',
    most     bigint NOT NULL CHECK (most >= 0),
    PRIMARY KEY (name, subject, key),
    CHECK (subject = '' OR key = '')
);
