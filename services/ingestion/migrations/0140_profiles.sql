-- How a tenant's own files are read: profiles as they were written, every version kept.

CREATE TABLE profiles (
    tenant_id uuid NOT NULL,
    -- By which a request asks for it; never the name of a profile that comes with Puntual.
    name text NOT NULL,
    -- One more with every change; the highest is in force.
    version bigint NOT NULL,
    -- As it was sent; NULL: with this version it was removed.
    yaml text,
    -- Name of the key that changed it.
    actor text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT profiles_pkey PRIMARY KEY (tenant_id, name, version),
    CONSTRAINT profiles_version_positive CHECK (version > 0)
);
SELECT protect_tenant_table('profiles');
