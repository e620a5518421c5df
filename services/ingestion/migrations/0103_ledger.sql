-- Who owes what: receivables, credits, and the journal of settlements between them.

-- One row per (legal entity, payer, currency): whoever folds the account holds its lock.
CREATE TABLE accounts (
    tenant_id uuid NOT NULL,
    legal_entity_id uuid NOT NULL,
    payer_id uuid NOT NULL,
    currency char(3) NOT NULL,
    -- Key of the last item folded: what sorts after it need not fold the account again. NULL before the first.
    last_date date,
    last_rank smallint,
    last_source text,
    last_number text,
    CONSTRAINT accounts_pkey PRIMARY KEY (tenant_id, legal_entity_id, payer_id, currency),
    CONSTRAINT accounts_last_whole CHECK (num_nulls(last_date, last_rank, last_source, last_number) IN (0, 4))
) WITH (fillfactor = 70);
SELECT protect_tenant_table('accounts');

CREATE TABLE receivables (
    tenant_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    version bigint NOT NULL,
    legal_entity_id uuid NOT NULL,
    -- Who bought, and who pays: the payer's account is where it is settled.
    customer_id uuid NOT NULL,
    payer_id uuid NOT NULL,
    currency char(3) NOT NULL,
    number text NOT NULL,
    -- Gross, taxes included.
    amount numeric NOT NULL,
    -- amount - settlements in force (M1).
    open_amount numeric NOT NULL,
    -- What the debtor will keep back for the tax authority, and what of it has been recorded.
    expected_withholding numeric NOT NULL,
    withheld_amount numeric NOT NULL,
    disputed_amount numeric NOT NULL,
    issue_date date NOT NULL,
    due_date date NOT NULL,
    effective_due_date date NOT NULL,
    delivered_date date,
    -- Through which another system has dunned it, before Puntual took over (L8).
    last_dunned_on date,
    -- Value date of the settlement that closed it.
    settled_on date,
    -- The source whose change is in force, its code, and that change's order.
    source text NOT NULL,
    source_order text COLLATE "C" NOT NULL,
    CONSTRAINT receivables_pkey PRIMARY KEY (tenant_id, invoice_id),
    CONSTRAINT receivables_version_positive CHECK (version > 0),
    CONSTRAINT receivables_amount_positive CHECK (amount > 0),
    CONSTRAINT receivables_open_within_amount CHECK (open_amount BETWEEN 0 AND amount),
    CONSTRAINT receivables_disputed_within_open CHECK (disputed_amount BETWEEN 0 AND open_amount),
    CONSTRAINT receivables_settled CHECK ((open_amount = 0) = (settled_on IS NOT NULL))
);
-- For folding an account onto what is open.
CREATE INDEX receivables_open ON receivables (tenant_id, payer_id, legal_entity_id, currency) WHERE open_amount > 0;
-- With the one above, for folding an account again: each invoice is in one of the two.
CREATE INDEX receivables_settled ON receivables (tenant_id, payer_id, legal_entity_id, currency) WHERE open_amount = 0;
SELECT protect_tenant_table('receivables');

