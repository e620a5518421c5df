-- What rules read besides habits. Every version that was told is kept with its instant: what was known at the end of a day
-- is then a function of the facts, whichever of them came first.

CREATE TABLE customer_versions (
    tenant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    version bigint NOT NULL,
    -- By the clock of ingestion; 1970-01-01 where the event did not say.
    told_at timestamptz NOT NULL,
    -- Empty while unknown, like the rating and the group.
    tier text NOT NULL,
    rating text NOT NULL,
    -- Corporate group.
    group_code text NOT NULL,
    credit_limit numeric,
    credit_limit_currency char(3),
    CONSTRAINT customer_versions_pkey PRIMARY KEY (tenant_id, customer_id, version),
    CONSTRAINT customer_versions_version_positive CHECK (version > 0),
    CONSTRAINT customer_versions_limit_whole CHECK ((credit_limit IS NULL) = (credit_limit_currency IS NULL))
);
-- For the day close: who was told of on a day.
CREATE INDEX customer_versions_told_at ON customer_versions (tenant_id, told_at);
SELECT protect_tenant_table('customer_versions');

CREATE TABLE conduct_versions (
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    -- Promise or dispute.
    subject_id uuid NOT NULL,
    version bigint NOT NULL,
    customer_id uuid NOT NULL,
    told_at timestamptz NOT NULL,
    -- As its owner calls it: open, due_unconfirmed, kept, partially_kept, broken, withdrawn, replaced; open, resolved.
    status text NOT NULL,
    -- The day that was promised; the day a dispute was opened on.
    day date NOT NULL,
    CONSTRAINT conduct_versions_pkey PRIMARY KEY (tenant_id, kind, subject_id, version),
    CONSTRAINT conduct_versions_kind CHECK (kind IN ('promise', 'dispute')),
    CONSTRAINT conduct_versions_version_positive CHECK (version > 0)
);
-- For the day close: who was told of on a day.
CREATE INDEX conduct_versions_told_at ON conduct_versions (tenant_id, told_at);
SELECT protect_tenant_table('conduct_versions');

-- The settlements in force, oldest value date first: what was open at the end of a past day. Two lists of one length.
ALTER TABLE invoice_facts
    ADD COLUMN settlement_days date[] NOT NULL DEFAULT '{}',
    ADD COLUMN settlement_amounts numeric[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT invoice_facts_settlements_whole CHECK (cardinality(settlement_days) = cardinality(settlement_amounts));
-- Of what was settled before these were kept, no day is known: the first on which it was possible.
UPDATE invoice_facts SET settlement_days = ARRAY[issue_date], settlement_amounts = ARRAY[amount - open_amount]
WHERE open_amount < amount AND settled_on IS NULL;
-- For the book of a day, and for what is foretold: what is open.
CREATE INDEX invoice_facts_open ON invoice_facts (tenant_id, customer_id) WHERE settled_on IS NULL;
