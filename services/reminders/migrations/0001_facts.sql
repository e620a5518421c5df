-- What reminders knows of the facts: projections of other services' events, upserted if newer, whatever their order.

CREATE TABLE customers (
    tenant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- 0: only mentioned by other events so far.
    version bigint NOT NULL DEFAULT 0,
    -- The source's own number of the customer.
    code text NOT NULL DEFAULT '',
    -- Empty for a natural person, whose name is in contacts.
    name text NOT NULL DEFAULT '',
    -- IANA zone; empty: the tenant's.
    time_zone text NOT NULL DEFAULT '',
    -- Empty: the tenant's.
    language text NOT NULL DEFAULT '',
    -- No master data has come.
    provisional boolean NOT NULL DEFAULT true,
    -- As scoring last assigned it; empty: not yet.
    segment text NOT NULL DEFAULT '',
    segment_version bigint NOT NULL DEFAULT 0,
    -- When the next step of any of its invoices is to be decided; absent: no plan. Derived, never before not_before.
    next_due_at timestamptz,
    -- Until then the customer is left alone: it was written to today, or a message could not be handed off.
    not_before timestamptz,
    -- Whose batch it is in, and until when (real time). A token of an older claim changes nothing.
    claim_id uuid,
    claimed_until timestamptz,
    CONSTRAINT customers_pkey PRIMARY KEY (tenant_id, customer_id),
    CONSTRAINT customers_version_not_negative CHECK (version >= 0 AND segment_version >= 0),
    CONSTRAINT customers_claim_whole CHECK ((claim_id IS NULL) = (claimed_until IS NULL))
) WITH (fillfactor = 70);
-- The sweep: who is due?
CREATE INDEX customers_next_due_at ON customers (next_due_at) WHERE next_due_at IS NOT NULL;
-- The door: a customer by its code.
CREATE INDEX customers_code ON customers (tenant_id, code);
-- The lease sweep: whose claim has run out?
CREATE INDEX customers_claimed_until ON customers (claimed_until) WHERE claimed_until IS NOT NULL;
SELECT protect_tenant_table('customers');

-- Personal data (L5): erased without touching a decision.
CREATE TABLE contacts (
    tenant_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    version bigint NOT NULL,
    customer_id uuid NOT NULL,
    -- "payables", "buyer", "approver", "other".
    role text NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    -- Empty: the customer's.
    language text NOT NULL,
    active boolean NOT NULL,
    CONSTRAINT contacts_pkey PRIMARY KEY (tenant_id, contact_id),
    CONSTRAINT contacts_version_positive CHECK (version > 0)
);
-- The last check: who can be written to?
CREATE INDEX contacts_customer ON contacts (tenant_id, customer_id);
SELECT protect_tenant_table('contacts');

CREATE TABLE invoices (
    tenant_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    version bigint NOT NULL,
    legal_entity_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    number text NOT NULL,
    currency char(3) NOT NULL,
    -- Gross, taxes included.
    amount numeric NOT NULL,
    -- Amount minus settlements in force.
    open_amount numeric NOT NULL,
    -- What the debtor is asked for: open minus withholdings still expected.
    expected_net numeric NOT NULL,
    -- Part of the open amount under an open dispute.
    disputed_amount numeric NOT NULL,
    issue_date date NOT NULL,
    due_date date NOT NULL,
    -- Due date or a later one that was agreed; anchor of the steps.
    effective_due_date date NOT NULL,
    -- Through which another system has dunned it: what was due until then is not ours to send (L8).
    last_dunned_on date,
    status text NOT NULL,
    -- When the next step is to be decided; absent: the plan is over. Derived.
    next_step_at timestamptz,
    -- Open, or its plan is not over: what a customer's plan is made of. Derived.
    live boolean NOT NULL DEFAULT true,
    CONSTRAINT invoices_pkey PRIMARY KEY (tenant_id, invoice_id),
    CONSTRAINT invoices_version_positive CHECK (version > 0),
    CONSTRAINT invoices_amounts_not_negative CHECK (open_amount >= 0 AND expected_net >= 0 AND disputed_amount >= 0),
    CONSTRAINT invoices_status_known CHECK (status IN ('open', 'settled'))
) WITH (fillfactor = 70);
-- Planning and the last check: what a customer's plan is made of.
CREATE INDEX invoices_live ON invoices (tenant_id, customer_id) WHERE live;
SELECT protect_tenant_table('invoices');

-- A promise as ingestion and promises speak of it, in whichever order (D7).
CREATE TABLE promises (
    tenant_id uuid NOT NULL,
    promise_id uuid NOT NULL,
    -- 0: promises has not spoken yet, and the debtor's word stands.
    version bigint NOT NULL DEFAULT 0,
    -- As promises last said; empty at version 0.
    status text NOT NULL DEFAULT '',
    promised_date date NOT NULL,
    CONSTRAINT promises_pkey PRIMARY KEY (tenant_id, promise_id),
    CONSTRAINT promises_version_not_negative CHECK (version >= 0)
);
SELECT protect_tenant_table('promises');

CREATE TABLE promise_invoices (
    tenant_id uuid NOT NULL,
    promise_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    CONSTRAINT promise_invoices_pkey PRIMARY KEY (tenant_id, promise_id, invoice_id)
);
-- The last check: what stops this invoice?
CREATE INDEX promise_invoices_invoice ON promise_invoices (tenant_id, invoice_id);
SELECT protect_tenant_table('promise_invoices');

CREATE TABLE sources (
    tenant_id uuid NOT NULL,
    source_id uuid NOT NULL,
    version bigint NOT NULL,
    code text NOT NULL,
    -- Families of facts whose absence its coverage proves (L4).
    covers text[] NOT NULL,
    -- Absent until coverage was declared once.
    covered_until timestamptz,
    CONSTRAINT sources_pkey PRIMARY KEY (tenant_id, source_id),
    CONSTRAINT sources_version_positive CHECK (version > 0)
);
SELECT protect_tenant_table('sources');
