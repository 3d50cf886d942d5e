-- What else a key may: speak for registered users; and whether its networks bind the tokens that it gets for subjects.

ALTER TABLE api_key
    ADD COLUMN act_as_users boolean NOT NULL DEFAULT false,
    ADD COLUMN bind_tokens  boolean NOT NULL DEFAULT false;
