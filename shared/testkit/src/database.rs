//! A database per test, copied from a template that is migrated once per service and state of its migrations.

use std::collections::HashMap;
use std::sync::OnceLock;

use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::Mutex;
use uuid::Uuid;

/// The superuser of the local PostgreSQL.
pub fn admin_url() -> String {
    crate::environment("PUNTUAL_PG_ADMIN_URL")
}

/// Dropped at the end of the test.
#[derive(Debug)]
pub struct TestDatabase {
    service: &'static str,
    name: String,
}

impl TestDatabase {
    pub async fn create(service: &'static str, migrations: &'static Migrator, virtual_time: bool) -> Self {
        let template = template(service, migrations, virtual_time).await;
        let name = format!("test_{service}_{}", Uuid::now_v7().simple());
        let mut admin = PgConnection::connect(&admin_url()).await.unwrap();
        let create = format!("CREATE DATABASE {name} TEMPLATE {template} OWNER {service}_owner");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut admin).await.unwrap();
        Self { service, name }
    }

    /// URL for "owner", "worker" or "door".
    pub fn url(&self, kind: &str) -> String {
        runtime::database::role_url(&admin_url(), self.service, kind, &self.name).unwrap()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // The test's own runtime is ending: a thread with one of its own cleans up.
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async {
                let mut admin = PgConnection::connect(&admin_url()).await.ok()?;
                sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut admin).await.ok()
            })
        });
        let _ = cleaning.join();
    }
}

/// Makes the template at most once per process; other processes wait for it.
async fn template(service: &'static str, migrations: &'static Migrator, virtual_time: bool) -> String {
    static MADE: OnceLock<Mutex<HashMap<(&'static str, bool), String>>> = OnceLock::new();
    let mut made = MADE.get_or_init(Mutex::default).lock().await;
    if let Some(name) = made.get(&(service, virtual_time)) {
        return name.clone();
    }
    let all = runtime::database::FRAME_MIGRATIONS.iter().chain(migrations.iter());
    let state: Vec<u8> = all.flat_map(|migration| migration.checksum.to_vec()).collect();
    let state = Uuid::new_v5(&Uuid::NAMESPACE_OID, &state).simple().to_string();
    let kind = if virtual_time { "v" } else { "p" };
    let name = format!("template_{service}_{kind}_{}", &state[..12]);
    let mut admin = PgConnection::connect(&admin_url()).await.unwrap();
    sqlx::query("SELECT pg_advisory_lock(hashtext($1))").bind(&name).execute(&mut admin).await.unwrap();
    let ready: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)")
            .bind(&name)
            .fetch_one(&mut admin)
            .await
            .unwrap();
    if !ready {
        // A run that was killed half-way may have left it without the mark.
        runtime::database::drop_database(&admin_url(), &name).await.unwrap();
        runtime::database::provision(&admin_url(), service, &name, None).await.unwrap();
        let owner_url = runtime::database::role_url(&admin_url(), service, "owner", &name).unwrap();
        runtime::database::migrate(&owner_url, migrations, virtual_time).await.unwrap();
        let mark = format!("ALTER DATABASE {name} WITH IS_TEMPLATE true");
        sqlx::raw_sql(AssertSqlSafe(mark)).execute(&mut admin).await.unwrap();
    }
    admin.close().await.unwrap();
    made.insert((service, virtual_time), name.clone());
    name
}
