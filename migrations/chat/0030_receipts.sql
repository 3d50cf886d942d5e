-- Up to where the others have read: since when a room shows it, when each came so far, and who takes no part.  What was read while it was
-- not shown is not shown later: docs/why/0114.
ALTER TABLE room ADD COLUMN receipts_since timestamptz DEFAULT 'epoch';      -- NULL: it does not
ALTER TABLE member ADD COLUMN read_at timestamptz;                           -- of read_seq, if they read or said something

CREATE TABLE receipt_choice (
    subject text COLLATE "C" PRIMARY KEY,               -- who has no row takes part
    shown   boolean NOT NULL,
    since   timestamptz                                 -- what they read from then on is shown
);
