//! Work that becomes due with time.

use std::future::Future;
use std::pin::Pin;

/// One kind of due work. It claims its rows with `FOR UPDATE SKIP LOCKED`, so that replicas share it.
pub trait Sweep: Send + Sync + 'static {
    /// For spans and metrics: `promises_due`.
    fn name(&self) -> &'static str;

    /// Does one batch of what is due now; true when there may be more.
    fn run(&self) -> impl Future<Output = anyhow::Result<bool>> + Send;
}

/// [`Sweep`] behind a pointer.
pub(crate) trait AnySweep: Send + Sync {
    fn name(&self) -> &'static str;
    fn run(&self) -> Pin<Box<dyn Future<Output = anyhow::Result<bool>> + Send + '_>>;
}

impl<S: Sweep> AnySweep for S {
    fn name(&self) -> &'static str {
        Sweep::name(self)
    }

    fn run(&self) -> Pin<Box<dyn Future<Output = anyhow::Result<bool>> + Send + '_>> {
        Box::pin(Sweep::run(self))
    }
}

/// Runs all sweeps in order until none has anything left.
pub(crate) async fn until_quiet(sweeps: &[Box<dyn AnySweep>]) -> anyhow::Result<()> {
    for sweep in sweeps {
        while sweep.run().await? {}
    }
    Ok(())
}
