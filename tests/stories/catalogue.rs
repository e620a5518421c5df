//! What the catalogue of every service's database must say (D16): one tenant's rows are behind policies, and no role that
//! a service logs in with can step over them.

use std::path::PathBuf;

use sqlx::migrate::Migrator;
use sqlx::{Connection, PgConnection};
use testkit::TestDatabase;

use crate::architecture::{ROLES, root};

/// Tables with a tenant that are read across tenants on purpose, and why.
const EXEMPT: [&str; 1] = [
    "api_keys", // read to learn which tenant is asking; hashes only
];
/// Tables whose key does not begin with the tenant, and why.
const KEYED_OTHERWISE: [&str; 3] = [
    "api_keys",        // by the id that a key carries
    "dead_letter",     // by the id of an event, which may not say whose it is
    "dead_letter_log", // the same
];
/// Functions that run with their owner's rights, and why.
const DEFINERS: [&str; 1] = [
    "maintain_outbox", // makes and drops partitions
];

/// A database with everything that the migrations of a service make.
async fn database(service: &'static str) -> TestDatabase {
    let folder: PathBuf = root().join("services").join(service).join("migrations");
    let migrations: &'static Migrator = Box::leak(Box::new(Migrator::new(folder).await.unwrap()));
    TestDatabase::create(service, migrations, false).await
}

/// Each query names what breaks one rule. `$1` is the service, `$2` a list of exceptions.
const RULES: [(&str, &[&str], &str); 9] = [
    (
        "has a tenant and no forced row-level security",
        &EXEMPT,
        "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
         WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relname = ANY ($2) AND $1 <> ''
           AND NOT (c.relrowsecurity AND c.relforcerowsecurity)",
    ),
    (
        "has a tenant and lacks the policy of a role",
        &EXEMPT,
        "SELECT c.relname || ' ' || kind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
         CROSS JOIN unnest(ARRAY['door', 'worker', 'owner']) AS kind
         WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relname = ANY ($2)
           AND NOT EXISTS (SELECT FROM pg_policies p WHERE p.schemaname = 'public' AND p.tablename = c.relname
                             AND p.roles = ARRAY[$1 || '_' || kind]::name[] AND p.cmd = 'ALL')",
    ),
    (
        "is a policy without USING or WITH CHECK, or for everybody",
        &[],
        "SELECT p.tablename || '.' || p.policyname FROM pg_policies p
         WHERE p.schemaname = 'public' AND $1 <> '' AND NOT p.tablename = ANY ($2)
           AND (p.qual IS NULL OR p.with_check IS NULL OR 'public' = ANY (p.roles) OR p.permissive <> 'PERMISSIVE')",
    ),
    (
        "lets the door see more than the tenant that is set",
        &[],
        "SELECT p.tablename || '.' || p.policyname FROM pg_policies p
         WHERE p.schemaname = 'public' AND ($1 || '_door')::name = ANY (p.roles) AND NOT p.tablename = ANY ($2)
           AND (p.qual NOT LIKE '(tenant_id = ( SELECT %current_setting(''app.tenant''%' OR p.with_check <> p.qual)",
    ),
    (
        "is a key that does not begin with the tenant",
        &KEYED_OTHERWISE,
        "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
         WHERE n.nspname = 'public' AND i.indisprimary AND i.indkey[0] <> a.attnum AND NOT c.relname = ANY ($2)
           AND $1 <> ''",
    ),
    (
        "is a role that can step over policies",
        &[],
        "SELECT r.rolname::text FROM pg_roles r
         WHERE r.rolname IN ($1 || '_door', $1 || '_worker', $1 || '_owner') AND NOT r.rolname = ANY ($2)
           AND (r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR EXISTS (
                  SELECT FROM pg_auth_members m WHERE m.member = r.oid))",
    ),
    (
        "belongs to a role that serves, or can be emptied by one",
        &[],
        "SELECT c.relname || ' ' || r.rolname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         CROSS JOIN pg_roles r
         WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm') AND r.rolname IN ($1 || '_door', $1 || '_worker')
           AND NOT c.relname = ANY ($2) AND (c.relowner = r.oid OR has_table_privilege(r.oid, c.oid, 'TRUNCATE'))",
    ),
    (
        "is a view that runs with its owner's rights, or a copy that has no policies",
        &[],
        "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND NOT c.relname = ANY ($2) AND $1 <> ''
           AND (c.relkind = 'm' OR c.relkind = 'v' AND NOT coalesce(c.reloptions, '{}') && ARRAY[
                'security_invoker=true', 'security_invoker=on', 'security_invoker=1'])",
    ),
    (
        "is a function that runs with its owner's rights",
        &DEFINERS,
        "SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname = 'public' AND p.prosecdef AND NOT p.proname = ANY ($2) AND $1 <> ''",
    ),
];

async fn violations(database: &TestDatabase, service: &str) -> Vec<String> {
    let mut owner = PgConnection::connect(&database.url("owner")).await.unwrap();
    let mut found = Vec::new();
    for (what, exceptions, query) in RULES {
        let exceptions: Vec<String> = exceptions.iter().map(|name| (*name).to_owned()).collect();
        let named: Vec<String> =
            sqlx::query_scalar(query).bind(service).bind(&exceptions).fetch_all(&mut owner).await.unwrap();
        found.extend(named.into_iter().map(|named| format!("{service}: {named} {what}")));
    }
    owner.close().await.unwrap();
    found
}

#[tokio::test]
async fn every_table_with_a_tenant_is_behind_its_policies() {
    for service in ROLES {
        let database = database(service).await;
        assert_eq!(violations(&database, service).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn holes_in_a_catalogue_are_found() {
    let database = database("reporting").await;
    let mut owner = PgConnection::connect(&database.url("owner")).await.unwrap();
    sqlx::raw_sql(
        "CREATE TABLE bare (tenant_id uuid PRIMARY KEY);
         CREATE TABLE unforced (tenant_id uuid PRIMARY KEY);
         SELECT protect_tenant_table('unforced');
         ALTER TABLE unforced NO FORCE ROW LEVEL SECURITY;
         CREATE TABLE unchecked (tenant_id uuid PRIMARY KEY);
         SELECT protect_tenant_table('unchecked');
         DROP POLICY door ON unchecked;
         CREATE POLICY door ON unchecked TO reporting_door USING (true);
         CREATE TABLE backwards (item_id uuid, tenant_id uuid, PRIMARY KEY (item_id, tenant_id));
         SELECT protect_tenant_table('backwards');
         CREATE TABLE emptied (id int);
         GRANT TRUNCATE ON emptied TO reporting_worker;
         CREATE VIEW seen_by_owner AS SELECT * FROM unforced;
         CREATE MATERIALIZED VIEW copied AS SELECT * FROM unforced;
         CREATE FUNCTION risen() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1;",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    let found = violations(&database, "reporting").await;
    let expected = [
        "reporting: bare has a tenant and no forced",
        "reporting: unforced has a tenant and no forced",
        "reporting: bare door has a tenant and lacks the policy",
        "reporting: unchecked.door is a policy without",
        "reporting: unchecked.door lets the door see more",
        "reporting: backwards_pkey is a key",
        "reporting: emptied reporting_worker belongs to",
        "reporting: seen_by_owner is a view",
        "reporting: copied is a view",
        "reporting: risen is a function",
    ];
    for start in expected {
        assert!(found.iter().any(|line| line.starts_with(start)), "{start}: {found:#?}");
    }
    owner.close().await.unwrap();
}
