-- Instalments of payment plans: promises that know their plan and their place in it.

ALTER TABLE promises
    -- NULL: a promise by itself.
    ADD COLUMN plan_id uuid,
    -- The source's own number of the plan.
    ADD COLUMN plan_code text,
    -- Which of its instalments, from 1, and how many there are.
    ADD COLUMN instalment integer,
    ADD COLUMN instalments integer,
    -- What the instalments before this one come to: what is paid goes to them first.
    ADD COLUMN amount_before numeric,
    ADD CONSTRAINT promises_plan_whole CHECK (num_nulls(plan_id, plan_code, instalment, instalments, amount_before) IN (0, 5)),
    ADD CONSTRAINT promises_instalment_within_plan CHECK (instalment BETWEEN 1 AND instalments),
    ADD CONSTRAINT promises_amount_before_not_negative CHECK (amount_before >= 0);
-- For the instalments of a plan, and GET /v1/plans.
CREATE UNIQUE INDEX promises_plan ON promises (tenant_id, plan_id, instalment) WHERE plan_id IS NOT NULL;
