-- Credit notes that are on their way (bonificaciones, returns): not asked for, and still owed until they come (L17).

CREATE TABLE expected_credits (
    tenant_id uuid NOT NULL,
    -- UUIDv5 of (source, the source's own number).
    expected_id uuid NOT NULL,
    number text NOT NULL,
    -- Derived from (legal entity, number): known before the invoice is.
    invoice_id uuid NOT NULL,
    invoice_number text NOT NULL,
    currency char(3) NOT NULL,
    -- Zero: not expected any more.
    amount numeric NOT NULL,
    -- Credit notes of the invoice from this day on use it up.
    expected_on date NOT NULL,
    reason text NOT NULL,
    source_order text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT expected_credits_pkey PRIMARY KEY (tenant_id, expected_id),
    CONSTRAINT expected_credits_amount_not_negative CHECK (amount >= 0),
    CONSTRAINT expected_credits_reason_known
        CHECK (reason IN ('rebate', 'return', 'price_adjustment', 'promotion', 'other'))
);
-- For what is expected for an invoice.
CREATE INDEX expected_credits_invoice ON expected_credits (tenant_id, invoice_id);
SELECT protect_tenant_table('expected_credits');
