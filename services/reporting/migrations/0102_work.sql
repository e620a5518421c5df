-- What the other roles decided and did: scores, reminders, promises, alerts.

CREATE TABLE customer_scores (
    tenant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    version bigint NOT NULL,
    -- Probability that the next invoice is paid after its due date.
    p_late numeric NOT NULL,
    -- Mean days late of late invoices; NULL without history.
    mean_days_late numeric,
    observations bigint NOT NULL,
    scored_at timestamptz NOT NULL,
    CONSTRAINT customer_scores_pkey PRIMARY KEY (tenant_id, customer_id),
    CONSTRAINT customer_scores_version_positive CHECK (version > 0),
    CONSTRAINT customer_scores_p_late_probability CHECK (p_late BETWEEN 0 AND 1)
);
SELECT protect_tenant_table('customer_scores');

CREATE TABLE customer_segments (
    tenant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    version bigint NOT NULL,
    segment text NOT NULL,
    -- Codes with their figures, the deciding one first.
    reasons text[] NOT NULL,
    assigned_at timestamptz NOT NULL,
    CONSTRAINT customer_segments_pkey PRIMARY KEY (tenant_id, customer_id),
    CONSTRAINT customer_segments_version_positive CHECK (version > 0),
    CONSTRAINT customer_segments_segment_known
        CHECK (segment IN ('regular', 'occasional_late', 'often_late', 'high_risk', 'new'))
);
SELECT protect_tenant_table('customer_segments');

-- Facts: what was decided stays decided.
CREATE TABLE decisions (
    tenant_id uuid NOT NULL,
    decision_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    step integer NOT NULL,
    outcome text NOT NULL,
    -- Why it was held back; empty for "send".
    reason text NOT NULL,
    -- The message that carries it; NULL unless "send".
    message_id uuid,
    -- Civil day of the debtor.
    day date NOT NULL,
    decided_at timestamptz NOT NULL,
    CONSTRAINT decisions_pkey PRIMARY KEY (tenant_id, decision_id),
    CONSTRAINT decisions_outcome_known CHECK (outcome IN ('send', 'suppressed', 'superseded'))
);
-- What was decided in a window of days.
CREATE INDEX decisions_day ON decisions (tenant_id, day);
SELECT protect_tenant_table('decisions');

CREATE TABLE messages (
    tenant_id uuid NOT NULL,
    message_id uuid NOT NULL,
    version bigint NOT NULL,
    customer_id uuid NOT NULL,
    channel text NOT NULL,
    status text NOT NULL,
    reason text NOT NULL,
    -- Civil day of the debtor.
    day date NOT NULL,
    -- Invoices it lists.
    items integer NOT NULL,
    -- Highest dunning level among them, from 0.
    level integer NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT messages_pkey PRIMARY KEY (tenant_id, message_id),
    CONSTRAINT messages_version_positive CHECK (version > 0),
    CONSTRAINT messages_status_known
        CHECK (status IN ('planned', 'claimed', 'sending', 'sent', 'suppressed', 'failed', 'uncertain'))
);
-- What was sent in a window of days.
CREATE INDEX messages_day ON messages (tenant_id, day);
SELECT protect_tenant_table('messages');

CREATE TABLE promises (
    tenant_id uuid NOT NULL,
    promise_id uuid NOT NULL,
    version bigint NOT NULL,
    customer_id uuid NOT NULL,
    currency char(3) NOT NULL,
    amount numeric NOT NULL,
    -- Paid after it was made and within its window.
    paid_amount numeric NOT NULL,
    made_on date NOT NULL,
    promised_date date NOT NULL,
    -- "due_unconfirmed": past its day, and no source covers the day yet.
    status text NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT promises_pkey PRIMARY KEY (tenant_id, promise_id),
    CONSTRAINT promises_version_positive CHECK (version > 0),
    CONSTRAINT promises_status_known CHECK (status IN ('open', 'due_unconfirmed', 'kept', 'partially_kept', 'broken',
        'withdrawn', 'replaced'))
);
-- Promises that were to be kept in a window of days.
CREATE INDEX promises_promised_date ON promises (tenant_id, promised_date);
-- Whether a customer promised after being written to.
CREATE INDEX promises_customer ON promises (tenant_id, customer_id, made_on);
SELECT protect_tenant_table('promises');

CREATE TABLE alerts (
    tenant_id uuid NOT NULL,
    alert_id uuid NOT NULL,
    version bigint NOT NULL,
    kind text NOT NULL,
    customer_id uuid NOT NULL,
    -- What it is about: the promise.
    subject_id uuid NOT NULL,
    status text NOT NULL,
    -- NULL where the alert is about no amount.
    currency char(3),
    amount numeric,
    raised_at timestamptz NOT NULL,
    cleared_at timestamptz,
    CONSTRAINT alerts_pkey PRIMARY KEY (tenant_id, alert_id),
    CONSTRAINT alerts_version_positive CHECK (version > 0),
    CONSTRAINT alerts_status_known CHECK (status IN ('raised', 'cleared')),
    CONSTRAINT alerts_amount_with_currency CHECK ((amount IS NULL) = (currency IS NULL))
);
-- Alerts raised in a window of time, the newest first.
CREATE INDEX alerts_raised_at ON alerts (tenant_id, raised_at);
SELECT protect_tenant_table('alerts');
