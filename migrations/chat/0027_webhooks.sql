-- Servers of other people that are told what happens in a room, what they are told, and what became of it.
CREATE TABLE webhook (
    id            uuid PRIMARY KEY,
    room_id       uuid        NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    url           text        NOT NULL,
    events        text[]      NOT NULL,              -- types of proto/webhooks.def; empty: all
    made_by       text        NOT NULL,
    made_at       timestamptz NOT NULL,
    client_key    text,
    secret        bytea       NOT NULL,              -- both sealed with the file key
    former        bytea,
    former_until  timestamptz,
    paused        boolean     NOT NULL DEFAULT false,
    off           text        CHECK (off IN ('gone', 'failing')),
    off_at        timestamptz CHECK ((off IS NULL) = (off_at IS NULL)),
    failures      bigint      NOT NULL DEFAULT 0,    -- one after the other
    failing_since timestamptz,
    held_until    timestamptz,                       -- no attempt before
    minute        timestamptz,                       -- since then so many attempts were begun
    attempts      bigint      NOT NULL DEFAULT 0,
    UNIQUE (room_id, made_by, client_key)
) WITH (fillfactor = 70);
CREATE INDEX webhook_by ON webhook (made_by);

CREATE TABLE webhook_delivery (
    id         uuid PRIMARY KEY,                     -- the webhook-id: of an entry always the same, whoever makes it a second time
    webhook_id uuid        NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    place      bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    type       text        NOT NULL,
    at         timestamptz NOT NULL,                 -- of what it tells
    made_at    timestamptz NOT NULL DEFAULT now(),
    message    bigint,                               -- the seq of the message whose words `text` is
    text       text,
    subjects   text[]      NOT NULL,                 -- whom it names
    data       jsonb       NOT NULL,                 -- without `text`
    state      text        NOT NULL CHECK (state IN ('waiting', 'done', 'dead')),
    attempts   bigint      NOT NULL DEFAULT 0,
    due_at     timestamptz NOT NULL DEFAULT now(),
    ended_at   timestamptz CHECK ((state = 'waiting') = (ended_at IS NULL))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX webhook_delivery_place ON webhook_delivery (webhook_id, place);
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (webhook_id, place) WHERE state = 'waiting';
CREATE INDEX webhook_delivery_dead ON webhook_delivery (webhook_id) WHERE state = 'dead';
CREATE INDEX webhook_delivery_message ON webhook_delivery (webhook_id, message) WHERE text IS NOT NULL;
CREATE INDEX webhook_delivery_old ON webhook_delivery (made_at);
CREATE INDEX webhook_delivery_subjects ON webhook_delivery USING gin (subjects);

CREATE TABLE webhook_attempt (
    webhook_id  uuid        NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    nth         bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    delivery_id uuid        NOT NULL,
    type        text        NOT NULL,
    at          timestamptz NOT NULL,
    ms          bigint      NOT NULL,
    result      text        NOT NULL,
    status      bigint,
    answer      text,
    PRIMARY KEY (webhook_id, nth)
);
CREATE INDEX webhook_attempt_old ON webhook_attempt (at);
