-- Rooms of two: one for each two subjects, whoever of them asks first.  The room is made after this row, in the same transaction.
CREATE TABLE direct (
    low      text COLLATE "C" NOT NULL,             -- the two, in the order of their bytes
    high     text COLLATE "C" NOT NULL,
    room_id  uuid NOT NULL UNIQUE REFERENCES room (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (low, high),
    CHECK (low < high)
);
CREATE INDEX direct_high ON direct (high);
