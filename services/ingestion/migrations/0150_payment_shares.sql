-- One payment may pay the invoices of several accounts: what it pays in another one lies there as a credit of its own.

ALTER TABLE credits
    -- The payment that it is a share of: same number, same source. NULL for every other credit.
    ADD COLUMN share_of uuid,
    -- Of a payment with shares and of each of them: what all of them are together, without what was reversed. By it payments
    -- are compared that may be one payment told twice (M3).
    ADD COLUMN whole numeric,
    ADD CONSTRAINT credits_share_of_whole CHECK (share_of IS NULL OR whole IS NOT NULL),
    ADD CONSTRAINT credits_only_payments_shared CHECK (kind = 'cash' OR whole IS NULL),
    ADD CONSTRAINT credits_within_whole CHECK (amount <= whole),
    DROP CONSTRAINT credits_amount_positive,
    -- Zero: all was reversed, what a list of open items had shown is not so any more, a void was taken back, or all of a payment
    -- lies in other accounts.
    ADD CONSTRAINT credits_amount_positive CHECK (amount > 0 OR (amount = 0
        AND (reversed > 0 OR whole IS NOT NULL OR kind IN ('unexplained', 'on_account', 'void'))));

COMMENT ON TABLE unknown_invoices IS
    'Also credits that name an invoice of another account: should it move, their payment is spread anew.';

-- M8: what payments are, against what lies of them in their payer's account and in others.
CREATE VIEW conservation_shares AS
SELECT p.tenant_id, p.currency, count(*) AS objects, sum(coalesce(p.whole, p.amount)) AS total, sum(p.amount) AS remaining,
       sum(coalesce(s.shared, 0)) AS settled,
       count(*) FILTER (WHERE coalesce(p.whole, p.amount) <> p.amount + coalesce(s.shared, 0)) AS broken
FROM credits p
LEFT JOIN (
    SELECT tenant_id, share_of, sum(amount) AS shared FROM credits WHERE share_of IS NOT NULL GROUP BY tenant_id, share_of
) s ON s.tenant_id = p.tenant_id AND s.share_of = p.credit_id
WHERE p.share_of IS NULL AND (p.whole IS NOT NULL OR s.shared > 0)
GROUP BY p.tenant_id, p.currency;
SELECT protect_tenant_view('conservation_shares');
