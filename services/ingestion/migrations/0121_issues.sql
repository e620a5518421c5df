-- Problems that somebody of the creditor has seen, before they are disputes. The two halves may come in either order.

CREATE TABLE issues (
    tenant_id uuid NOT NULL,
    issue_id uuid NOT NULL,
    version bigint NOT NULL,
    code text NOT NULL,
    customer_id uuid NOT NULL,
    -- Empty: the customer as a whole.
    invoice_ids uuid[] NOT NULL,
    -- The words of disputes, so that what becomes of an issue can be compared.
    reason text NOT NULL,
    raised_on date NOT NULL,
    -- Code of who has to solve it; who raised it stays with the fact.
    owner text,
    resolved_on date,
    outcome text,
    -- That it has become.
    dispute_id uuid,
    source_order text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT issues_pkey PRIMARY KEY (tenant_id, issue_id),
    CONSTRAINT issues_version_positive CHECK (version > 0),
    CONSTRAINT issues_reason_known
        CHECK (reason IN ('pricing', 'quantity', 'quality', 'delivery', 'duplicate', 'terms', 'other')),
    CONSTRAINT issues_resolved_whole CHECK ((resolved_on IS NULL) = (outcome IS NULL)),
    CONSTRAINT issues_converted_into CHECK ((outcome = 'converted') IS TRUE = (dispute_id IS NOT NULL))
);
SELECT protect_tenant_table('issues');

CREATE TABLE issue_resolutions (
    tenant_id uuid NOT NULL,
    issue_id uuid NOT NULL,
    code text NOT NULL,
    resolved_on date NOT NULL,
    outcome text NOT NULL,
    dispute_id uuid,
    -- The source's own number of the dispute.
    dispute text,
    source_order text COLLATE "C" NOT NULL,
    CONSTRAINT issue_resolutions_pkey PRIMARY KEY (tenant_id, issue_id),
    CONSTRAINT issue_resolutions_outcome_known CHECK (outcome IN ('solved', 'unfounded', 'converted', 'other')),
    CONSTRAINT issue_resolutions_converted_into CHECK ((outcome = 'converted') = (dispute_id IS NOT NULL)),
    CONSTRAINT issue_resolutions_dispute_whole CHECK ((dispute_id IS NULL) = (dispute IS NULL))
);
-- For a dispute that comes: what has become it?
CREATE INDEX issue_resolutions_dispute ON issue_resolutions (tenant_id, dispute_id) WHERE dispute_id IS NOT NULL;
SELECT protect_tenant_table('issue_resolutions');
