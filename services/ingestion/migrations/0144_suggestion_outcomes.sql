-- How often persons agreed with what rules had suggested: whether a confidence means what it says is seen here.

CREATE TABLE suggestion_outcomes (
    tenant_id uuid NOT NULL,
    rule text NOT NULL,
    confidence numeric NOT NULL,
    -- Suggestions of payments that a person has decided since, and those whose payer the person chose.
    decided bigint NOT NULL,
    agreed bigint NOT NULL,
    CONSTRAINT suggestion_outcomes_pkey PRIMARY KEY (tenant_id, rule, confidence),
    CONSTRAINT suggestion_outcomes_agreed_within CHECK (agreed BETWEEN 0 AND decided)
);
SELECT protect_tenant_table('suggestion_outcomes');
