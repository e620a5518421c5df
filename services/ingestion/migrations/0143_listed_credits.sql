-- Money on account that lists of open items show: negative items.
-- For what a source's newest list does not show any more.
CREATE INDEX credits_listed ON credits (tenant_id, source_id, credit_id) WHERE kind = 'on_account' AND amount > 0;
