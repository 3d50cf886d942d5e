-- What one has linked is listed, and unlinked one by one.
ALTER TABLE identity ADD COLUMN id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid();
