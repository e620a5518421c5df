-- What tenants have chosen, as tenant.changed tells it.

CREATE TABLE tenant_settings (
    tenant_id uuid NOT NULL,
    -- Of the tenant.
    version bigint NOT NULL,
    -- Days from issue to delivery after which an invoice was delivered late; NULL: as Puntual has it.
    late_delivery_days integer,
    CONSTRAINT tenant_settings_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT tenant_settings_version_positive CHECK (version > 0),
    CONSTRAINT tenant_settings_late_delivery_days_not_negative CHECK (late_delivery_days >= 0)
);
SELECT protect_tenant_table('tenant_settings');
