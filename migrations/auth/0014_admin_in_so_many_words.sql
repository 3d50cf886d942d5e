-- /admin is opened by a rule that names it (libshared/policy/policy_set.h), so that a policy which allows everything, written
-- before there was anything to administer over REST, makes nobody an administrator.  The one of that name is meant to.
UPDATE policy SET version = version + 1, changed_at = now(),
    rules = rules || '[{"effect": "allow", "namespaces": ["/admin"], "actions": ["admin"]}]'
WHERE name = 'admin' AND jsonb_array_length(rules) < 64;
