-- What operators did by other services, and is in the audit: told again, it is not written again.  As long as the audit itself.
CREATE TABLE audit_noted (
    deed uuid PRIMARY KEY
);
