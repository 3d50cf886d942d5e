-- Routes ask the policy in namespaces of their own: conversations in /share, media in /media.  Both were /chat for every route.

-- The first policies, where nobody has changed them.
UPDATE policy SET version = version + 1, changed_at = now(), rules = '[
    {"effect": "allow", "namespaces": ["/", "/chat", "/notification", "/error"], "actions": ["connect"]},
    {"effect": "allow", "namespaces": ["/chat", "/share", "/media"], "actions": ["emit", "subscribe", "history"]},
    {"effect": "allow", "namespaces": ["/chat"], "actions": ["publish"],
     "events": ["typing", "typing:*", "cursor", "cursor:*", "signal", "signal:*", "app:*"]}
]' WHERE name = 'chat-client' AND rules = '[
    {"effect": "allow", "namespaces": ["/", "/chat", "/notification", "/error"], "actions": ["connect"]},
    {"effect": "allow", "namespaces": ["/chat"], "actions": ["emit", "subscribe", "history"]},
    {"effect": "allow", "namespaces": ["/chat"], "actions": ["publish"],
     "events": ["typing", "typing:*", "cursor", "cursor:*", "signal", "signal:*", "app:*"]}
]';

-- What others say of conversations they go on saying: a rule about emitting in /chat is about /share, too.  Deny as allow.
-- A pattern's star stands for any text.  A rule with as many namespaces as it may have gets another one beside it.
CREATE FUNCTION fits(patterns jsonb, wanted text) RETURNS boolean LANGUAGE sql AS $$
    SELECT patterns IS NULL OR jsonb_array_length(patterns) = 0 OR EXISTS (
        SELECT FROM jsonb_array_elements_text(patterns) pattern
        WHERE wanted LIKE replace(replace(replace(replace(pattern, '\', '\\'), '_', '\_'), '%', '\%'), '*', '%'))
$$;

CREATE FUNCTION is_about_conversations(rule jsonb) RETURNS boolean LANGUAGE sql AS $$
    SELECT fits(rule->'namespaces', '/chat') AND NOT fits(rule->'namespaces', '/share')
        AND fits(rule->'actions', 'emit')
        AND (fits(rule->'events', 'conversation:create') OR fits(rule->'events', 'conversation:get'))
$$;

CREATE FUNCTION with_share(rule jsonb) RETURNS SETOF jsonb LANGUAGE sql AS $$
    SELECT rule WHERE NOT is_about_conversations(rule) OR jsonb_array_length(rule->'namespaces') >= 16
    UNION ALL
    SELECT jsonb_set(rule, '{namespaces}', rule->'namespaces' || '["/share"]')
        WHERE is_about_conversations(rule) AND jsonb_array_length(rule->'namespaces') < 16
    UNION ALL
    SELECT jsonb_set(rule, '{namespaces}', '["/share"]')
        WHERE is_about_conversations(rule) AND jsonb_array_length(rule->'namespaces') >= 16
$$;

UPDATE policy SET version = version + 1, changed_at = now(), rules = (
    SELECT jsonb_agg(extended ORDER BY place) FROM jsonb_array_elements(rules) WITH ORDINALITY each (rule, place),
        with_share(rule) extended)
WHERE EXISTS (SELECT FROM jsonb_array_elements(rules) rule WHERE is_about_conversations(rule));

DROP FUNCTION with_share(jsonb);
DROP FUNCTION is_about_conversations(jsonb);
DROP FUNCTION fits(jsonb, text);
