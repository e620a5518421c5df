//! One role of Puntual as a process of its own.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;

use super::until;

/// Told to stop when dropped; better stopped by [`Role::stop`], which waits.
pub(crate) struct Role {
    name: &'static str,
    child: Child,
    pub(crate) base_url: String,
}

impl Role {
    pub(crate) async fn start(name: &'static str, mut command: Command, address: &str) -> anyhow::Result<Self> {
        let child = command
            .arg(name)
            .arg("--until-stdin-ends")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("start {name}"))?;
        let role = Self { name, child, base_url: format!("http://{address}") };
        until(&format!("{name} listens"), Duration::from_secs(30), || async {
            tokio::net::TcpStream::connect(address).await.is_ok()
        })
        .await?;
        Ok(role)
    }

    /// The most memory that it ever held, in MiB.
    pub(crate) fn peak_memory_mib(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1024.0)
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        let name = self.name;
        tokio::task::spawn_blocking(move || self.child.wait())
            .await?
            .with_context(|| format!("wait for {name}"))
            .map(drop)
    }
}
