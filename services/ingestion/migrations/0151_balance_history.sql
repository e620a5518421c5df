-- What was owed as of a past moment (D5): what Puntual knew then, of what counts until a day. The journal is never changed; of
-- invoices it is kept what a correction replaces.

ALTER TABLE receivables
    -- Since when its amount, account, customer and issue date are known as they are. Of what was here before this column: always.
    ADD COLUMN known_from timestamptz NOT NULL DEFAULT '-infinity';
ALTER TABLE receivables ALTER COLUMN known_from DROP DEFAULT;

-- Rows are added, never changed. Nothing is added for an invoice that is never corrected.
CREATE TABLE receivable_history (
    tenant_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    -- It was known so from the one moment on until the other.
    known_from timestamptz NOT NULL,
    known_until timestamptz NOT NULL,
    customer_id uuid NOT NULL,
    payer_id uuid NOT NULL,
    currency char(3) NOT NULL,
    amount numeric NOT NULL,
    issue_date date NOT NULL,
    CONSTRAINT receivable_history_pkey PRIMARY KEY (tenant_id, invoice_id, known_from),
    CONSTRAINT receivable_history_not_empty CHECK (known_from < known_until),
    CONSTRAINT receivable_history_amount_positive CHECK (amount > 0),
    CONSTRAINT receivable_history_invoice FOREIGN KEY (tenant_id, invoice_id)
        REFERENCES receivables (tenant_id, invoice_id)
);
-- For what a payer owed once.
CREATE INDEX receivable_history_payer ON receivable_history (tenant_id, payer_id);
SELECT protect_tenant_table('receivable_history');

ALTER TABLE accounts
    -- When something was last posted in it. What is posted next is recorded no earlier, however long its transaction has waited:
    -- of one account the journal is read in the order in which it was written.
    ADD COLUMN posted_at timestamptz;
