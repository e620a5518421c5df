-- Pauses: a projection of ingestion's holds, upserted if newer, and which invoices they name.

CREATE TABLE holds (
    tenant_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    version bigint NOT NULL,
    customer_id uuid NOT NULL,
    -- It names no invoices: it pauses all that the customer has, and will have.
    whole_customer boolean NOT NULL,
    -- As ingestion names it; one that is not known here pauses, too.
    kind text NOT NULL,
    placed_on date NOT NULL,
    -- The last day of the pause; absent: until it is lifted.
    until date,
    -- The first day without it; absent: not lifted.
    lifted_on date,
    CONSTRAINT holds_pkey PRIMARY KEY (tenant_id, hold_id),
    CONSTRAINT holds_version_positive CHECK (version > 0)
);
-- The last check: is the customer paused?
CREATE INDEX holds_customer ON holds (tenant_id, customer_id) WHERE whole_customer;
SELECT protect_tenant_table('holds');

CREATE TABLE hold_invoices (
    tenant_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    CONSTRAINT hold_invoices_pkey PRIMARY KEY (tenant_id, hold_id, invoice_id)
);
-- The last check: is the invoice paused?
CREATE INDEX hold_invoices_invoice ON hold_invoices (tenant_id, invoice_id);
SELECT protect_tenant_table('hold_invoices');
