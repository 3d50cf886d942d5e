-- What was reported of what links show: of one network a link has one.  It stays when the link goes.
CREATE TABLE share_report (
    id           uuid PRIMARY KEY,
    link         uuid        NOT NULL,
    conversation uuid        NOT NULL,
    owner        text        NOT NULL,
    network      text        NOT NULL,
    reason       text        NOT NULL,      -- a row of proto/report_reasons.def
    text         text,
    email        bytea,                     -- sealed with the file key, for operators to see
    created_at   timestamptz NOT NULL,
    state        text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'dismissed', 'taken_down')),
    assigned_to  text,
    resolved_at  timestamptz,
    resolved_by  text,
    note         text,
    UNIQUE (link, network)
);
CREATE INDEX share_report_state ON share_report (state, id DESC);
CREATE INDEX share_report_created_at ON share_report (created_at);
CREATE INDEX share_report_conversation ON share_report (conversation) WHERE state = 'open';
CREATE INDEX share_report_owner ON share_report (owner);

-- What an operator took down is shown to nobody but its owner.
ALTER TABLE conversation ADD COLUMN taken_down_at timestamptz, ADD COLUMN taken_down_for text;
ALTER TABLE share_link ADD COLUMN taken_down_at timestamptz, ADD COLUMN taken_down_for text;
