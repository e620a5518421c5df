-- Invoices that were voided: their settlements are of a kind of their own, which is no collection.
ALTER TABLE invoice_settlements
    DROP CONSTRAINT invoice_settlements_kind_known,
    ADD CONSTRAINT invoice_settlements_kind_known CHECK (kind IN ('cash', 'credit_note', 'withholding', 'discount',
        'instrument', 'write_off', 'fx_difference', 'rounding', 'unexplained', 'void'));
ALTER TABLE credits
    DROP CONSTRAINT credits_kind_known,
    ADD CONSTRAINT credits_kind_known CHECK (kind IN ('cash', 'credit_note', 'withholding', 'discount',
        'instrument', 'write_off', 'fx_difference', 'rounding', 'unexplained', 'void'));
