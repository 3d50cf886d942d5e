-- What is relayed has to be named: the first policies name what clients say to each other, and nothing else.  A policy that
-- was changed stays as it is: whoever changed it says in it what may be published.

UPDATE policy SET version = version + 1, changed_at = now(), rules = '[
    {"effect": "allow", "namespaces": ["/", "/chat", "/notification", "/error"], "actions": ["connect"]},
    {"effect": "allow", "namespaces": ["/chat"], "actions": ["emit", "subscribe", "history"]},
    {"effect": "allow", "namespaces": ["/chat"], "actions": ["publish"],
     "events": ["typing", "typing:*", "cursor", "cursor:*", "signal", "signal:*", "app:*"]}
]' WHERE name = 'chat-client' AND rules = '[
    {"effect": "allow", "namespaces": ["/", "/chat", "/notification", "/error"], "actions": ["connect"]},
    {"effect": "allow", "namespaces": ["/chat"], "actions": ["emit", "subscribe", "publish", "history"]}
]';

UPDATE policy SET version = version + 1, changed_at = now(), rules = '[
    {"effect": "allow", "actions": ["connect", "emit", "subscribe", "history", "admin"]},
    {"effect": "allow", "actions": ["publish"],
     "events": ["typing", "typing:*", "cursor", "cursor:*", "signal", "signal:*", "app:*"]},
    {"effect": "deny", "namespaces": ["/account", "/admin"]}
]' WHERE name = 'chat-backend' AND rules = '[
    {"effect": "allow", "actions": ["connect", "emit", "subscribe", "publish", "history", "admin"]}
]';

-- Not where there is no room for them: gateways are told of 256 policies.
INSERT INTO policy (name, rules) SELECT * FROM (VALUES
('member', '[
    {"effect": "allow", "namespaces": ["/", "/chat", "/notification", "/error"], "actions": ["connect"]},
    {"effect": "allow", "namespaces": ["/account", "/chat", "/share", "/media"], "actions": ["emit", "subscribe", "history"]},
    {"effect": "allow", "namespaces": ["/chat"], "actions": ["publish"],
     "events": ["typing", "typing:*", "cursor", "cursor:*", "signal", "signal:*", "app:*"]}
]'::jsonb),
('admin', '[
    {"effect": "allow", "actions": ["connect", "emit", "subscribe", "history", "admin"]},
    {"effect": "allow", "actions": ["publish"],
     "events": ["typing", "typing:*", "cursor", "cursor:*", "signal", "signal:*", "app:*"]}
]'::jsonb)) first (name, rules)
WHERE (SELECT count(*) FROM policy) <= 254 ON CONFLICT (name) DO NOTHING;
