-- Agreed later dates, beside what the invoice says: telling the invoice again does not undo an agreement.

CREATE TABLE due_date_extensions (
    tenant_id uuid NOT NULL,
    -- Derived from (legal entity, number): known before the invoice is.
    invoice_id uuid NOT NULL,
    effective_due_date date NOT NULL,
    reason text NOT NULL,
    source_order text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT due_date_extensions_pkey PRIMARY KEY (tenant_id, invoice_id)
);
SELECT protect_tenant_table('due_date_extensions');
