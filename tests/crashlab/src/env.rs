//! What the servers' script put into the environment, and the places around the executable.

use std::path::PathBuf;

use anyhow::Context;

#[allow(clippy::disallowed_methods, reason = "a harness reads what deploy/local/run sets")]
pub(crate) fn required(name: &str) -> anyhow::Result<String> {
    std::env::var(name).with_context(|| format!("{name} is not set: run this through `make crashlab`"))
}

/// A port that nobody listens on now.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The built `puntual` beside a built executable of this package.
pub fn puntual_beside(executable: &std::path::Path) -> anyhow::Result<PathBuf> {
    let path = executable.parent().context("no directory")?.join("puntual");
    anyhow::ensure!(path.exists(), "{} is missing: cargo build -p puntual -p crashlab", path.display());
    Ok(path)
}
