//! A PostgreSQL cluster of one's own, which may be killed.
//!
//! PostgreSQL does not run as root: root runs it as another user, in a directory which that user can reach.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use crate::env;
use crate::signal::{self, Signal};

const SETTINGS: [&str; 12] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=300",
    "shared_buffers=64MB",
    "fsync=on",
    "synchronous_commit=on",
    "max_wal_size=1GB",
    "logging_collector=off",
    "log_line_prefix=%m [%p] %u@%d ",
    "timezone=UTC",
    "autovacuum=off",
    // After a crash: one sync of the file system, not one of each file of each database there ever was.
    "recovery_init_sync_method=syncfs",
];

pub(crate) struct Cluster {
    bin: PathBuf,
    port: u16,
    folder: TempDir,
    account: Option<(u32, u32)>,
    postmaster: Mutex<Option<Child>>,
}

/// Who runs the server when we are root.
fn account() -> anyhow::Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let passwd = std::fs::read_to_string("/etc/passwd")?;
    for name in ["postgres", "nobody"] {
        let found = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|words| words[0] == name);
        if let Some(words) = found {
            return Ok(Some((words[2].parse()?, words[3].parse()?)));
        }
    }
    bail!("PostgreSQL does not run as root, and there is no user postgres or nobody here")
}

impl Cluster {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let bin = PathBuf::from(env::required("PUNTUAL_PG_BIN")?);
        let account = account()?;
        // A short-lived cluster; /var/tmp is a disk that every user can reach, as fsync on a disk is part of the matter.
        let folder = tempfile::Builder::new().prefix("crashlab-").tempdir_in("/var/tmp")?;
        let port = env::free_port()?;
        let cluster = Self { bin, port, folder, account, postmaster: Mutex::new(None) };
        if let Some((user, group)) = cluster.account {
            std::os::unix::fs::chown(cluster.folder.path(), Some(user), Some(group))?;
        }
        let made = cluster
            .program("initdb")
            .args(["--locale=C", "--encoding=UTF8", "--auth=trust", "--username=postgres", "--no-sync", "--pgdata"])
            .arg(cluster.data())
            .output()
            .await?;
        ensure!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        cluster.launch().await?;
        Ok(cluster)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("postgres.log")
    }

    pub(crate) fn admin_url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// One of its databases, as a superuser, who sees all tenants.
    pub(crate) async fn connect(&self, database: &str) -> anyhow::Result<PgConnection> {
        let url = format!("postgres://postgres@127.0.0.1:{}/{database}", self.port);
        PgConnection::connect(&url).await.with_context(|| format!("connect to {database}"))
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.current_dir("/").stdin(Stdio::null());
        for (variable, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(variable);
        }
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group).env("HOME", "/");
        }
        command
    }

    async fn launch(&self) -> anyhow::Result<()> {
        let mut slot = self.postmaster.lock().await;
        // Children of a postmaster that was killed may still hold the shared memory: several attempts.
        for _ in 0..100 {
            let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log())?;
            let mut command = self.program("postgres");
            command.arg("-D").arg(self.data()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
            command.arg("-c").arg(format!("port={}", self.port));
            for setting in SETTINGS {
                command.arg("-c").arg(setting);
            }
            let mut child = command.spawn()?;
            for _ in 0..600 {
                if child.try_wait()?.is_some() {
                    break;
                }
                if self.connect("postgres").await.is_ok() {
                    *slot = Some(child);
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
            let _ = child.kill().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("PostgreSQL does not come up again: {}", self.log().display())
    }

    /// `kill -9` of the postmaster, or an immediate stop; then it is started again.
    pub(crate) async fn crash(&self, signal: Signal, down: Duration) -> anyhow::Result<()> {
        if let Some(mut child) = self.postmaster.lock().await.take() {
            if let Some(pid) = child.id() {
                signal::send(pid, signal)?;
            }
            child.wait().await?;
        }
        tokio::time::sleep(down).await;
        self.launch().await
    }

    pub(crate) async fn checkpoint(&self) -> anyhow::Result<()> {
        let mut admin = self.connect("postgres").await?;
        sqlx::query("CHECKPOINT").execute(&mut admin).await?;
        Ok(())
    }

    /// Waits for it, or starts it where an earlier schedule has left it dead.
    pub(crate) async fn ensure_up(&self) -> anyhow::Result<()> {
        for _ in 0..300 {
            if self.connect("postgres").await.is_ok() {
                return Ok(());
            }
            if self.postmaster.try_lock().is_ok_and(|slot| slot.is_none()) {
                return self.launch().await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("PostgreSQL is gone")
    }

    /// Copies a template.
    pub(crate) async fn copy(&self, template: &str, database: &str, owner: &str) -> anyhow::Result<()> {
        let mut admin = self.connect("postgres").await?;
        let sql = format!("CREATE DATABASE {database} TEMPLATE {template} OWNER {owner}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut admin).await?;
        Ok(())
    }

    pub(crate) async fn stop(self) {
        if let Some(mut child) = self.postmaster.lock().await.take() {
            if let Some(pid) = child.id() {
                let _ = signal::send(pid, Signal::QUIT);
            }
            let _ = child.wait().await;
        }
    }
}

pub(crate) fn tail(path: &Path, bytes: usize) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&text[text.len().saturating_sub(bytes)..]).into_owned()
}
