-- Rooms that an operator has purged: the store asks for them, and keeps nothing of their logs.
CREATE TABLE purged_room (
    room_id   uuid PRIMARY KEY,
    purged_at timestamptz NOT NULL
);

-- An operator looks through all rooms by name, whoever may see them.
CREATE INDEX room_name ON room (lower(name) text_pattern_ops, id);
