-- What a room does not keep any longer is removed from the beginning of its log on.
--
-- Constant defaults: no row is rewritten.  A store of the former version that goes on beside this one shows what is before `first` until it
-- is removed, which is a moment.
ALTER TABLE room_head ADD COLUMN first bigint NOT NULL DEFAULT 1;    -- the log begins here: nobody reads what is before it
ALTER TABLE room_head ADD COLUMN cleared bigint NOT NULL DEFAULT 1;  -- and of what is before this nothing is left

-- What was hidden in a room goes with its messages.
CREATE INDEX hidden_message ON hidden (room_id, seq);
