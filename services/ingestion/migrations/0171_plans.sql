-- Payment plans: each instalment is a promise that knows its plan. A plan never changes, as its promises do not.

ALTER TABLE promises
    -- NULL: a promise by itself.
    ADD COLUMN plan_id uuid,
    -- The source's own number of the plan.
    ADD COLUMN plan_code text,
    -- Which of its instalments, from 1, and how many there are.
    ADD COLUMN instalment integer,
    ADD COLUMN instalments integer,
    -- What the instalments before this one come to: what is paid keeps them one after the other.
    ADD COLUMN amount_before numeric,
    ADD CONSTRAINT promises_plan_whole CHECK (num_nulls(plan_id, plan_code, instalment, instalments, amount_before) IN (0, 5)),
    ADD CONSTRAINT promises_instalment_within_plan CHECK (instalment BETWEEN 1 AND instalments),
    ADD CONSTRAINT promises_amount_before_not_negative CHECK (amount_before >= 0);
-- For the instalments of a plan.
CREATE UNIQUE INDEX promises_plan ON promises (tenant_id, plan_id, instalment) WHERE plan_id IS NOT NULL;

CREATE TABLE plan_withdrawals (
    tenant_id uuid NOT NULL,
    -- Derived from the number: known before the plan is.
    plan_id uuid NOT NULL,
    code text NOT NULL,
    -- The earliest of several.
    withdrawn_on date NOT NULL,
    CONSTRAINT plan_withdrawals_pkey PRIMARY KEY (tenant_id, plan_id)
);
SELECT protect_tenant_table('plan_withdrawals');
