-- Who may knock. In ingestion these tables are the record; everywhere else a projection of tenant.changed and api_key.changed.

CREATE TABLE tenants (
    tenant_id uuid NOT NULL,
    version bigint NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    -- IANA zone of the head office.
    time_zone text NOT NULL,
    -- Local hour at which due steps are decided.
    send_hour smallint NOT NULL,
    -- Default language of messages and pages.
    language text NOT NULL,
    CONSTRAINT tenants_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT tenants_version_positive CHECK (version > 0),
    CONSTRAINT tenants_send_hour_of_day CHECK (send_hour BETWEEN 0 AND 23),
    CONSTRAINT tenants_language_known CHECK (language IN ('es', 'en'))
);
SELECT protect_tenant_table('tenants');

CREATE TABLE legal_entities (
    tenant_id uuid NOT NULL,
    legal_entity_id uuid NOT NULL,
    -- The company code that facts name.
    code text NOT NULL,
    name text NOT NULL,
    -- ISO 3166-1 alpha-2.
    country text NOT NULL,
    time_zone text NOT NULL,
    CONSTRAINT legal_entities_pkey PRIMARY KEY (tenant_id, legal_entity_id),
    CONSTRAINT legal_entities_code UNIQUE (tenant_id, code)
);
SELECT protect_tenant_table('legal_entities');

-- Exempt from row-level security: it is read to learn which tenant is asking. It holds no key, only hashes of secrets of
-- 256 random bits.
CREATE TABLE api_keys (
    key_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    version bigint NOT NULL,
    name text NOT NULL,
    secret_sha256 bytea NOT NULL,
    scopes text[] NOT NULL,
    revoked boolean NOT NULL,
    CONSTRAINT api_keys_pkey PRIMARY KEY (key_id),
    CONSTRAINT api_keys_version_positive CHECK (version > 0)
);
SELECT grant_to_worker('api_keys');
DO $$
BEGIN
    EXECUTE format('GRANT SELECT ON api_keys TO %I', role_of_service('door'));
END
$$;
