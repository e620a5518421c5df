-- Who may see what (D16). Migrations run as <service>_owner; requests are served by <service>_door, which sees exactly the
-- tenant set in `app.tenant`; consumers and sweeps run as <service>_worker, whose batches mix tenants.

CREATE FUNCTION role_of_service(kind text) RETURNS name
    LANGUAGE sql STABLE
    RETURN regexp_replace(current_user, '_owner$', '_' || kind)::name;

-- For tables that are exempt by name: due-work queues and what is the worker's alone.
CREATE FUNCTION grant_to_worker(target regclass) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', target, role_of_service('worker'));
END
$$;

CREATE FUNCTION grant_to_service(target regclass) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I, %I',
        target, role_of_service('door'), role_of_service('worker'));
END
$$;

-- For every table that holds a tenant's rows. The sub-select in the door's policy is evaluated once a statement, not once a
-- row; an unset or empty tenant shows nothing. The owner has a policy too, else data migrations would silently change nothing.
CREATE FUNCTION protect_tenant_table(target regclass) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    own_tenant constant text := 'tenant_id = (SELECT nullif(current_setting(''app.tenant'', true), '''')::uuid)';
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY door ON %s TO %I USING (%s) WITH CHECK (%s)',
        target, role_of_service('door'), own_tenant, own_tenant);
    EXECUTE format('CREATE POLICY worker ON %s TO %I USING (true) WITH CHECK (true)', target, role_of_service('worker'));
    EXECUTE format('CREATE POLICY owner ON %s TO %I USING (true) WITH CHECK (true)', target, current_user);
    PERFORM grant_to_service(target);
END
$$;

-- For views over such tables: they run with the rights of whoever asks.
CREATE FUNCTION protect_tenant_view(target regclass) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', target);
    EXECUTE format('GRANT SELECT ON %s TO %I, %I', target, role_of_service('door'), role_of_service('worker'));
END
$$;
