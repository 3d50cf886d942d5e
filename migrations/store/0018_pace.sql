-- In rooms with slow mode: when somebody's last message was stored that counts there, in the transaction which stored it.  It stays when that is deleted.
-- An hour is not indexed, so that a row changes in its place.
CREATE TABLE pace (
    sender  text        NOT NULL,
    room_id uuid        NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (sender, room_id)
) WITH (fillfactor = 70);
