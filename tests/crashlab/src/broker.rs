//! A nats-server of one's own, whose store may be lost, copied, and put back.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use crate::env;
use crate::signal::{self, Signal};

pub(crate) struct Broker {
    folder: PathBuf,
    port: u16,
    process: Mutex<Option<Child>>,
}

impl Broker {
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Self> {
        let folder = folder.join("nats");
        std::fs::create_dir_all(&folder)?;
        let broker = Self { folder, port: env::free_port()?, process: Mutex::new(None) };
        broker.launch().await?;
        Ok(broker)
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    fn copy_of_store(&self) -> PathBuf {
        self.folder.join("copy")
    }

    async fn launch(&self) -> anyhow::Result<()> {
        let mut slot = self.process.lock().await;
        for _ in 0..20 {
            let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.join("server.log"))?;
            let mut child = Command::new(env::required("PUNTUAL_NATS_SERVER")?)
                .args(["--jetstream", "--addr", "127.0.0.1", "--port", &self.port.to_string(), "--store_dir"])
                .arg(self.store())
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log)
                .kill_on_drop(true)
                .spawn()
                .context("nats-server")?;
            for _ in 0..200 {
                if child.try_wait()?.is_some() {
                    break;
                }
                if async_nats::connect(self.url()).await.is_ok() {
                    *slot = Some(child);
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let _ = child.kill().await;
        }
        anyhow::bail!("nats-server does not start")
    }

    async fn kill(&self) -> anyhow::Result<()> {
        if let Some(mut child) = self.process.lock().await.take() {
            child.kill().await?;
        }
        Ok(())
    }

    /// `kill -9`, then started again with what it had written.
    pub(crate) async fn crash(&self, down: Duration) -> anyhow::Result<()> {
        self.kill().await?;
        tokio::time::sleep(down).await;
        self.launch().await
    }

    /// The store is deleted: under the running server, which is then killed, or after it was.
    pub(crate) async fn wipe(&self, running: bool, down: Duration) -> anyhow::Result<()> {
        if running {
            remove(&self.store())?;
        }
        self.kill().await?;
        remove(&self.store())?;
        tokio::time::sleep(down).await;
        self.launch().await
    }

    /// Copies the store as it is now, with the server standing still.
    pub(crate) async fn remember(&self) -> anyhow::Result<()> {
        let slot = self.process.lock().await;
        let Some(pid) = slot.as_ref().and_then(Child::id) else { return Ok(()) };
        signal::send(pid, Signal::STOP)?;
        let _ = remove(&self.copy_of_store());
        let copied = Command::new("cp").arg("-a").arg(self.store()).arg(self.copy_of_store()).status().await;
        signal::send(pid, Signal::CONT)?;
        anyhow::ensure!(copied?.success(), "copying the store");
        Ok(())
    }

    /// The store is replaced by the older copy, or only the messages in it are; false when there is none.
    pub(crate) async fn rewind(&self, durables_too: bool, down: Duration) -> anyhow::Result<bool> {
        if !self.copy_of_store().exists() {
            return Ok(false);
        }
        self.kill().await?;
        if durables_too {
            remove(&self.store())?;
            std::fs::rename(self.copy_of_store(), self.store())?;
        } else {
            self.rewind_messages()?;
        }
        tokio::time::sleep(down).await;
        self.launch().await?;
        Ok(true)
    }

    /// As if what the streams wrote last had never reached the disk: `jetstream/<account>/streams/<name>/msgs`.
    fn rewind_messages(&self) -> anyhow::Result<()> {
        let streams = std::path::Path::new("jetstream").join("$G").join("streams");
        let Ok(copied) = std::fs::read_dir(self.copy_of_store().join(&streams)) else { return Ok(()) };
        for stream in copied {
            let stream = stream?;
            let now = self.store().join(&streams).join(stream.file_name()).join("msgs");
            if now.exists() {
                remove(&now)?;
                std::fs::rename(stream.path().join("msgs"), now)?;
            }
        }
        remove(&self.copy_of_store())?;
        Ok(())
    }

    pub(crate) async fn stop(&self) {
        let _ = self.kill().await;
    }
}

/// A server that still writes may put files where others were just removed.
fn remove(folder: &Path) -> std::io::Result<()> {
    for _ in 0..5 {
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            done => return done,
        }
    }
    Ok(())
}
