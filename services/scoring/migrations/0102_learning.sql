-- What the day close writes. Every row belongs to the day whose close made it; learning a day again deletes the rows from
-- that day on and makes them anew.

CREATE TABLE learning (
    tenant_id uuid NOT NULL,
    -- Last day whose evidence is in the learned state; null before the first close. Whoever writes facts or learns locks
    -- this row first, so that a fact is either seen by a close or finds its day closed.
    learned_through date,
    -- Last day that was ever closed: what is learned again may go as far, even if a source has lost its coverage since.
    closed_through date,
    -- First learned day of which a fact has come or changed since.
    dirty_from date,
    -- The formulas that everything learned comes from; other ones learn it all again.
    model_version text,
    -- Up to here only the last state of each month is kept: what is dirty before is learned again from a month's start.
    thinned_through date,
    -- The last learned day ends a month or begins other rules, and everybody after this customer is still to be assessed.
    assessing_after uuid,
    CONSTRAINT learning_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT learning_dirty_is_learned CHECK (dirty_from <= learned_through),
    CONSTRAINT learning_learned_is_closed CHECK (learned_through <= closed_through)
) WITH (fillfactor = 70);
SELECT protect_tenant_table('learning');

CREATE TABLE learned_states (
    tenant_id uuid NOT NULL,
    scope text NOT NULL,
    -- Customer id or country; empty for the tenant.
    owner text NOT NULL,
    -- The day whose evidence changed the state. The state before day d is the latest row with an earlier day.
    day date NOT NULL,
    -- Everything remembered, bit by bit as it was summed (src/domain/model/memory.rs has the layout).
    memory bytea NOT NULL,
    CONSTRAINT learned_states_pkey PRIMARY KEY (tenant_id, scope, owner, day),
    CONSTRAINT learned_states_scope CHECK (scope IN ('tenant', 'group', 'customer'))
);
-- For learning again from a day on.
CREATE INDEX learned_states_day ON learned_states (tenant_id, day);
SELECT protect_tenant_table('learned_states');

CREATE TABLE foretold_invoices (
    tenant_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    -- The issue date, on which it was foretold with what was known before.
    day date NOT NULL,
    -- What it was foretold with: the label is learned against this.
    scored bytea NOT NULL,
    CONSTRAINT foretold_invoices_pkey PRIMARY KEY (tenant_id, invoice_id)
);
-- For learning again from a day on.
CREATE INDEX foretold_invoices_day ON foretold_invoices (tenant_id, day);
SELECT protect_tenant_table('foretold_invoices');

CREATE TABLE pattern_shifts (
    tenant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- The day whose payment made the test sure.
    found_on date NOT NULL,
    -- First payment day of the new habit.
    since date NOT NULL,
    -- Mean days from due to cleared before it and since, and the payment days they rest on.
    delay_before numeric(10, 2) NOT NULL,
    delay_after numeric(10, 2) NOT NULL,
    payments_before integer NOT NULL,
    payments_after integer NOT NULL,
    CONSTRAINT pattern_shifts_pkey PRIMARY KEY (tenant_id, customer_id, found_on),
    CONSTRAINT pattern_shifts_found_after_it_began CHECK (since <= found_on),
    CONSTRAINT pattern_shifts_payments_positive CHECK (payments_before > 0 AND payments_after > 0)
);
-- For learning again from a day on.
CREATE INDEX pattern_shifts_day ON pattern_shifts (tenant_id, found_on);
SELECT protect_tenant_table('pattern_shifts');

CREATE TABLE calibrations (
    tenant_id uuid NOT NULL,
    -- The end of a month; in force from its close until the next.
    day date NOT NULL,
    -- Median delay of the last year's paid invoices in whole weeks, in days.
    structural_days integer NOT NULL,
    CONSTRAINT calibrations_pkey PRIMARY KEY (tenant_id, day),
    CONSTRAINT calibrations_structural_days_in_weeks CHECK (structural_days BETWEEN 0 AND 28 AND structural_days % 7 = 0)
);
SELECT protect_tenant_table('calibrations');

CREATE TABLE assessments (
    tenant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- Made at the close of this day, for the next one.
    day date NOT NULL,
    -- Of the next invoice, if it is like those before.
    p_late numeric(7, 6) NOT NULL,
    -- What adds up to its log-odds, in the order of the families (src/domain/model/inputs.rs); the sum is exact.
    contributions numeric[] NOT NULL,
    -- Codes with their figures, the weightiest first.
    score_reasons text[] NOT NULL,
    -- Days from due to cleared that it stays below with probability 50 and 80 %; what of them is the payer's payment run.
    p50_delay numeric(10, 2),
    p80_delay numeric(10, 2),
    structural_days integer NOT NULL,
    mean_days_late numeric(10, 2),
    observations integer NOT NULL,
    -- Day of the assessment that first said as much as this one; that one is published.
    score_since date NOT NULL,
    segment text NOT NULL,
    -- Day of the assessment that put the customer into this segment by these rules; its reasons are those that are published.
    segment_since date NOT NULL,
    -- Codes with their figures, the deciding one first.
    segment_reasons text[] NOT NULL,
    model_version text NOT NULL,
    rules_version text NOT NULL,
    CONSTRAINT assessments_pkey PRIMARY KEY (tenant_id, customer_id, day),
    CONSTRAINT assessments_p_late_inside CHECK (p_late > 0 AND p_late < 1),
    CONSTRAINT assessments_segment CHECK (segment IN ('regular', 'occasional_late', 'often_late', 'high_risk', 'new'))
);
-- For learning again from a day on.
CREATE INDEX assessments_day ON assessments (tenant_id, day);
SELECT protect_tenant_table('assessments');

CREATE TABLE published_scores (
    tenant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- The latest assessment may differ from what was published last.
    pending boolean NOT NULL,
    -- Day of the published assessment; null before the first.
    assessed_on date,
    -- Version of the last customer.scored; what it said is the assessment of this day.
    score_version bigint NOT NULL DEFAULT 0,
    p_late numeric(7, 6),
    contributions numeric[],
    score_reasons text[],
    p50_delay numeric(10, 2),
    p80_delay numeric(10, 2),
    structural_days integer,
    mean_days_late numeric(10, 2),
    observations integer,
    model_version text,
    -- Version of the last segment.assigned, and what it said.
    segment_version bigint NOT NULL DEFAULT 0,
    segment text,
    segment_since date,
    segment_reasons text[],
    rules_version text,
    -- Version of the last pattern.shifted, and the shift that it told; null when it took the last one back.
    shift_version bigint NOT NULL DEFAULT 0,
    shift_found_on date,
    shift_since date,
    shift_delay_before numeric(10, 2),
    shift_delay_after numeric(10, 2),
    shift_payments_before integer,
    shift_payments_after integer,
    CONSTRAINT published_scores_pkey PRIMARY KEY (tenant_id, customer_id),
    CONSTRAINT published_scores_segment CHECK (segment IN ('regular', 'occasional_late', 'often_late', 'high_risk', 'new')),
    CONSTRAINT published_scores_whole CHECK ((assessed_on IS NULL) = (p_late IS NULL))
) WITH (fillfactor = 70);
-- For the sweep: what may have to be published.
CREATE INDEX published_scores_pending ON published_scores (tenant_id, customer_id) WHERE pending;
SELECT protect_tenant_table('published_scores');
