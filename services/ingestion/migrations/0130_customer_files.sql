-- What a source knows of a customer beyond who it is: how far it is trusted, and how it takes and pays invoices.

ALTER TABLE customers
    -- Up to how much the source gives credit; NULL when unknown.
    ADD COLUMN credit_limit numeric,
    -- Empty when there is no limit; a customer has no currency of its own.
    ADD COLUMN credit_limit_currency text NOT NULL DEFAULT '',
    -- As the source writes it; empty when unknown.
    ADD COLUMN rating text NOT NULL DEFAULT '',
    -- Of a company; a natural person's is personal data and stays in fact_persons.
    ADD COLUMN tax_id text NOT NULL DEFAULT '',
    ADD COLUMN preferred_channel text NOT NULL DEFAULT '',
    -- Takes invoices only through its portal or desk.
    ADD COLUMN requires_submission boolean NOT NULL DEFAULT false,
    -- {payment_weekdays, payment_days, reception_weekdays, reception_days, reception_cut_off}, what is unknown left out.
    ADD COLUMN calendar jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT customers_limit_whole CHECK ((credit_limit IS NULL) = (credit_limit_currency = '')),
    ADD CONSTRAINT customers_limit_not_negative CHECK (credit_limit >= 0),
    ADD CONSTRAINT customers_person_without_tax_id CHECK (party_kind = 'company' OR tax_id = ''),
    ADD CONSTRAINT customers_preferred_channel_known
        CHECK (preferred_channel IN ('', 'email', 'sms', 'whatsapp', 'call', 'portal'));
