-- What a tenant chooses of how its debtors are treated, every version kept with who chose it.

CREATE TABLE settings (
    tenant_id uuid NOT NULL,
    -- One more with every change; the highest is in force. Without a row Puntual's own are.
    version bigint NOT NULL,
    -- {late_delivery_days, claim_pause_days}
    settings jsonb NOT NULL,
    -- Name of the key that changed them.
    actor text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT settings_pkey PRIMARY KEY (tenant_id, version),
    CONSTRAINT settings_version_positive CHECK (version > 0)
);
SELECT protect_tenant_table('settings');

-- From which day on a delivery is late a tenant says: the index has all that did not come on their own day.
DROP INDEX receivables_delivered_late;
CREATE INDEX receivables_delivered_late ON receivables (tenant_id, delivered_date DESC, invoice_id)
    WHERE open_amount > 0 AND delivered_date > issue_date;
