-- Who may be reached, and what became of messages: projections of ingestion's events.

CREATE TABLE consents (
    tenant_id uuid NOT NULL,
    consent_id uuid NOT NULL,
    version bigint NOT NULL,
    -- Absent: every contact of the customer.
    contact_id uuid,
    -- Absent where a contact is meant.
    customer_id uuid,
    channel text NOT NULL,
    -- As ingestion names them; whatever is not "granted" stops.
    status text NOT NULL,
    cause text NOT NULL,
    changed_on date NOT NULL,
    CONSTRAINT consents_pkey PRIMARY KEY (tenant_id, consent_id),
    CONSTRAINT consents_version_positive CHECK (version > 0),
    CONSTRAINT consents_of_one CHECK ((contact_id IS NULL) <> (customer_id IS NULL))
);
-- The last check: may the contacts of a customer be written to?
CREATE INDEX consents_contact ON consents (tenant_id, contact_id) WHERE contact_id IS NOT NULL;
CREATE INDEX consents_customer ON consents (tenant_id, customer_id) WHERE customer_id IS NOT NULL;
SELECT protect_tenant_table('consents');

CREATE TABLE delivery_reports (
    tenant_id uuid NOT NULL,
    report_id uuid NOT NULL,
    message_id uuid,
    -- As reported, else whoever the message was written to; absent where the message is not ours.
    contact_id uuid,
    channel text NOT NULL,
    -- As ingestion names them; one that is not known is a bounce.
    outcome text NOT NULL,
    permanent boolean NOT NULL,
    reported_at timestamptz NOT NULL,
    CONSTRAINT delivery_reports_pkey PRIMARY KEY (tenant_id, report_id)
);
-- The last check: does what is sent to a contact come back?
CREATE INDEX delivery_reports_contact ON delivery_reports (tenant_id, contact_id) WHERE contact_id IS NOT NULL;
SELECT protect_tenant_table('delivery_reports');
