-- The tenant's own segmentation rules, every version of them, and since which day each decided.

CREATE TABLE segmentation_rules (
    tenant_id uuid NOT NULL,
    -- Counted from 1; "rules-1" to people. Never changed once it is written.
    version integer NOT NULL,
    -- As it was sent: rules in their order, fallback, features that are off.
    document jsonb NOT NULL,
    -- Families of the features that can move a customer, known when it was checked.
    families text[] NOT NULL,
    -- Name of the API key that wrote it, and the key.
    created_by text NOT NULL,
    created_by_key uuid NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT segmentation_rules_pkey PRIMARY KEY (tenant_id, version),
    CONSTRAINT segmentation_rules_version_positive CHECK (version > 0)
);
SELECT protect_tenant_table('segmentation_rules');

CREATE TABLE rule_activations (
    tenant_id uuid NOT NULL,
    -- Counted from 1: of two on one day the later decides. Rows are added, never changed.
    activation integer NOT NULL,
    -- Null: the house's own rules.
    version integer,
    -- The civil day at whose close they begin to decide; null: from the first day on, because no day was closed yet.
    active_from date,
    -- Those of the version, empty for the house's own: who writes facts asks whether a closed day is altered by them.
    families text[] NOT NULL,
    reason text NOT NULL,
    -- Name of the API key that wanted it, and the key.
    activated_by text NOT NULL,
    activated_by_key uuid NOT NULL,
    activated_at timestamptz NOT NULL,
    CONSTRAINT rule_activations_pkey PRIMARY KEY (tenant_id, activation),
    CONSTRAINT rule_activations_version FOREIGN KEY (tenant_id, version) REFERENCES segmentation_rules (tenant_id, version),
    CONSTRAINT rule_activations_activation_positive CHECK (activation > 0),
    CONSTRAINT rule_activations_reason CHECK (reason IN ('activated', 'rolled_back'))
);
SELECT protect_tenant_table('rule_activations');
