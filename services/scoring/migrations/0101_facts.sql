-- What the handlers write: facts, never anything learned (D9).

CREATE TABLE customers (
    tenant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- 0 while only an invoice has named the customer.
    version bigint NOT NULL,
    -- The source's own number; empty while unknown.
    code text NOT NULL,
    -- ISO 3166-1 alpha-2, empty while unknown: the group whose habits a customer is presumed to share.
    country text NOT NULL,
    -- Who pays its invoices: itself, or another customer. How that one pays is shared by all it pays for.
    payer_id uuid NOT NULL,
    CONSTRAINT customers_pkey PRIMARY KEY (tenant_id, customer_id),
    CONSTRAINT customers_version_not_negative CHECK (version >= 0)
);
-- For the door: a customer asked for by its code.
CREATE INDEX customers_code ON customers (tenant_id, code);
-- For the other customers of a payer.
CREATE INDEX customers_payer ON customers (tenant_id, payer_id);
SELECT protect_tenant_table('customers');

CREATE TABLE sources (
    tenant_id uuid NOT NULL,
    source_id uuid NOT NULL,
    version bigint NOT NULL,
    code text NOT NULL,
    -- Families of facts that the source vouches for: "payments" holds back the close of a day.
    covers text[] NOT NULL,
    -- It has told everything before this instant; null until it has said so once.
    covered_until timestamptz,
    CONSTRAINT sources_pkey PRIMARY KEY (tenant_id, source_id),
    CONSTRAINT sources_version_positive CHECK (version > 0)
);
SELECT protect_tenant_table('sources');

CREATE TABLE invoice_facts (
    tenant_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    version bigint NOT NULL,
    legal_entity_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    payer_id uuid NOT NULL,
    currency char(3) NOT NULL,
    -- Gross, taxes included.
    amount numeric NOT NULL,
    open_amount numeric NOT NULL,
    issue_date date NOT NULL,
    -- The original due date: an agreed extension moves reminders, not lateness.
    due_date date NOT NULL,
    -- Value date of the settlement that brought the open amount to zero.
    settled_on date,
    -- At least part of it was settled by cash; what was credited away says nothing about paying.
    paid boolean NOT NULL,
    -- An allocation rule and not a remittance chose the invoice for a payment.
    inferred boolean NOT NULL,
    CONSTRAINT invoice_facts_pkey PRIMARY KEY (tenant_id, invoice_id),
    CONSTRAINT invoice_facts_version_positive CHECK (version > 0),
    CONSTRAINT invoice_facts_open_within_amount CHECK (open_amount BETWEEN 0 AND amount)
) WITH (fillfactor = 70);
-- For the day close: labels that settle because a due date, or weeks after it, passed.
CREATE INDEX invoice_facts_due_date ON invoice_facts (tenant_id, due_date);
-- For the day close: labels that settle because the invoice was cleared; and for the median delay of a year.
CREATE INDEX invoice_facts_settled_on ON invoice_facts (tenant_id, settled_on) WHERE settled_on IS NOT NULL;
-- For the day close: what is foretold; and for the first day of learning.
CREATE INDEX invoice_facts_issue_date ON invoice_facts (tenant_id, issue_date);
-- For what a customer owed on a day; and for a customer that turns out to belong to another group.
CREATE INDEX invoice_facts_customer ON invoice_facts (tenant_id, customer_id, issue_date);
SELECT protect_tenant_table('invoice_facts');

CREATE TABLE dispute_facts (
    tenant_id uuid NOT NULL,
    dispute_id uuid NOT NULL,
    version bigint NOT NULL,
    invoice_id uuid NOT NULL,
    opened_on date NOT NULL,
    CONSTRAINT dispute_facts_pkey PRIMARY KEY (tenant_id, dispute_id),
    CONSTRAINT dispute_facts_version_positive CHECK (version > 0)
);
-- For the first day on which an invoice was disputed.
CREATE INDEX dispute_facts_invoice ON dispute_facts (tenant_id, invoice_id, opened_on);
SELECT protect_tenant_table('dispute_facts');
