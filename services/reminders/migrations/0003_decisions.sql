-- What was decided and what became of it.

CREATE TABLE decisions (
    tenant_id uuid NOT NULL,
    decision_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    -- Position in the strategy, and days from the effective due date.
    step integer NOT NULL,
    offset_days integer NOT NULL,
    strategy text NOT NULL,
    strategy_version integer NOT NULL,
    template text NOT NULL,
    template_version integer NOT NULL,
    segment text NOT NULL,
    segment_version bigint NOT NULL,
    outcome text NOT NULL,
    -- Why it was held back; empty otherwise.
    reason text NOT NULL,
    -- The message of the customer's day; it carries the step when the outcome is "send".
    message_id uuid NOT NULL,
    -- Civil day of the debtor.
    day date NOT NULL,
    decided_at timestamptz NOT NULL,
    -- Positions in the streams up to which the facts were known (the barrier's answers, D11).
    ingestion_seq bigint NOT NULL,
    promises_seq bigint NOT NULL,
    -- The decision's input without personal data, and the SHA-256 of its text form: deciding it again gives the same.
    snapshot jsonb NOT NULL,
    snapshot_sha256 bytea NOT NULL,
    CONSTRAINT decisions_pkey PRIMARY KEY (tenant_id, decision_id),
    -- A step is decided once, whatever moves (G3).
    CONSTRAINT decisions_step_once UNIQUE (tenant_id, invoice_id, offset_days),
    CONSTRAINT decisions_outcome_known CHECK (outcome IN ('send', 'suppressed', 'superseded')),
    CONSTRAINT decisions_reason_given CHECK ((outcome = 'suppressed') = (reason <> '')),
    CONSTRAINT decisions_step_not_negative CHECK (step >= 0)
);
-- The door: why, for a customer and a day.
CREATE INDEX decisions_customer_day ON decisions (tenant_id, customer_id, day);
-- Settling a message: the steps it carries.
CREATE INDEX decisions_message ON decisions (tenant_id, message_id);
SELECT protect_tenant_table('decisions');

-- One message per customer, civil day and channel: at most one hand-off each (R1).
CREATE TABLE messages (
    tenant_id uuid NOT NULL,
    message_id uuid NOT NULL,
    version bigint NOT NULL,
    customer_id uuid NOT NULL,
    contact_id uuid,
    channel text NOT NULL,
    status text NOT NULL,
    -- Why it failed, is uncertain, was suppressed or waits; empty otherwise.
    reason text NOT NULL DEFAULT '',
    -- Civil day of the debtor.
    day date NOT NULL,
    -- Highest dunning level among its items.
    level integer NOT NULL DEFAULT 0,
    invoice_ids uuid[] NOT NULL DEFAULT '{}',
    -- How often the relay refused it for now.
    attempts integer NOT NULL DEFAULT 0,
    -- The claim or hand-off it is in, and until when that holds (real time).
    attempt_id uuid,
    lease_until timestamptz,
    template text NOT NULL DEFAULT '',
    template_version integer NOT NULL DEFAULT 0,
    language text NOT NULL DEFAULT '',
    -- SHA-256 of the rendered message, which is kept apart.
    rendered_sha256 bytea,
    -- Business time of the last change.
    changed_at timestamptz NOT NULL,
    CONSTRAINT messages_pkey PRIMARY KEY (tenant_id, message_id),
    CONSTRAINT messages_one_a_day UNIQUE (tenant_id, customer_id, day, channel),
    CONSTRAINT messages_version_positive CHECK (version > 0),
    CONSTRAINT messages_channel_known CHECK (channel = 'email'),
    CONSTRAINT messages_status_known
        CHECK (status IN ('planned', 'claimed', 'sending', 'sent', 'suppressed', 'failed', 'uncertain')),
    CONSTRAINT messages_lease_while_under_way
        CHECK ((status IN ('claimed', 'sending')) = (lease_until IS NOT NULL AND attempt_id IS NOT NULL)),
    CONSTRAINT messages_rendered_before_sending
        CHECK (status NOT IN ('sending', 'sent', 'uncertain') OR (rendered_sha256 IS NOT NULL AND contact_id IS NOT NULL)),
    CONSTRAINT messages_reason_given CHECK (status NOT IN ('suppressed', 'failed', 'uncertain') OR reason <> '')
) WITH (fillfactor = 70);
-- The lease sweep: what was left half done?
CREATE INDEX messages_lease_until ON messages (lease_until) WHERE lease_until IS NOT NULL;
-- The door: the messages of a day; and claims: what an earlier day left planned.
CREATE INDEX messages_day ON messages (tenant_id, day);
CREATE INDEX messages_planned ON messages (tenant_id, customer_id) WHERE status = 'planned';
SELECT protect_tenant_table('messages');

-- What a debtor read. Personal data: erasable without touching the record of decisions (L5, S7).
CREATE TABLE rendered_messages (
    tenant_id uuid NOT NULL,
    message_id uuid NOT NULL,
    to_address text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    CONSTRAINT rendered_messages_pkey PRIMARY KEY (tenant_id, message_id)
);
SELECT protect_tenant_table('rendered_messages');
