//! A role under test: its own database (copied from a template) and its own nats-server, real ones, and the means to play
//! everybody around it. For tests only.
//!
//! Servers come from the environment that `deploy/local/run` sets: `PUNTUAL_PG_ADMIN_URL` and `PUNTUAL_NATS_SERVER`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot be set up has failed")]
#![allow(clippy::disallowed_methods, reason = "tests read the environment that the local servers set")]

mod bed;
mod broker;
mod database;
mod tenant;

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub use bed::{Bed, Role};
pub use broker::Broker;
pub use database::{TestDatabase, admin_url};
pub use tenant::TestTenant;

/// How long anything in a test may take; generous, because two cores run many tests.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until `condition` holds; fails with `what` when it does not in time.
pub async fn eventually<F, Fut>(what: &str, mut condition: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(DEADLINE, waiting).await.is_ok(), "not in time: {what}");
}

/// Below the ports that systems give to outgoing connections: one of those may be taken again before the listener comes.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// An address that nothing listens on; no two callers in a process get the same.
pub fn free_address() -> String {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id().wrapping_mul(97).wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + u16::try_from(number % u32::from(PORTS.end - PORTS.start)).unwrap();
        let address = format!("127.0.0.1:{port}");
        if std::net::TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}

fn environment(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run tests through `make test`"))
}
