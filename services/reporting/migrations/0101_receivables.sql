-- Receivables as ingestion last told them, with the days on which they count, so that any past day can be asked for.

CREATE TABLE customers (
    tenant_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- Of ingestion's aggregate; the newest is what is kept, in whatever order they come.
    version bigint NOT NULL,
    -- The source's own number of the customer.
    code text NOT NULL,
    party_kind text NOT NULL,
    -- Of a company; empty for a natural person, whose name is kept by services that write to them.
    name text NOT NULL,
    -- ISO 3166-1 alpha-2; empty when unknown.
    country text NOT NULL,
    payer_id uuid,
    CONSTRAINT customers_pkey PRIMARY KEY (tenant_id, customer_id),
    CONSTRAINT customers_version_positive CHECK (version > 0),
    CONSTRAINT customers_party_kind_known CHECK (party_kind IN ('', 'company', 'natural_person')),
    CONSTRAINT customers_person_unnamed CHECK (party_kind <> 'natural_person' OR name = '')
);
SELECT protect_tenant_table('customers');

CREATE TABLE invoices (
    tenant_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    version bigint NOT NULL,
    legal_entity_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    payer_id uuid NOT NULL,
    number text NOT NULL,
    currency char(3) NOT NULL,
    -- Gross of tax, as sales are.
    amount numeric NOT NULL,
    -- Part of what is open that a debtor objects to.
    disputed_amount numeric NOT NULL,
    issue_date date NOT NULL,
    -- As printed on the invoice: the clock of the figures.
    due_date date NOT NULL,
    -- The same or a later one that was agreed: the clock of the reminders.
    effective_due_date date NOT NULL,
    -- First day on which it is overdue by the printed date, and not before it was issued.
    overdue_from date NOT NULL,
    -- Day on which its settlements had paid it off; NULL while open.
    closed_on date,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT invoices_pkey PRIMARY KEY (tenant_id, invoice_id),
    CONSTRAINT invoices_version_positive CHECK (version > 0),
    CONSTRAINT invoices_amount_not_negative CHECK (amount >= 0 AND disputed_amount >= 0)
);
-- What was open on a day: issued by then, closed later or never.
CREATE INDEX invoices_open ON invoices (tenant_id, coalesce(closed_on, 'infinity'), issue_date);
-- One customer's invoices.
CREATE INDEX invoices_customer ON invoices (tenant_id, customer_id);
SELECT protect_tenant_table('invoices');

-- Belongs to its invoice and is replaced with it, whole.
CREATE TABLE invoice_settlements (
    tenant_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    settlement_id uuid NOT NULL,
    credit_id uuid NOT NULL,
    kind text NOT NULL,
    currency char(3) NOT NULL,
    amount numeric NOT NULL,
    value_date date NOT NULL,
    -- First day on which it reduces the receivable: the value date, and not before the invoice was issued.
    counts_on date NOT NULL,
    -- First day on which it reduces what is overdue: that day, and not before the invoice was overdue.
    counts_overdue_on date NOT NULL,
    -- Positive when it came after the due date.
    days_late integer NOT NULL,
    recorded_at timestamptz NOT NULL,
    inferred boolean NOT NULL,
    CONSTRAINT invoice_settlements_pkey PRIMARY KEY (tenant_id, invoice_id, settlement_id),
    CONSTRAINT invoice_settlements_kind_known CHECK (kind IN ('cash', 'credit_note', 'withholding', 'discount',
        'instrument', 'write_off', 'fx_difference', 'rounding', 'bank_charge', 'on_account', 'unexplained', 'void'))
);
-- What was settled in a window of days.
CREATE INDEX invoice_settlements_day ON invoice_settlements (tenant_id, counts_on);
SELECT protect_tenant_table('invoice_settlements');

CREATE TABLE credits (
    tenant_id uuid NOT NULL,
    credit_id uuid NOT NULL,
    version bigint NOT NULL,
    legal_entity_id uuid NOT NULL,
    payer_id uuid NOT NULL,
    kind text NOT NULL,
    currency char(3) NOT NULL,
    amount numeric NOT NULL,
    applied numeric NOT NULL,
    on_account numeric NOT NULL,
    waiting numeric NOT NULL,
    -- A suspected duplicate, counted nowhere.
    held numeric NOT NULL,
    value_date date NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT credits_pkey PRIMARY KEY (tenant_id, credit_id),
    CONSTRAINT credits_version_positive CHECK (version > 0),
    CONSTRAINT credits_kind_known CHECK (kind IN ('cash', 'credit_note', 'withholding', 'discount',
        'instrument', 'write_off', 'fx_difference', 'rounding', 'bank_charge', 'on_account', 'unexplained', 'void'))
);
-- What had come in by a day.
CREATE INDEX credits_day ON credits (tenant_id, value_date);
SELECT protect_tenant_table('credits');

CREATE TABLE disputes (
    tenant_id uuid NOT NULL,
    dispute_id uuid NOT NULL,
    version bigint NOT NULL,
    invoice_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    reason text NOT NULL,
    status text NOT NULL,
    opened_on date NOT NULL,
    resolved_on date,
    CONSTRAINT disputes_pkey PRIMARY KEY (tenant_id, dispute_id),
    CONSTRAINT disputes_version_positive CHECK (version > 0),
    CONSTRAINT disputes_status_known CHECK (status IN ('open', 'resolved'))
);
SELECT protect_tenant_table('disputes');

-- What each item owed at the end of a civil day, by value date. One SELECT, so that the planner sees through it; the
-- arguments are the tenant and the day.
CREATE FUNCTION open_items(uuid, date)
    RETURNS TABLE (invoice_id uuid, customer_id uuid, currency char(3), due_date date, effective_due_date date, open numeric)
    LANGUAGE sql STABLE AS $$
    SELECT i.invoice_id, i.customer_id, i.currency, i.due_date, i.effective_due_date, i.amount - coalesce(s.settled, 0)
    FROM invoices i
    LEFT JOIN (
        SELECT t.invoice_id, sum(t.amount) AS settled FROM invoice_settlements t
        WHERE t.tenant_id = $1 AND t.counts_on <= $2 GROUP BY t.invoice_id
    ) s ON s.invoice_id = i.invoice_id
    WHERE i.tenant_id = $1 AND i.issue_date <= $2 AND coalesce(i.closed_on, 'infinity') > $2
$$;
