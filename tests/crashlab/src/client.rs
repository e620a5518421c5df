//! The systems that feed: batches in any order, several at once, said again when the answer was not heard.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use reqwest::StatusCode;
use serde::Serialize;
use serde_json::Value;

use crate::counters::Tally;
use crate::dice::Dice;
use crate::told::Fact;
use crate::troupe::Troupe;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Ok,
    /// Refused: it did not happen.
    Fail,
    /// Nobody knows: it may have happened.
    Info,
}

/// One call of a client. Times in milliseconds since the schedule began.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Call {
    pub op: String,
    pub start: u128,
    pub end: u128,
    pub outcome: Outcome,
    pub answer: String,
}

/// When a fact was first offered, and when it was first known to be accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fate {
    pub offered: Instant,
    pub accepted: Option<Instant>,
}

#[derive(Default)]
struct Book {
    calls: Vec<Call>,
    fates: BTreeMap<usize, Fate>,
}

/// What clients remember.
#[derive(Clone)]
pub(crate) struct History {
    began: Instant,
    book: Arc<Mutex<Book>>,
}

impl History {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), book: Arc::default() }
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.book().calls.clone()
    }

    /// By index of the fact.
    pub(crate) fn fates(&self) -> BTreeMap<usize, Fate> {
        self.book().fates.clone()
    }

    pub(crate) fn millis(&self, at: Instant) -> u128 {
        at.saturating_duration_since(self.began).as_millis()
    }

    fn offered(&self, facts: &[usize], at: Instant) {
        let mut book = self.book();
        for fact in facts {
            book.fates.entry(*fact).or_insert(Fate { offered: at, accepted: None });
        }
    }

    fn note(&self, op: String, facts: &[usize], start: Instant, outcome: Outcome, answer: String) {
        let end = Instant::now();
        let mut book = self.book();
        if outcome == Outcome::Ok {
            for fact in facts {
                let fate = book.fates.entry(*fact).or_insert(Fate { offered: start, accepted: None });
                fate.accepted.get_or_insert(end);
            }
        }
        let (start, end) = (self.millis(start), self.millis(end));
        book.calls.push(Call { op, start, end, outcome, answer });
    }
}

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// A door that stays shut longer than this is a failure of the product.
const GIVE_UP: Duration = Duration::from_secs(90);

pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) troupe: Arc<Troupe>,
    pub(crate) history: History,
    pub(crate) tally: Tally,
    pub(crate) keys: Vec<String>,
}

impl Client {
    /// Tells `facts` (indices into `all`) through two connections until every one is accepted. Facts of which one answers
    /// another (a promise and its withdrawal) are the first that the two connections tell, at the same time.
    pub(crate) async fn tell(&self, all: &[Fact], facts: &[usize], seed: u64, pause_ms: u64) -> anyhow::Result<()> {
        let mut dice = Dice::of(seed, 4);
        let mut twins: [Vec<usize>; 2] = [Vec::new(), Vec::new()];
        let mut halves: [Vec<usize>; 2] = [Vec::new(), Vec::new()];
        let answers = |one: usize, other: usize| {
            all[one].tenant == all[other].tenant
                && all[other].told.answers().is_some_and(|code| all[one].told.opens() == Some(code))
        };
        for fact in facts {
            let twin = |side: usize| {
                facts.iter().any(|other| if side == 0 { answers(*fact, *other) } else { answers(*other, *fact) })
            };
            match [twin(0), twin(1)] {
                [true, _] => twins[0].push(*fact),
                [_, true] => twins[1].push(*fact),
                _ => halves[dice.index(2)].push(*fact),
            }
        }
        dice.shuffle(&mut halves[0]);
        dice.shuffle(&mut halves[1]);
        let [left, right] = halves;
        let [first, second] = twins;
        tokio::try_join!(
            self.tell_in_batches(all, first, left, seed.wrapping_add(1), pause_ms),
            self.tell_in_batches(all, second, right, seed.wrapping_add(2), pause_ms)
        )?;
        Ok(())
    }

