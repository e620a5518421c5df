-- How an invoice stands beside its money, as far as it stops or moves reminders.

ALTER TABLE invoices
    -- Delivered late, the steps are counted from when the debtor had it (R27).
    ADD COLUMN delivered_date date,
    -- Nothing was owed.
    ADD COLUMN voided boolean NOT NULL DEFAULT false,
    -- Where it is with its buyer: "submitted", "accepted", "rejected"; empty: nothing was told.
    ADD COLUMN acceptance text NOT NULL DEFAULT '',
    -- The debtor is to pay somebody else.
    ADD COLUMN assigned boolean NOT NULL DEFAULT false,
    -- Part of the open amount for which an instrument is in hand; not in expected_net.
    ADD COLUMN covered_amount numeric NOT NULL DEFAULT 0,
    ADD CONSTRAINT invoices_covered_not_negative CHECK (covered_amount >= 0);

ALTER TABLE customers
    -- Takes invoices only through its portal or desk: what was not submitted is late because of us.
    ADD COLUMN requires_submission boolean NOT NULL DEFAULT false;
