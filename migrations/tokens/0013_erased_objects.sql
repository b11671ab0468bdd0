-- How many copies in object storage a request erased.
ALTER TABLE erasures ADD COLUMN objects INTEGER NOT NULL DEFAULT 0;
