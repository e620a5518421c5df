-- A correction may move a published dispute to an invoice that has not come: it has no customer until then.
ALTER TABLE disputes DROP CONSTRAINT disputes_published_whole;
ALTER TABLE disputes ADD CONSTRAINT disputes_published_whole CHECK (version > 0 OR customer_id IS NULL);
