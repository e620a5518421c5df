-- Ingestion knows more kinds: what banks on the way took of a payment, and money on account that lists of open items show.
ALTER TABLE invoice_settlements DROP CONSTRAINT invoice_settlements_kind_known;
ALTER TABLE invoice_settlements ADD CONSTRAINT invoice_settlements_kind_known CHECK (kind IN ('cash', 'credit_note',
    'withholding', 'discount', 'instrument', 'write_off', 'fx_difference', 'rounding', 'bank_charge', 'unexplained'));
ALTER TABLE credits DROP CONSTRAINT credits_kind_known;
ALTER TABLE credits ADD CONSTRAINT credits_kind_known CHECK (kind IN ('cash', 'credit_note', 'withholding', 'discount',
    'instrument', 'write_off', 'fx_difference', 'rounding', 'bank_charge', 'on_account', 'unexplained'));
