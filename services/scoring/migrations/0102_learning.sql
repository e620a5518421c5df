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
    -- Labels settled so far.
    observations integer NOT NULL,
    -- n, s, q and day of every cell, bit by bit as they were summed (src/domain/state.rs has the order).
    cells double precision[] NOT NULL,
    CONSTRAINT learned_states_pkey PRIMARY KEY (tenant_id, scope, owner, day),
    CONSTRAINT learned_states_scope CHECK (scope IN ('tenant', 'group', 'customer')),
    CONSTRAINT learned_states_observations_not_negative CHECK (observations >= 0)
);
-- For learning again from a day on.
CREATE INDEX learned_states_day ON learned_states (tenant_id, day);
SELECT protect_tenant_table('learned_states');

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
    p_late numeric(7, 6) NOT NULL,
    mean_days_late numeric(10, 2),
    observations integer NOT NULL,
    segment text NOT NULL,
    -- Day of the assessment that put the customer into this segment; its reasons are those that are published.
    segment_since date NOT NULL,
    -- Codes with their figures, the deciding one first.
    reasons text[] NOT NULL,
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
    -- Version of the last customer.scored, and what it said.
    score_version bigint NOT NULL DEFAULT 0,
    p_late numeric(7, 6),
    mean_days_late numeric(10, 2),
    observations integer,
    model_version text,
    -- Version of the last segment.assigned, and what it said.
    segment_version bigint NOT NULL DEFAULT 0,
    segment text,
    segment_since date,
    reasons text[],
    rules_version text,
    CONSTRAINT published_scores_pkey PRIMARY KEY (tenant_id, customer_id),
    CONSTRAINT published_scores_segment CHECK (segment IN ('regular', 'occasional_late', 'often_late', 'high_risk', 'new')),
    CONSTRAINT published_scores_whole CHECK ((assessed_on IS NULL) = (p_late IS NULL))
) WITH (fillfactor = 70);
-- For the sweep: what may have to be published.
CREATE INDEX published_scores_pending ON published_scores (tenant_id, customer_id) WHERE pending;
SELECT protect_tenant_table('published_scores');
