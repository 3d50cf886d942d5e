-- What files said of media that nobody here has: docs/why/0100.

CREATE TABLE imported_medium (
    room_id uuid   NOT NULL,
    media   uuid   NOT NULL,
    name    text   NOT NULL,
    type    text   NOT NULL,
    size    bigint NOT NULL,
    PRIMARY KEY (room_id, media)
);
