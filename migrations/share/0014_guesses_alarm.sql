-- While passwords of links are guessed at, so often that operators were told: since when, and how many there were at most.
CREATE TABLE share_guess_alarm (
    the_one  boolean PRIMARY KEY DEFAULT true CHECK (the_one),
    alert    uuid   NOT NULL,
    links    bigint NOT NULL,
    networks bigint NOT NULL,
    tries    bigint NOT NULL
);