CREATE TABLE credits (
    tenant_id uuid NOT NULL,
    credit_id uuid NOT NULL,
    version bigint NOT NULL,
    legal_entity_id uuid NOT NULL,
    payer_id uuid NOT NULL,
    currency char(3) NOT NULL,
    kind text NOT NULL,
    source_id uuid NOT NULL,
    -- The source's own number; credit_id is UUIDv5 of (kind, source, number), so that a payment is counted once (M3).
    number text NOT NULL,
    -- Without what was reversed.
    amount numeric NOT NULL,
    -- What the bank took back: a payment that bounced, a chargeback.
    reversed numeric NOT NULL,
    applied numeric NOT NULL,
    -- Belongs to the payer, settles nothing yet.
    on_account numeric NOT NULL,
    -- Named for invoices that have not come.
    waiting numeric NOT NULL,
    -- A suspected duplicate: counted nowhere until a person decides.
    held numeric NOT NULL,
    -- Of a credit note its issue date.
    value_date date NOT NULL,
    -- Received is not cleared (L6).
    received_date date,
    bank_reference text,
    certificate text,
    -- What it names: [{invoice, invoice_id, amount, waiting}], amounts as strings; waiting is null unless the part waits.
    parts jsonb NOT NULL,
    source_order text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT credits_pkey PRIMARY KEY (tenant_id, credit_id),
    CONSTRAINT credits_version_positive CHECK (version > 0),
    CONSTRAINT credits_kind_known CHECK (kind IN ('cash', 'credit_note', 'withholding', 'discount', 'fx_difference',
        'rounding', 'bank_charge', 'write_off', 'instrument', 'on_account', 'unexplained', 'void')),
    -- Zero: all was reversed, what a list of open items had shown is not so any more, or a void was taken back.
    CONSTRAINT credits_amount_positive
        CHECK (amount > 0 OR (amount = 0 AND (reversed > 0 OR kind IN ('unexplained', 'on_account', 'void')))),
    CONSTRAINT credits_no_part_negative CHECK (least(applied, on_account, waiting, held, reversed) >= 0),
    CONSTRAINT credits_conserved CHECK (amount = applied + on_account + waiting + held)
);
-- For folding an account onto what is open, and for what lies on account or waits.
CREATE INDEX credits_unapplied ON credits (tenant_id, payer_id, legal_entity_id, currency) WHERE on_account > 0 OR waiting > 0;
-- For folding an account again.
CREATE INDEX credits_account ON credits (tenant_id, payer_id, legal_entity_id, currency);
-- For finding payments that may be one payment told twice (M3).
CREATE INDEX credits_bank_reference ON credits (tenant_id, payer_id, bank_reference) WHERE bank_reference IS NOT NULL;
SELECT protect_tenant_table('credits');

-- The journal: rows are added, never changed (M7). The balance at any time is the sum of what was recorded until then.
CREATE TABLE settlement_entries (
    tenant_id uuid NOT NULL,
    entry_no bigint GENERATED ALWAYS AS IDENTITY,
    -- UUIDv5 of (credit, invoice, inferred, value date): all entries of one settlement.
    settlement_id uuid NOT NULL,
    credit_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    -- The account in which it was posted.
    legal_entity_id uuid NOT NULL,
    payer_id uuid NOT NULL,
    currency char(3) NOT NULL,
    kind text NOT NULL,
    -- 'reverse' takes back what an earlier 'apply' posted.
    entry text NOT NULL,
    amount numeric NOT NULL,
    -- No remittance named the invoice: an allocation rule chose it.
    inferred boolean NOT NULL,
    -- When it counts, and when Puntual learned of it (D5).
    value_date date NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT settlement_entries_pkey PRIMARY KEY (tenant_id, entry_no),
    CONSTRAINT settlement_entries_kind_known CHECK (kind IN ('cash', 'credit_note', 'withholding', 'discount',
        'fx_difference', 'rounding', 'bank_charge', 'write_off', 'instrument', 'unexplained', 'void')),
    CONSTRAINT settlement_entries_entry_known CHECK (entry IN ('apply', 'reverse')),
    -- No foreign keys: invoices and credits are never deleted, and the view conservation_journal adds up what the journal says
    -- of any that do not exist.
    CONSTRAINT settlement_entries_amount_positive CHECK (amount > 0)
);
-- For the settlements of an invoice that changed.
CREATE INDEX settlement_entries_invoice ON settlement_entries (tenant_id, invoice_id);
-- For what is in force in an account that is folded again.
CREATE INDEX settlement_entries_account ON settlement_entries (tenant_id, payer_id, legal_entity_id, currency);
SELECT protect_tenant_table('settlement_entries');
