-- Who may be reached, who was, and what became of messages. Free text stays with the facts, where it can be erased.

CREATE TABLE consents (
    tenant_id uuid NOT NULL,
    -- Of (contact or customer, channel).
    consent_id uuid NOT NULL,
    version bigint NOT NULL,
    -- One of the two: a customer stands for all its contacts.
    contact_id uuid,
    customer_id uuid,
    channel text NOT NULL,
    status text NOT NULL,
    cause text NOT NULL,
    changed_on date NOT NULL,
    source_order text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT consents_pkey PRIMARY KEY (tenant_id, consent_id),
    CONSTRAINT consents_version_positive CHECK (version > 0),
    CONSTRAINT consents_of_one CHECK ((contact_id IS NULL) <> (customer_id IS NULL)),
    CONSTRAINT consents_channel_known CHECK (channel IN ('email', 'call', 'whatsapp', 'visit', 'portal', 'other')),
    CONSTRAINT consents_status_known CHECK (status IN ('granted', 'withdrawn')),
    CONSTRAINT consents_cause_known CHECK (cause IN ('told', 'complaint', 'wrong_contact')),
    CONSTRAINT consents_granted_by_word CHECK (status = 'withdrawn' OR cause = 'told')
);
SELECT protect_tenant_table('consents');

CREATE TABLE contact_attempts (
    tenant_id uuid NOT NULL,
    -- Of the fact.
    attempt_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    contact_id uuid,
    channel text NOT NULL,
    outcome text NOT NULL,
    logged_on date NOT NULL,
    -- Code of who tried.
    logged_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT contact_attempts_pkey PRIMARY KEY (tenant_id, attempt_id),
    CONSTRAINT contact_attempts_channel_known CHECK (channel IN ('email', 'call', 'whatsapp', 'visit', 'portal', 'other')),
    CONSTRAINT contact_attempts_outcome_known CHECK (outcome IN ('reached', 'other_reached', 'promised', 'refused', 'no_answer',
        'left_message', 'wrong_number', 'other'))
);
SELECT protect_tenant_table('contact_attempts');

CREATE TABLE delivery_reports (
    tenant_id uuid NOT NULL,
    -- Of the fact.
    report_id uuid NOT NULL,
    -- Of reminders.
    message_id uuid,
    contact_id uuid,
    channel text NOT NULL,
    outcome text NOT NULL,
    -- Of a bounce: it will bounce again.
    permanent boolean NOT NULL,
    reported_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT delivery_reports_pkey PRIMARY KEY (tenant_id, report_id),
    CONSTRAINT delivery_reports_of_something CHECK (message_id IS NOT NULL OR contact_id IS NOT NULL),
    CONSTRAINT delivery_reports_channel_known CHECK (channel IN ('email', 'whatsapp', 'other')),
    CONSTRAINT delivery_reports_outcome_known CHECK (outcome IN ('delivered', 'bounced', 'complained')),
    CONSTRAINT delivery_reports_only_bounces_last CHECK (outcome = 'bounced' OR NOT permanent)
);
SELECT protect_tenant_table('delivery_reports');
