-- Media whose URLs stand in a conversation as a link shows it, where that is as it was: uses, as those of conversation_media are.
CREATE TABLE share_link_media (
    link   uuid NOT NULL REFERENCES share_link (id) ON DELETE CASCADE,
    media  uuid NOT NULL,
    PRIMARY KEY (link, media)
);
CREATE INDEX share_link_media_media ON share_link_media (media);
INSERT INTO share_link_media (link, media)
SELECT DISTINCT l.id, m.id FROM share_link l,
regexp_matches(l.snap_data::text, '/media/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})', 'g') n
JOIN media m ON m.id = n[1]::uuid
WHERE l.snap_data IS NOT NULL AND m.owner = l.owner;
