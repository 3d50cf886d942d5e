-- How far each consumer of the logs has come: proto/store.def, FEED.  It is what the consumer said last, which keeps its own position
-- with what it wrote: so this one may be behind, and is never ahead.
CREATE TABLE feed_place (
    feed     text   NOT NULL,                     -- a FEED row
    room_id  uuid   NOT NULL,
    seq      bigint NOT NULL CHECK (seq >= 0),    -- no row: 0
    PRIMARY KEY (feed, room_id)
) WITH (fillfactor = 50);                         -- updated again and again: leave room for updates in place