    async fn tell_in_batches(
        &self,
        all: &[Fact],
        first: Vec<usize>,
        then: Vec<usize>,
        seed: u64,
        pause_ms: u64,
    ) -> anyhow::Result<()> {
        let mut dice = Dice::of(seed, 5);
        let together = first.len();
        let mut waiting = [first, then].concat();
        let mut told_before: Vec<usize> = Vec::new();
        let until = Instant::now() + GIVE_UP;
        while !waiting.is_empty() {
            ensure!(Instant::now() < until, "ingestion accepts nothing any more");
            let size = if told_before.is_empty() && together > 0 { together } else { dice.between(1, 12) as usize };
            let tenant = all[waiting[0]].tenant;
            let mut batch: Vec<usize> =
                waiting.iter().copied().filter(|fact| all[*fact].tenant == tenant).take(size).collect();
            if !told_before.is_empty() && dice.percent(25) {
                let again = *dice.pick(&told_before);
                if all[again].tenant == tenant && !batch.contains(&again) {
                    batch.push(again);
                }
            }
            if self.post(all, tenant, &batch).await? == Outcome::Ok {
                waiting.retain(|fact| !batch.contains(fact));
                told_before.extend(&batch);
            } else {
                // Said again later, in other company.
                dice.shuffle(&mut waiting);
                tokio::time::sleep(Duration::from_millis(dice.between(20, 150))).await;
            }
            if pause_ms > 0 {
                tokio::time::sleep(Duration::from_millis(dice.below(pause_ms))).await;
            }
        }
        Ok(())
    }

    async fn post(&self, all: &[Fact], tenant: usize, batch: &[usize]) -> anyhow::Result<Outcome> {
        let start = Instant::now();
        self.history.offered(batch, start);
        let lines: Vec<String> = batch.iter().map(|fact| all[*fact].json().to_string()).collect();
        let address = self.troupe.address("ingestion").await;
        let asked = self
            .http
            .post(format!("http://{address}/v1/facts"))
            .bearer_auth(&self.keys[tenant])
            .header("content-type", "application/x-ndjson")
            .timeout(PATIENCE)
            .body(lines.join("\n"))
            .send()
            .await;
        let heard = match asked {
            Ok(answer) => {
                let status = answer.status();
                answer.text().await.map(|text| (status, text)).map_err(|error| error.to_string())
            }
            Err(error) if error.is_connect() => {
                self.history.note(op(all, batch), batch, start, Outcome::Fail, "not connected".to_owned());
                return Ok(Outcome::Fail);
            }
            Err(error) => Err(error.to_string()),
        };
        let (outcome, text) = match heard {
            Ok((StatusCode::ACCEPTED, text)) => {
                let report: Value = serde_json::from_str(&text)?;
                ensure!(report["quarantined"] == 0, "valid facts were refused: {report:#}");
                ensure!(report["lines"] == batch.len(), "a line is missing: {report:#}");
                self.tally.add("duplicate_post", report["duplicate"].as_u64().unwrap_or(0));
                (Outcome::Ok, text)
            }
            Ok((status, text)) if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
                (Outcome::Info, format!("{status} {text}"))
            }
            Ok((status, text)) => bail!("facts were answered with {status} {text}"),
            Err(error) => (Outcome::Info, error),
        };
        if outcome == Outcome::Info {
            self.tally.add("commit_unknown", 1);
        }
        self.history.note(op(all, batch), batch, start, outcome, text);
        Ok(outcome)
    }
}

fn op(all: &[Fact], batch: &[usize]) -> String {
    let names: Vec<&str> = batch.iter().map(|fact| all[*fact].id.as_str()).collect();
    format!("tell {} {}", crate::told::TENANTS[all[batch[0]].tenant], names.join(" "))
}
