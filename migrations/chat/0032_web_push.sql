-- Browsers that are told by Web Push, and what signs for it: docs/push.md.
CREATE TABLE push_subscription (
    id            uuid PRIMARY KEY,
    subject       text        NOT NULL,
    session       uuid,                              -- a user's, whose end is its end; tokens of keys have none
    endpoint      text        NOT NULL UNIQUE,
    origin        text        NOT NULL,              -- of the endpoint
    keys          bytea       NOT NULL,              -- sealed: the browser's point and its secret
    name          text,
    made_at       timestamptz NOT NULL,
    posted_at     timestamptz,
    refused_since timestamptz,                       -- its push service has refused each message since then
    held_until    timestamptz,
    push_since    timestamptz,                       -- since then, for an hour, so many were posted
    pushes        bigint      NOT NULL DEFAULT 0
);
CREATE INDEX push_subscription_subject ON push_subscription (subject);

-- One pair, made when it is asked for first.  Browsers take messages of the pair alone that they were told when they subscribed.
CREATE TABLE push_key (
    id     bigint PRIMARY KEY CHECK (id = 1),
    point  bytea  NOT NULL,
    secret bytea  NOT NULL                           -- sealed
);

-- What waits does so for each receiver: the operator's server (NULL), and each browser.
ALTER TABLE push ADD COLUMN subscription uuid REFERENCES push_subscription ON DELETE CASCADE;
ALTER TABLE push DROP CONSTRAINT push_pkey;
CREATE UNIQUE INDEX push_of_receiver ON push (subject, notification, subscription) NULLS NOT DISTINCT;
CREATE INDEX push_subscription_waits ON push (subscription) WHERE subscription IS NOT NULL;
