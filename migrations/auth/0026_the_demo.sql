-- What the two people of a demo may do, in the one room that their tokens name besides.  Like any policy it is data.
INSERT INTO policy (name, rules) VALUES
('demo', '[
    {"effect": "allow", "namespaces": ["/chat"], "actions": ["connect"]},
    {"effect": "allow", "namespaces": ["/chat"], "events": ["room:join", "room:leave", "message:send", "message:list", "typing"],
     "actions": ["emit", "subscribe", "publish", "history"]}
]')
ON CONFLICT (name) DO NOTHING;
