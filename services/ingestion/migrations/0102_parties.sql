-- Who owes, and whom to write to.

CREATE TABLE customers (
    tenant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    version bigint NOT NULL,
    code text NOT NULL,
    party_kind text NOT NULL,
    -- Of a company; empty for a natural person, whose name is in fact_persons and contacts.
    name text NOT NULL,
    -- ISO 3166-1 alpha-2; empty when unknown, as are the next four.
    country text NOT NULL,
    time_zone text NOT NULL,
    language text NOT NULL,
    tier text NOT NULL,
    group_code text NOT NULL,
    payer_id uuid NOT NULL,
    -- Mentioned by other facts only: its master data has not come.
    provisional boolean NOT NULL,
    -- Order of the change that is in force, empty while provisional.
    source_order text COLLATE "C" NOT NULL,
    CONSTRAINT customers_pkey PRIMARY KEY (tenant_id, customer_id),
    CONSTRAINT customers_version_positive CHECK (version > 0),
    CONSTRAINT customers_party_kind_known CHECK (party_kind IN ('company', 'natural_person')),
    CONSTRAINT customers_person_unnamed CHECK (party_kind = 'company' OR name = '')
);
-- For the list of customers without master data.
CREATE INDEX customers_provisional ON customers (tenant_id, code) WHERE provisional;
SELECT protect_tenant_table('customers');

-- Personal data: this table and fact_persons are where an erasure happens.
CREATE TABLE contacts (
    tenant_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    version bigint NOT NULL,
    customer_id uuid NOT NULL,
    role text NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    -- Empty: the customer's.
    language text NOT NULL,
    active boolean NOT NULL,
    source_order text COLLATE "C" NOT NULL,
    CONSTRAINT contacts_pkey PRIMARY KEY (tenant_id, contact_id),
    CONSTRAINT contacts_version_positive CHECK (version > 0),
    CONSTRAINT contacts_role_known CHECK (role IN ('payables', 'buyer', 'approver', 'other'))
);
SELECT protect_tenant_table('contacts');
