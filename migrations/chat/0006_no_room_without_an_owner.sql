-- Rooms whose owner had left before one took the place: services/chat/rooms/room_heir.c has the rule.  What processes remember of
-- them is forgotten with the restart that brings this file.
WITH ownerless AS (
    SELECT r.id FROM room r WHERE r.members > 0
    AND NOT EXISTS (SELECT FROM member m WHERE m.room_id = r.id AND m.role = 'owner')
), heir AS (
    SELECT DISTINCT ON (m.room_id) m.room_id, m.subject
    FROM ownerless JOIN member m ON m.room_id = ownerless.id LEFT JOIN directory d ON d.subject = m.subject
    ORDER BY m.room_id, CASE WHEN d.state = 'active' THEN 0 WHEN d.state IS NULL THEN 1 ELSE 2 END, m.joined_at, m.subject
)
UPDATE member m SET role = 'owner' FROM heir WHERE m.room_id = heir.room_id AND m.subject = heir.subject;

UPDATE room SET open = false WHERE members = 0 AND open;
