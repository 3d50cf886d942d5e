-- Notifications that wait for a socket of their subject to take them, and are posted if none does: docs/push.md.
CREATE TABLE push (
    subject      text        NOT NULL,
    notification uuid        NOT NULL,
    lane         bigint      NOT NULL,               -- of a lane one is posted at a time
    made         bigint      NOT NULL,               -- the notification's: what is made anew is posted anew
    put_at       timestamptz NOT NULL DEFAULT now(),
    due_at       timestamptz NOT NULL,
    attempts     bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (subject, notification),
    FOREIGN KEY (subject, notification) REFERENCES notification (subject, id) ON DELETE CASCADE
) WITH (fillfactor = 70);
CREATE INDEX push_due ON push (lane, due_at);

-- A receiver that takes nothing is left alone for a while.
CREATE TABLE push_hold (
    receiver   text PRIMARY KEY,
    failures   bigint      NOT NULL,                 -- one after the other
    held_until timestamptz NOT NULL
);

ALTER TABLE notification_head
    ADD COLUMN push_since timestamptz,               -- since then, for an hour, so many were posted
    ADD COLUMN pushes bigint NOT NULL DEFAULT 0;
