//! Signals to processes that this program started, and to their children.

use anyhow::Context;
use rustix::process::Pid;

pub(crate) use rustix::process::Signal;

pub(crate) fn send(pid: u32, signal: Signal) -> anyhow::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("process id")?;
    rustix::process::kill_process(pid, signal).with_context(|| format!("signal {signal:?} to {pid:?}"))
}
