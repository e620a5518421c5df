//! The processes of the five roles: kept running as a supervisor would, whatever ends them.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use crate::counters::Tally;
use crate::env;
use crate::metrics::Readings;
use crate::signal::{self, Signal};

/// One replica of a role.
pub(crate) type Name = (&'static str, usize);

struct Slot {
    address: String,
    child: Option<Child>,
    /// Not started before.
    not_before: Instant,
    wanted: bool,
    stopped: bool,
    /// Fail-point for the next start, as `PUNTUAL_FAULT_POINT`.
    armed: Option<String>,
    /// The running child was started with this one.
    running_armed: Option<String>,
    /// Grows with each start.
    generation: u64,
}

/// How to start a role; the address is added.
pub(crate) type Template = Box<dyn Fn(&'static str) -> Command + Send + Sync>;

pub(crate) struct Troupe {
    slots: Mutex<BTreeMap<Name, Slot>>,
    template: Template,
    logs: PathBuf,
    tally: Tally,
    pub(crate) readings: Readings,
    http: reqwest::Client,
}

impl Troupe {
    pub(crate) fn new(template: Template, logs: PathBuf, tally: Tally, http: reqwest::Client) -> Arc<Self> {
        let readings = Readings::default();
        Arc::new(Self { slots: Mutex::default(), template, logs, tally, readings, http })
    }

    /// Wants one more replica from now on.
    pub(crate) async fn add(&self, name: Name) -> anyhow::Result<()> {
        let mut slots = self.slots.lock().await;
        let address = format!("127.0.0.1:{}", env::free_port()?);
        let slot = slots.entry(name).or_insert(Slot {
            address,
            child: None,
            not_before: Instant::now(),
            wanted: true,
            stopped: false,
            armed: None,
            running_armed: None,
            generation: 0,
        });
        slot.wanted = true;
        slot.not_before = Instant::now();
        Ok(())
    }

    /// `kill -9` of the replicas of a role; started again after the pause unless it is `None`.
    pub(crate) async fn kill(&self, role: &str, again_after: Option<Duration>) {
        self.scrape().await;
        let mut slots = self.slots.lock().await;
        for (_, slot) in slots.iter_mut().filter(|((of, _), slot)| *of == role && slot.wanted) {
            if let Some(child) = &mut slot.child {
                let _ = child.start_kill();
                let _ = child.wait().await;
            }
            slot.child = None;
            slot.stopped = false;
            slot.wanted = again_after.is_some();
            slot.not_before = Instant::now() + again_after.unwrap_or_default();
        }
    }

    /// Ends one replica for good.
    pub(crate) async fn remove(&self, name: Name) {
        if let Some(mut slot) = self.slots.lock().await.remove(&name)
            && let Some(child) = &mut slot.child
        {
            let _ = child.start_kill();
            let _ = child.wait().await;
        }
    }

    /// The first replica of a role aborts at a point when it is started next, which is now.
    pub(crate) async fn arm(&self, role: &'static str, point: String) {
        self.scrape().await;
        if let Some(slot) = self.slots.lock().await.get_mut(&(role, 0)) {
            if !slot.wanted {
                return; // down for the day
            }
            if let Some(child) = &mut slot.child {
                let _ = child.start_kill();
                let _ = child.wait().await;
            }
            slot.child = None;
            slot.stopped = false;
            slot.not_before = Instant::now();
            slot.armed = Some(point);
        }
    }

    pub(crate) async fn stop(&self, name: Name) -> bool {
        self.signal(name, Signal::STOP, true).await
    }

    pub(crate) async fn resume(&self, name: Name) {
        self.signal(name, Signal::CONT, false).await;
    }

    async fn signal(&self, name: Name, what: Signal, stopped: bool) -> bool {
        let mut slots = self.slots.lock().await;
        let Some(slot) = slots.get_mut(&name) else { return false };
        let Some(pid) = slot.child.as_ref().and_then(Child::id) else { return false };
        slot.stopped = stopped;
        signal::send(pid, what).is_ok()
    }

    /// Whether the role is meant to run.
    pub(crate) async fn wanted(&self, role: &str) -> bool {
        self.slots.lock().await.iter().any(|((of, _), slot)| *of == role && slot.wanted)
    }

    pub(crate) async fn replicas(&self, role: &str) -> usize {
        self.slots.lock().await.keys().filter(|(of, _)| *of == role).count()
    }

    /// Address of the first replica.
    pub(crate) async fn address(&self, role: &'static str) -> String {
        self.slots.lock().await.get(&(role, 0)).map(|slot| slot.address.clone()).unwrap_or_default()
    }

    /// The replicas that should be there: their addresses and starts. Two equal answers: nobody came or went.
    pub(crate) async fn present(&self, role: &str) -> Vec<(String, u64, bool)> {
        let slots = self.slots.lock().await;
        slots
            .iter()
            .filter(|((of, _), slot)| *of == role && slot.wanted)
            .map(|(_, slot)| (slot.address.clone(), slot.generation, slot.child.is_some()))
            .collect()
    }

    /// True when every wanted replica of the role says that it is ready, within the time.
    pub(crate) async fn ready(&self, role: &str, within: Duration) -> bool {
        let until = Instant::now() + within;
        loop {
            let present = self.present(role).await;
            let mut ready = !present.is_empty();
            for (address, _, _) in &present {
                let asked = self.http.get(format!("http://{address}/readyz")).timeout(Duration::from_secs(3)).send();
                ready &= matches!(asked.await, Ok(answer) if answer.status().is_success());
            }
            if ready {
                return true;
            }
            if Instant::now() > until {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }

    /// Starts what should run and does not; called all the time.
    pub(crate) async fn supervise(&self) -> anyhow::Result<()> {
        let mut slots = self.slots.lock().await;
        for ((role, replica), slot) in slots.iter_mut() {
            if let Some(child) = &mut slot.child
                && let Some(status) = child.try_wait()?
            {
                slot.child = None;
                slot.stopped = false;
                slot.not_before = Instant::now() + Duration::from_millis(150);
                match slot.running_armed.take() {
                    Some(point) if status.signal() == Some(6) => {
                        self.tally.add(format!("fail_point.{}", point.split('@').next().unwrap_or_default()), 1);
                    }
                    _ => self.tally.add(format!("role_ended.{role}"), 1),
                }
            }
            if slot.child.is_some() || !slot.wanted || Instant::now() < slot.not_before {
                continue;
            }
            let log =
                File::options().create(true).append(true).open(self.logs.join(format!("{role}-{replica}.log")))?;
            let mut command = (self.template)(role);
            command.arg(role).env(format!("PUNTUAL_{}__FRAME__HTTP__LISTEN", role.to_uppercase()), &slot.address);
            slot.running_armed = slot.armed.take();
            if let Some(point) = &slot.running_armed {
                command.env("PUNTUAL_FAULT_POINT", point);
            }
            let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true).spawn()?;
            slot.child = Some(child);
            slot.generation += 1;
        }
        Ok(())
    }

    /// Points that nobody passed are taken away: what is judged runs undisturbed.
    pub(crate) async fn disarm(&self) {
        self.scrape().await;
        let mut slots = self.slots.lock().await;
        for slot in slots.values_mut() {
            slot.armed = None;
            if slot.running_armed.take().is_some()
                && let Some(mut child) = slot.child.take()
            {
                let _ = child.start_kill();
                let _ = child.wait().await;
                slot.not_before = Instant::now();
            }
        }
    }

    /// Reads what every running process has counted.
    pub(crate) async fn scrape(&self) {
        let running: Vec<(String, u64)> = {
            let slots = self.slots.lock().await;
            let alive = slots.values().filter(|slot| slot.child.is_some() && !slot.stopped);
            alive.map(|slot| (slot.address.clone(), slot.generation)).collect()
        };
        let reads = running.into_iter().map(|(address, generation)| async move {
            let asked = self.http.get(format!("http://{address}/metrics")).timeout(Duration::from_millis(500)).send();
            if let Ok(answer) = asked.await
                && let Ok(text) = answer.text().await
            {
                self.readings.take(&address, generation, &text);
            }
        });
        futures::future::join_all(reads).await;
    }

    pub(crate) async fn end(&self) {
        let mut slots = std::mem::take(&mut *self.slots.lock().await);
        for slot in slots.values_mut() {
            if let Some(child) = &mut slot.child {
                let _ = child.start_kill();
            }
        }
        for slot in slots.values_mut() {
            if let Some(child) = &mut slot.child {
                let _ = child.wait().await;
            }
        }
    }
}
