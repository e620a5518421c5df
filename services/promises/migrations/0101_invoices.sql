-- What promises need to know about receivables and about those who report them. Projections of ingestion's events.

CREATE TABLE invoices (
    tenant_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    -- Of ingestion's aggregate; the newest is what is kept, in whatever order they come. 0: named by a promise, not come yet.
    -- Such a row is also what a promise locks against its invoice (D13).
    version bigint NOT NULL,
    currency char(3),
    -- Gross, taxes included.
    amount numeric,
    -- Settlements in force, summed by value date, oldest first: [{"on": "2026-03-05", "amount": "40"}]. Read and written
    -- whole with the row, never searched.
    settled jsonb NOT NULL,
    CONSTRAINT invoices_pkey PRIMARY KEY (tenant_id, invoice_id),
    CONSTRAINT invoices_come_or_named CHECK (
        (version = 0 AND currency IS NULL AND amount IS NULL) OR
        (version > 0 AND currency IS NOT NULL AND amount IS NOT NULL)),
    CONSTRAINT invoices_amount_not_negative CHECK (amount >= 0),
    CONSTRAINT invoices_settled_list CHECK (jsonb_typeof(settled) = 'array')
) WITH (fillfactor = 70);
SELECT protect_tenant_table('invoices');

CREATE TABLE sources (
    tenant_id uuid NOT NULL,
    source_id uuid NOT NULL,
    version bigint NOT NULL,
    -- Whether its silence proves that nobody paid (L4).
    covers_payments boolean NOT NULL,
    -- NULL until it has declared coverage once.
    covered_until timestamptz,
    CONSTRAINT sources_pkey PRIMARY KEY (tenant_id, source_id),
    CONSTRAINT sources_version_positive CHECK (version > 0)
);
SELECT protect_tenant_table('sources');
