-- Proofs that no money appeared or vanished: one row per currency and law, zero everywhere.

-- M1: what invoices say is open, against their amounts and the journal.
CREATE VIEW conservation_receivables AS
SELECT r.tenant_id, r.currency, count(*) AS objects, sum(r.amount) AS total,
       sum(r.open_amount) AS remaining, sum(coalesce(j.settled, 0)) AS settled,
       count(*) FILTER (WHERE r.open_amount <> r.amount - coalesce(j.settled, 0)) AS broken
FROM receivables r
LEFT JOIN (
    SELECT tenant_id, invoice_id, sum(CASE entry WHEN 'apply' THEN amount ELSE -amount END) AS settled
    FROM settlement_entries GROUP BY tenant_id, invoice_id
) j ON j.tenant_id = r.tenant_id AND j.invoice_id = r.invoice_id
GROUP BY r.tenant_id, r.currency;
SELECT protect_tenant_view('conservation_receivables');

-- M2: what was received, against what the journal applied and what lies elsewhere.
CREATE VIEW conservation_credits AS
SELECT c.tenant_id, c.currency, count(*) AS objects, sum(c.amount) AS total,
       sum(c.on_account + c.waiting + c.held) AS remaining, sum(coalesce(j.settled, 0)) AS settled,
       count(*) FILTER (WHERE c.amount <> coalesce(j.settled, 0) + c.on_account + c.waiting + c.held) AS broken
FROM credits c
LEFT JOIN (
    SELECT tenant_id, credit_id, sum(CASE entry WHEN 'apply' THEN amount ELSE -amount END) AS settled
    FROM settlement_entries GROUP BY tenant_id, credit_id
) j ON j.tenant_id = c.tenant_id AND j.credit_id = c.credit_id
GROUP BY c.tenant_id, c.currency;
SELECT protect_tenant_view('conservation_credits');

-- M7: what the journal says, and whether the invoices and credits of which it says so exist.
CREATE VIEW conservation_journal AS
SELECT e.tenant_id, e.currency, count(*) AS objects, sum(e.amount) AS total, sum(e.amount) AS settled, 0::numeric AS remaining,
       count(*) FILTER (WHERE r.invoice_id IS NULL OR c.credit_id IS NULL) AS broken
FROM settlement_entries e
LEFT JOIN receivables r ON r.tenant_id = e.tenant_id AND r.invoice_id = e.invoice_id
LEFT JOIN credits c ON c.tenant_id = e.tenant_id AND c.credit_id = e.credit_id
GROUP BY e.tenant_id, e.currency;
SELECT protect_tenant_view('conservation_journal');
