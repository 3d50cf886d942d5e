-- The picture that is drawn of who has none: a path of the gateway.
CREATE OR REPLACE FUNCTION avatar_of(account uuid, own text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(own, '/avatars/' || account)
$$;

-- Directories hear of it.
UPDATE account_change c SET position = p.position + n.n FROM users_position p, (SELECT account_id, row_number() OVER
    (ORDER BY account_change.position) AS n FROM account_change) n WHERE n.account_id = c.account_id;
UPDATE users_position SET position = coalesce((SELECT max(position) FROM account_change), 0);
