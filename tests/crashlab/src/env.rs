//! What the servers' script put into the environment, and the places around the executable.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::Context;

#[allow(clippy::disallowed_methods, reason = "a harness reads what deploy/local/run sets")]
pub(crate) fn required(name: &str) -> anyhow::Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set: run this through `make crashlab`"))
}

/// Below the ports that systems give to outgoing connections, so that nobody takes one while its server is dead.
const PORTS: std::ops::Range<u16> = 11_000..31_000;

/// A port that nobody listens on now, and that this process gives out once.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let count = PORTS.end - PORTS.start;
    // Runs side by side begin at different places.
    let from = u16::try_from(std::process::id() % 400).unwrap_or(0) * 50;
    for _ in 0..count {
        let port = PORTS.start + from.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % count;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    anyhow::bail!("no free port")
}

/// The built `puntual` beside a built executable of this package.
pub fn puntual_beside(executable: &std::path::Path) -> anyhow::Result<PathBuf> {
    let path = executable.parent().context("no directory")?.join("puntual");
    anyhow::ensure!(path.exists(), "{} is missing: cargo build -p puntual -p crashlab", path.display());
    Ok(path)
}
