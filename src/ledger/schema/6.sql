-- What tells the person's address from others, in one spelling; null where it does not say for certain whose it is.
ALTER TABLE listed ADD COLUMN person TEXT;
CREATE INDEX listed_people ON listed (account_id, person) WHERE person IS NOT NULL;
