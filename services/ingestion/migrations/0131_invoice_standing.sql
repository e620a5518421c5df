-- What is said of invoices besides their terms, and how they stand because of it.

-- The newest word of each slot, kept from the first one, whether the invoice has come or not.
CREATE TABLE invoice_marks (
    tenant_id uuid NOT NULL,
    -- Derived from (legal entity, number): known before the invoice is.
    invoice_id uuid NOT NULL,
    invoice_number text NOT NULL,
    -- Words of one slot take each other's place.
    slot text NOT NULL,
    word text NOT NULL,
    -- The day on which it happened.
    told_on date NOT NULL,
    -- A code: why it was voided or rejected; empty otherwise. Free text stays with the fact.
    reason text NOT NULL,
    -- Channel of a delivery, portal of a submission, factor of an assignment.
    detail text NOT NULL,
    -- Whom the debtor pays, where that is not the factor.
    payee text NOT NULL,
    source_id uuid NOT NULL,
    source_order text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT invoice_marks_pkey PRIMARY KEY (tenant_id, invoice_id, slot),
    CONSTRAINT invoice_marks_word_of_slot CHECK ((slot, word) IN (('void', 'voided'), ('void', 'reinstated'),
        ('delivery', 'delivered'), ('submission', 'submitted'), ('verdict', 'accepted'), ('verdict', 'rejected'),
        ('assignment', 'assigned'), ('assignment', 'reassigned_back')))
);
SELECT protect_tenant_table('invoice_marks');

ALTER TABLE receivables
    -- 'debit_note': more is owed than was invoiced; a receivable of its own, with its own number and due date.
    ADD COLUMN document text NOT NULL DEFAULT 'invoice',
    -- The invoice that a debit note is about.
    ADD COLUMN corrects_invoice_id uuid,
    -- {voided, delivered, submitted, verdict, assigned}: what follows from its marks; what was not said is left out.
    ADD COLUMN standing jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT receivables_document_known CHECK (document IN ('invoice', 'debit_note')),
    ADD CONSTRAINT receivables_only_notes_correct CHECK (document = 'debit_note' OR corrects_invoice_id IS NULL);
