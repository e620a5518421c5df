-- Cheques, echeqs, letras, pagarés: promises on paper, which settle nothing until they are cleared (L14).

CREATE TABLE instruments (
    tenant_id uuid NOT NULL,
    -- Id of the credit that it becomes: UUIDv5 of (kind, source, number).
    credit_id uuid NOT NULL,
    -- The source's own number.
    number text NOT NULL,
    form text NOT NULL,
    currency char(3) NOT NULL,
    amount numeric NOT NULL,
    received_on date NOT NULL,
    matures_on date NOT NULL,
    source_order text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT instruments_pkey PRIMARY KEY (tenant_id, credit_id),
    CONSTRAINT instruments_form_known CHECK (form IN ('cheque', 'echeq', 'letra', 'pagare')),
    CONSTRAINT instruments_amount_positive CHECK (amount > 0)
);
SELECT protect_tenant_table('instruments');

-- For which invoices it was given.
CREATE TABLE instrument_parts (
    tenant_id uuid NOT NULL,
    credit_id uuid NOT NULL,
    -- Derived from (legal entity, number): known before the invoice is.
    invoice_id uuid NOT NULL,
    amount numeric NOT NULL,
    CONSTRAINT instrument_parts_pkey PRIMARY KEY (tenant_id, credit_id, invoice_id),
    CONSTRAINT instrument_parts_amount_positive CHECK (amount > 0)
);
-- For what covers an invoice.
CREATE INDEX instrument_parts_invoice ON instrument_parts (tenant_id, invoice_id);
SELECT protect_tenant_table('instrument_parts');

-- Where it is, told apart because the word may come before the paper. Without a row it is in the portfolio.
CREATE TABLE instrument_states (
    tenant_id uuid NOT NULL,
    credit_id uuid NOT NULL,
    number text NOT NULL,
    state text NOT NULL,
    state_on date NOT NULL,
    source_order text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT instrument_states_pkey PRIMARY KEY (tenant_id, credit_id),
    CONSTRAINT instrument_states_state_known
        CHECK (state IN ('portfolio', 'deposited', 'endorsed', 'cleared', 'rejected'))
);
SELECT protect_tenant_table('instrument_states');
