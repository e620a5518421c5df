-- What debtors say about their invoices. The two halves of an object may come in either order, so each half is a table.

CREATE TABLE disputes (
    tenant_id uuid NOT NULL,
    dispute_id uuid NOT NULL,
    -- 0 until its invoice has come and the dispute was published.
    version bigint NOT NULL,
    code text NOT NULL,
    -- Derived from (legal entity, number): known before the invoice is.
    invoice_id uuid NOT NULL,
    invoice_number text NOT NULL,
    reason text NOT NULL,
    -- In the invoice's currency; NULL: the whole open amount.
    amount numeric,
    opened_on date NOT NULL,
    resolved_on date,
    outcome text,
    -- As last published.
    customer_id uuid,
    source_order text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT disputes_pkey PRIMARY KEY (tenant_id, dispute_id),
    CONSTRAINT disputes_version_not_negative CHECK (version >= 0),
    CONSTRAINT disputes_published_whole CHECK ((version = 0) = (customer_id IS NULL)),
    CONSTRAINT disputes_reason_known
        CHECK (reason IN ('pricing', 'quantity', 'quality', 'delivery', 'duplicate', 'terms', 'other')),
    CONSTRAINT disputes_amount_positive CHECK (amount > 0)
);
-- For an invoice that changed or has come at last.
CREATE INDEX disputes_invoice ON disputes (tenant_id, invoice_id);
SELECT protect_tenant_table('disputes');

CREATE TABLE dispute_resolutions (
    tenant_id uuid NOT NULL,
    dispute_id uuid NOT NULL,
    code text NOT NULL,
    resolved_on date NOT NULL,
    outcome text,
    source_order text COLLATE "C" NOT NULL,
    CONSTRAINT dispute_resolutions_pkey PRIMARY KEY (tenant_id, dispute_id)
);
SELECT protect_tenant_table('dispute_resolutions');

-- A promise is a fact: the row never changes. A new agreement is a new promise that replaces it.
CREATE TABLE promises (
    tenant_id uuid NOT NULL,
    promise_id uuid NOT NULL,
    code text NOT NULL,
    customer_id uuid NOT NULL,
    legal_entity_id uuid NOT NULL,
    -- [{invoice, invoice_id}]
    invoices jsonb NOT NULL,
    amount numeric NOT NULL,
    currency char(3) NOT NULL,
    -- It holds until the end of this day in this zone.
    promised_date date NOT NULL,
    time_zone text NOT NULL,
    made_on date NOT NULL,
    channel text NOT NULL,
    replaces_promise_id uuid,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT promises_pkey PRIMARY KEY (tenant_id, promise_id),
    CONSTRAINT promises_amount_positive CHECK (amount > 0)
);
SELECT protect_tenant_table('promises');

CREATE TABLE promise_withdrawals (
    tenant_id uuid NOT NULL,
    promise_id uuid NOT NULL,
    code text NOT NULL,
    withdrawn_on date NOT NULL,
    CONSTRAINT promise_withdrawals_pkey PRIMARY KEY (tenant_id, promise_id)
);
SELECT protect_tenant_table('promise_withdrawals');
