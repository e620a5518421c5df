-- How a tenant's money is applied, and what payments leave open of the invoices that they name.

CREATE TABLE cash_rules (
    tenant_id uuid NOT NULL,
    -- One more with every change; the highest is in force. Without a row Puntual's own rules are.
    version bigint NOT NULL,
    -- {"rules": [...]}, as it was sent.
    rules jsonb NOT NULL,
    -- Whether one of them says why less came than was owed.
    explains boolean NOT NULL,
    -- Name of the key that changed them.
    actor text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT cash_rules_pkey PRIMARY KEY (tenant_id, version),
    CONSTRAINT cash_rules_version_positive CHECK (version > 0)
);
SELECT protect_tenant_table('cash_rules');

-- Invoices of which payments that name them left something open, until the rules have looked at them. In the transaction of
-- the payment, so that none is forgotten.
CREATE TABLE payment_differences (
    tenant_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT payment_differences_pkey PRIMARY KEY (tenant_id, invoice_id)
);
SELECT protect_tenant_table('payment_differences');

-- Tax that payers are known to keep back beside what invoices announce: telling the invoice again does not undo it.
CREATE TABLE expected_withholdings (
    tenant_id uuid NOT NULL,
    -- Derived from (legal entity, number): known before the invoice is.
    invoice_id uuid NOT NULL,
    amount numeric NOT NULL,
    -- Which taxes, in words.
    regime text,
    source_order text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT expected_withholdings_pkey PRIMARY KEY (tenant_id, invoice_id),
    CONSTRAINT expected_withholdings_amount_not_negative CHECK (amount >= 0)
);
SELECT protect_tenant_table('expected_withholdings');

-- What was decided by a rule, and refused, is not decided again until something has changed.
ALTER TABLE unidentified_payments
    -- SHA-256 of rules, evidence and decision when it was refused.
    ADD COLUMN refused_state bytea,
    -- {code, detail}
    ADD COLUMN refusal jsonb,
    -- When the rules were last tried, where more wait than are tried at once.
    ADD COLUMN tried_at timestamptz;
DROP INDEX unidentified_payments_open;
-- For trying the rules again, those that were not tried for longest first.
CREATE INDEX unidentified_payments_open ON unidentified_payments (tenant_id, tried_at NULLS FIRST, recorded_at, credit_id)
    WHERE status = 'open';

-- For invoices of one amount, whoever owes them.
CREATE INDEX receivables_open_amount ON receivables (tenant_id, legal_entity_id, currency, open_amount) WHERE open_amount > 0;
-- For certificates of withheld tax that have not come.
CREATE INDEX receivables_withheld ON receivables (tenant_id, due_date)
    WHERE open_amount > 0 AND open_amount <= expected_withholding - withheld_amount;
