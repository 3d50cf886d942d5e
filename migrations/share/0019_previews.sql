-- Of which links programs that draw previews are told what they open.
--
-- A constant default: no row is rewritten.
ALTER TABLE share_link ADD COLUMN preview boolean NOT NULL DEFAULT false;
