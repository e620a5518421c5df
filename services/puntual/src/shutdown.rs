//! When to stop: a signal, or the end of whoever started this process.

use std::io::Read;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Cancelled by SIGTERM and Ctrl-C.
pub(crate) fn on_signal() -> anyhow::Result<CancellationToken> {
    let shutdown = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let told = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        told.cancel();
    });
    Ok(shutdown)
}

/// Cancels when standard input ends: a parent that dies, however it dies, takes its children along.
pub(crate) fn with_stdin(shutdown: &CancellationToken) {
    let told = shutdown.clone();
    // A thread of its own, that nobody waits for: a read in the async runtime would keep the process from ending.
    std::thread::spawn(move || {
        let mut buffer = [0_u8; 64];
        while matches!(std::io::stdin().read(&mut buffer), Ok(read) if read > 0) {}
        told.cancel();
    });
}
