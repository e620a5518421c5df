-- What debtors answer. What proves it stays with the fact, where it can be erased; the pause that it gives is a hold.

CREATE TABLE claims (
    tenant_id uuid NOT NULL,
    claim_id uuid NOT NULL,
    code text NOT NULL,
    answer text NOT NULL,
    customer_id uuid NOT NULL,
    -- Empty: the whole customer.
    invoice_ids uuid[] NOT NULL,
    amount numeric,
    currency char(3),
    -- Civil days of the debtor.
    claimed_on date NOT NULL,
    paid_on date,
    scheduled_for date,
    -- What is missing.
    document text,
    source_order text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT claims_pkey PRIMARY KEY (tenant_id, claim_id),
    CONSTRAINT claims_answer_known CHECK (answer IN ('paid', 'scheduled', 'invoice_not_received', 'document_missing')),
    CONSTRAINT claims_amount_positive CHECK (amount > 0),
    CONSTRAINT claims_amount_has_currency CHECK ((amount IS NULL) = (currency IS NULL)),
    CONSTRAINT claims_schedule_has_day CHECK ((answer = 'scheduled') = (scheduled_for IS NOT NULL)),
    CONSTRAINT claims_document_named CHECK ((answer = 'document_missing') = (document IS NOT NULL)),
    CONSTRAINT claims_document_known CHECK (document IN ('purchase_order', 'hes', 'contrarrecibo', 'other'))
);
SELECT protect_tenant_table('claims');
