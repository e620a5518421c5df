-- Pauses of reminders, as others read them, and the two halves of those that sources place: either may come first.

CREATE TABLE holds (
    tenant_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    version bigint NOT NULL,
    -- The source's own number of the hold, or of the issue or claim that it comes from.
    code text NOT NULL,
    kind text NOT NULL,
    customer_id uuid NOT NULL,
    -- Empty: the whole customer. Derived from (legal entity, number): known before the invoices are.
    invoice_ids uuid[] NOT NULL,
    placed_on date NOT NULL,
    -- The last day of the pause; NULL: until it is lifted.
    until date,
    -- The first day without it; NULL: not lifted.
    lifted_on date,
    -- Issue or claim that it comes from; NULL: a source placed it.
    origin_id uuid,
    -- Of the fact that placed it.
    source_order text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT holds_pkey PRIMARY KEY (tenant_id, hold_id),
    CONSTRAINT holds_version_positive CHECK (version > 0),
    CONSTRAINT holds_kind_known CHECK (kind IN ('manual', 'hardship', 'legal', 'insolvency', 'claim', 'issue',
        'document_missing', 'invoice_not_received')),
    CONSTRAINT holds_derived_from_something
        CHECK ((origin_id IS NULL) = (kind IN ('manual', 'hardship', 'legal', 'insolvency')))
);
-- For the list of what is paused, of one customer or of all.
CREATE INDEX holds_customer ON holds (tenant_id, customer_id);
SELECT protect_tenant_table('holds');

CREATE TABLE hold_lifts (
    tenant_id uuid NOT NULL,
    hold_id uuid NOT NULL,
    code text NOT NULL,
    lifted_on date NOT NULL,
    source_order text COLLATE "C" NOT NULL,
    CONSTRAINT hold_lifts_pkey PRIMARY KEY (tenant_id, hold_id)
);
SELECT protect_tenant_table('hold_lifts');
