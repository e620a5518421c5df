-- Payments of which the bank does not say who paid: kept apart from every account until a rule or a person finds out.

CREATE TABLE unidentified_payments (
    tenant_id uuid NOT NULL,
    -- Id of the credit that it becomes.
    credit_id uuid NOT NULL,
    source_id uuid NOT NULL,
    legal_entity_id uuid NOT NULL,
    -- The source's own number.
    number text NOT NULL,
    currency char(3) NOT NULL,
    amount numeric NOT NULL,
    value_date date NOT NULL,
    received_date date,
    bank_reference text,
    -- What the bank says of the payer: {account, name, references, text}. Names persons, so it can be erased.
    clues jsonb,
    -- 'allocated': its credit is in the ledger. 'reversed': the bank took it back before anybody knew whose it was.
    status text NOT NULL,
    -- By which rule, or whose word.
    rule text,
    -- What no rule was certain of: [{payer, rule, confidence, invoices}].
    suggestions jsonb NOT NULL,
    source_order text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT unidentified_payments_pkey PRIMARY KEY (tenant_id, credit_id),
    CONSTRAINT unidentified_payments_amount_positive CHECK (amount > 0),
    CONSTRAINT unidentified_payments_status_known CHECK (status IN ('open', 'allocated', 'reversed'))
);
-- For trying the rules again, and for the list of what a person has to look at.
CREATE INDEX unidentified_payments_open ON unidentified_payments (tenant_id, recorded_at, credit_id) WHERE status = 'open';
SELECT protect_tenant_table('unidentified_payments');

-- Accounts from which payers have paid, learned from allocations.
CREATE TABLE payer_accounts (
    tenant_id uuid NOT NULL,
    account text NOT NULL,
    payer_id uuid NOT NULL,
    CONSTRAINT payer_accounts_pkey PRIMARY KEY (tenant_id, account, payer_id)
);
SELECT protect_tenant_table('payer_accounts');

-- For payers whose name the bank tells, written by whatever clerk: letters and digits count.
CREATE INDEX customers_spelling ON customers (tenant_id, upper(regexp_replace(name, '[^[:alnum:]]', '', 'g'))) WHERE name <> '';

-- What a bank took back of payments, whether these have come or not.
CREATE TABLE payment_reversals (
    tenant_id uuid NOT NULL,
    credit_id uuid NOT NULL,
    -- The source's own number of the reversal.
    reversal text NOT NULL,
    -- NULL: all of it.
    amount numeric,
    reversed_on date NOT NULL,
    reason text,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT payment_reversals_pkey PRIMARY KEY (tenant_id, credit_id, reversal),
    CONSTRAINT payment_reversals_amount_positive CHECK (amount > 0)
);
SELECT protect_tenant_table('payment_reversals');
