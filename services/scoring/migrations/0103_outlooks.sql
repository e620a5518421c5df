-- What is foretold of open invoices between the closes of days: from what was learned and what the customer owes now.

CREATE TABLE stale_outlooks (
    tenant_id uuid NOT NULL,
    -- A fact of this customer has come, or something was learned of it, since its invoices were foretold.
    customer_id uuid NOT NULL,
    CONSTRAINT stale_outlooks_pkey PRIMARY KEY (tenant_id, customer_id)
);
SELECT protect_tenant_table('stale_outlooks');

CREATE TABLE invoice_outlooks (
    tenant_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- Version of the last invoice.predicted, and what it said.
    version bigint NOT NULL,
    -- Settled: nothing is foretold any more.
    closed boolean NOT NULL,
    p_late numeric(7, 6) NOT NULL,
    -- Days from due to cleared; null when it waits longer than delays are told apart.
    p50_delay numeric(10, 2),
    p80_delay numeric(10, 2),
    p90_delay numeric(10, 2),
    structural_days integer NOT NULL,
    -- In the order of the families; empty when the due date has passed.
    contributions numeric[] NOT NULL,
    reasons text[] NOT NULL,
    -- What it was made from.
    invoice_version bigint NOT NULL,
    learned_through date,
    as_of date NOT NULL,
    model_version text NOT NULL,
    -- Version of the last risk.raised, 0 when there was none, whether it is raised, and the threshold that decided it.
    risk_version bigint NOT NULL,
    at_risk boolean NOT NULL,
    risk_threshold numeric(7, 6),
    CONSTRAINT invoice_outlooks_pkey PRIMARY KEY (tenant_id, invoice_id),
    CONSTRAINT invoice_outlooks_version_positive CHECK (version > 0),
    CONSTRAINT invoice_outlooks_p_late_inside CHECK (p_late > 0 AND p_late <= 1),
    CONSTRAINT invoice_outlooks_risk_was_told CHECK ((risk_version > 0) = (risk_threshold IS NOT NULL) AND (risk_version > 0 OR NOT at_risk)),
    CONSTRAINT invoice_outlooks_closed_is_no_risk CHECK (NOT (closed AND at_risk))
) WITH (fillfactor = 70);
-- For a customer whose invoices are foretold again.
CREATE INDEX invoice_outlooks_customer ON invoice_outlooks (tenant_id, customer_id) WHERE NOT closed;
-- For the list of risks.
CREATE INDEX invoice_outlooks_at_risk ON invoice_outlooks (tenant_id, p_late DESC, invoice_id) WHERE at_risk;
SELECT protect_tenant_table('invoice_outlooks');
