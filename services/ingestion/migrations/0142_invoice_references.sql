-- Invoices that are known by more than one number: the seller's own and a fiscal UUID, say. Facts may name either.

CREATE TABLE invoice_references (
    tenant_id uuid NOT NULL,
    -- The id that an invoice of this number would have: UUIDv5 of (legal entity, reference).
    reference_id uuid NOT NULL,
    reference text NOT NULL,
    invoice_id uuid NOT NULL,
    CONSTRAINT invoice_references_pkey PRIMARY KEY (tenant_id, reference_id)
);
SELECT protect_tenant_table('invoice_references');

-- Credits that name an invoice nobody knew: should the name turn out to be another one of a known invoice, they are found.
CREATE TABLE unknown_invoices (
    tenant_id uuid NOT NULL,
    -- Derived from (legal entity, what was named).
    named_id uuid NOT NULL,
    credit_id uuid NOT NULL,
    CONSTRAINT unknown_invoices_pkey PRIMARY KEY (tenant_id, named_id, credit_id)
);
SELECT protect_tenant_table('unknown_invoices');
