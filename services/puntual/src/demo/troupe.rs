//! The five services as processes of their own: started, watched, and stopped on every way out.
//!
//! A child stops when its standard input ends. So it leaves in good order when it is told to, and also when the demo is
//! killed and can tell nobody anything.

use std::fs::File;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::stage::Place;

/// How long a service may take to be ready, and to stop.
const READY_WITHIN: Duration = Duration::from_mins(1);
const STOPPED_WITHIN: Duration = Duration::from_secs(15);
const LAST_LINES: usize = 15;

pub(crate) struct Troupe {
    places: Vec<Place>,
    stdins: Vec<ChildStdin>,
    watched: JoinSet<(usize, std::io::Result<ExitStatus>)>,
    kill: CancellationToken,
}

impl Troupe {
    pub(crate) fn start(places: &[Place]) -> anyhow::Result<Self> {
        let mut troupe = Self {
            places: places.to_vec(),
            stdins: Vec::new(),
            watched: JoinSet::new(),
            kill: CancellationToken::new(),
        };
        for (position, place) in places.iter().enumerate() {
            let mut child = spawn(place)?;
            troupe.stdins.extend(child.stdin.take());
            troupe.watched.spawn(watch(position, child, troupe.kill.clone()));
        }
        Ok(troupe)
    }

    /// Waits until a service ends by itself, which none should: says which, with the end of its log.
    pub(crate) async fn first_death(&mut self) -> anyhow::Error {
        match self.watched.join_next().await {
            Some(Ok((position, status))) => self.places.get(position).map_or_else(
                || anyhow!("a service ended"),
                |place| {
                    let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                    let log = place.log.display();
                    anyhow!("{} ended ({how}); the end of {log}:\n{}", place.service.name(), tail(&place.log))
                },
            ),
            Some(Err(error)) => anyhow!("a service cannot be watched any more: {error}"),
            None => std::future::pending().await,
        }
    }

    /// Tells every service to stop and waits for it; who does not stop in time is killed.
    pub(crate) async fn stop(mut self) {
        self.stdins.clear();
        let gone = async { while self.watched.join_next().await.is_some() {} };
        if tokio::time::timeout(STOPPED_WITHIN, gone).await.is_err() {
            self.kill.cancel();
            while self.watched.join_next().await.is_some() {}
        }
    }
}

/// Returns when every service answers that it is ready.
pub(crate) async fn ready(places: &[Place], client: &reqwest::Client) -> anyhow::Result<()> {
    let all = async {
        for place in places {
            let url = format!("{}/readyz", place.base_url);
            while !client.get(&url).send().await.is_ok_and(|response| response.status().is_success()) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    };
    tokio::time::timeout(READY_WITHIN, all)
        .await
        .map_err(|_| anyhow!("the services are not ready after {}s; see their logs", READY_WITHIN.as_secs()))
}

fn spawn(place: &Place) -> anyhow::Result<Child> {
    let log = File::create(&place.log).with_context(|| format!("cannot write {}", place.log.display()))?;
    let mut command = Command::new(std::env::current_exe().context("where is this executable")?);
    for (name, _) in std::env::vars_os() {
        // Settings for real services must not reach the demo's.
        if name.to_string_lossy().starts_with("PUNTUAL_") {
            command.env_remove(name);
        }
    }
    command
        .arg(place.service.name())
        .arg("--config")
        .arg(&place.config)
        .arg("--until-stdin-ends")
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Ctrl-C is for the demo, which then tells its services in good order.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", place.service.name()))
}

async fn watch(position: usize, mut child: Child, kill: CancellationToken) -> (usize, std::io::Result<ExitStatus>) {
    let ended = tokio::select! { status = child.wait() => Some(status), () = kill.cancelled() => None };
    match ended {
        Some(status) => (position, status),
        None => match child.kill().await {
            Ok(()) => (position, child.wait().await),
            Err(error) => (position, Err(error)),
        },
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.len().saturating_sub(LAST_LINES);
    lines.iter().skip(first).map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
