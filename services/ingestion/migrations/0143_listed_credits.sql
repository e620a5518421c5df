-- Money on account that lists of open items show: negative items.
ALTER TABLE credits DROP CONSTRAINT credits_kind_known;
ALTER TABLE credits ADD CONSTRAINT credits_kind_known CHECK (kind IN ('cash', 'credit_note', 'withholding', 'discount',
    'fx_difference', 'rounding', 'bank_charge', 'write_off', 'on_account', 'unexplained'));
-- Zero: all was reversed, or what a list had shown is not so any more.
ALTER TABLE credits DROP CONSTRAINT credits_amount_positive;
ALTER TABLE credits ADD CONSTRAINT credits_amount_positive
    CHECK (amount > 0 OR (amount = 0 AND (reversed > 0 OR kind IN ('unexplained', 'on_account'))));
-- For what a source's newest list does not show any more.
CREATE INDEX credits_listed ON credits (tenant_id, source_id, credit_id) WHERE kind = 'on_account' AND amount > 0;
