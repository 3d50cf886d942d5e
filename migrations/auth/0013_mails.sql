-- How many mails there were in the present hour: services/auth/mail/budgets.def.
CREATE TABLE mail_count (
    budget  text NOT NULL,
    whose   text NOT NULL,                      -- SHA-256 of an address, an account, or '': all
    hour    timestamptz NOT NULL,
    n       bigint NOT NULL,
    PRIMARY KEY (budget, whose)
);
CREATE INDEX mail_count_hour ON mail_count (hour);
