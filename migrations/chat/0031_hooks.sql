-- URLs by which programs post to a room.
CREATE TABLE hook (
    id            uuid PRIMARY KEY,
    room_id       uuid        NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    code_hash     bytea       NOT NULL UNIQUE CHECK (length(code_hash) = 32),  -- the code is kept nowhere
    name          text        NOT NULL,
    avatar        text,
    mentions_all  boolean     NOT NULL,
    made_by       text,                                                        -- NULL: who made it was erased
    made_at       timestamptz NOT NULL,
    client_key    text,
    used_at       timestamptz,
    minute        timestamptz,                                                 -- since then so many were posted
    posts         bigint      NOT NULL DEFAULT 0,
    UNIQUE (room_id, made_by, client_key)
) WITH (fillfactor = 70);
CREATE INDEX hook_by ON hook (made_by);

-- May this sender mention everybody in the room, as a hook that was told to?
CREATE FUNCTION hook_mentions_all(of_room uuid, sender text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM hook h WHERE h.room_id = of_room AND 'hook:' || h.id = sender AND h.mentions_all)
$$;
