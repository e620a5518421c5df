-- Invoices that are paid in another currency than their own (L16): published rates, and which payments they bear on.

CREATE TABLE fx_rates (
    tenant_id uuid NOT NULL,
    -- UUIDv5 of (rates, base, quote, day).
    rate_id uuid NOT NULL,
    -- Whose rates they are: the name by which cash rules ask for them.
    rates text NOT NULL,
    base char(3) NOT NULL,
    quote char(3) NOT NULL,
    -- Units of quote for one unit of base.
    rate numeric NOT NULL,
    -- A rate that holds for several days is a row for each.
    rate_date date NOT NULL,
    source_order text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT fx_rates_pkey PRIMARY KEY (tenant_id, rate_id),
    CONSTRAINT fx_rates_rate_positive CHECK (rate > 0)
);
SELECT protect_tenant_table('fx_rates');

-- Payments that name invoices of another currency, or that nobody knows, by the rates that would exchange them: should a rate
-- come or change, they are spread anew.
CREATE TABLE awaited_rates (
    tenant_id uuid NOT NULL,
    rate_id uuid NOT NULL,
    credit_id uuid NOT NULL,
    CONSTRAINT awaited_rates_pkey PRIMARY KEY (tenant_id, rate_id, credit_id)
);
SELECT protect_tenant_table('awaited_rates');

ALTER TABLE credits
    -- Of a share that was exchanged: what of its payment it is, in the payment's currency.
    ADD COLUMN paid_amount numeric,
    ADD COLUMN paid_currency char(3),
    ADD CONSTRAINT credits_paid_whole CHECK (num_nulls(paid_amount, paid_currency) IN (0, 2)),
    ADD CONSTRAINT credits_only_shares_exchanged CHECK (paid_amount IS NULL OR (share_of IS NOT NULL AND paid_amount >= 0)),
    DROP CONSTRAINT credits_within_whole,
    -- The whole is in the payment's currency.
    ADD CONSTRAINT credits_within_whole CHECK (coalesce(paid_amount, amount) <= whole);

-- For what was paid in another currency, the newest first.
CREATE INDEX credits_exchanged ON credits (tenant_id, value_date DESC, credit_id) WHERE paid_amount > 0;

COMMENT ON COLUMN credits.parts IS
    'What it names: [{invoice, invoice_id, amount, waiting, exchange}], amounts as strings; waiting is null unless the part waits. '
    'exchange: {currency, paid, amount, times, over, unit, ...}, amount = paid * times / over in that currency, to a unit''s half.';

-- M8: what payments are, against what lies of them in their payer's account and in others, all in their own currency.
CREATE OR REPLACE VIEW conservation_shares AS
SELECT p.tenant_id, p.currency, count(*) AS objects, sum(coalesce(p.whole, p.amount)) AS total, sum(p.amount) AS remaining,
       sum(coalesce(s.shared, 0)) AS settled,
       count(*) FILTER (WHERE coalesce(p.whole, p.amount) <> p.amount + coalesce(s.shared, 0)) AS broken
FROM credits p
LEFT JOIN (
    SELECT tenant_id, share_of, sum(coalesce(paid_amount, amount)) AS shared
    FROM credits WHERE share_of IS NOT NULL GROUP BY tenant_id, share_of
) s ON s.tenant_id = p.tenant_id AND s.share_of = p.credit_id
WHERE p.share_of IS NULL AND (p.whole IS NOT NULL OR s.shared > 0)
GROUP BY p.tenant_id, p.currency;
SELECT protect_tenant_view('conservation_shares');

-- M5: what came into each currency by exchange, against what its parts were exchanged for; each at the ratio that it keeps.
CREATE VIEW conservation_exchanges AS
SELECT c.tenant_id, c.currency, count(*) AS objects, sum(c.amount) AS total, sum(coalesce(e.amount, 0)) AS settled,
       0::numeric AS remaining,
       count(*) FILTER (WHERE c.amount <> coalesce(e.amount, 0) OR c.paid_amount <> coalesce(e.paid, 0)
           OR coalesce(e.broken, false)) AS broken
FROM credits c
CROSS JOIN LATERAL (
    SELECT sum(x.amount) AS amount, sum(x.paid) AS paid,
           bool_or(2 * abs(x.amount * x.over - x.paid * x.times) > x.unit * x.over OR x.currency <> c.currency) AS broken
    FROM jsonb_array_elements(c.parts) AS p (part)
    CROSS JOIN LATERAL jsonb_to_record(p.part -> 'exchange')
        AS x (currency text, paid numeric, amount numeric, times numeric, over numeric, unit numeric)
) e
WHERE c.paid_amount IS NOT NULL
GROUP BY c.tenant_id, c.currency;
SELECT protect_tenant_view('conservation_exchanges');
