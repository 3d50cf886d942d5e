-- Who says and hears something in /chat has what they are told of in /notification: the first policies, unless somebody has changed that rule.
UPDATE policy SET version = version + 1, changed_at = now(),
    rules = jsonb_set(rules, '{1,namespaces}', rules->1->'namespaces' || '["/notification"]')
WHERE name IN ('chat-client', 'member') AND rules->1->'actions' = '["emit", "subscribe", "history"]'
    AND rules->1->>'effect' = 'allow' AND NOT rules->1 ? 'events' AND NOT rules->1 ? 'rooms'
    AND rules->1->'namespaces' @> '["/chat"]' AND NOT rules->1->'namespaces' @> '["/notification"]';
