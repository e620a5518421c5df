//! Many schedules, one after the other or side by side, each worker with a PostgreSQL of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use crate::counters::Counters;
use crate::run::{Options, Verdict, run};
use crate::schedule::Schedule;
use crate::world::Mould;

/// A cluster is thrown away with the databases of so many schedules.
const PER_CLUSTER: u64 = 8;

/// What to run.
#[derive(Clone)]
pub struct Series {
    pub puntual: PathBuf,
    pub seeds: Vec<u64>,
    pub jobs: usize,
    /// Kinds of faults that do not happen.
    pub without: Vec<String>,
    pub options: Options,
}

impl Series {
    /// Runs all schedules; `heard` is told of each, and ends the series by answering false.
    pub async fn run(&self, mut heard: impl FnMut(&Verdict) -> bool) -> anyhow::Result<Counters> {
        let next = Arc::new(AtomicUsize::new(0));
        let (sender, mut verdicts) = mpsc::unbounded_channel();
        let mut workers = Vec::new();
        for _ in 0..self.jobs.clamp(1, self.seeds.len().max(1)) {
            let (series, next, sender) = (self.clone(), Arc::clone(&next), sender.clone());
            workers.push(tokio::spawn(async move {
                let ended = series.work(&next, &sender).await;
                if let Err(error) = ended {
                    let _ = sender.send(Err(error));
                }
            }));
        }
        drop(sender);
        let mut counters = Counters::default();
        let mut failure = None;
        while let Some(verdict) = verdicts.recv().await {
            match verdict {
                Ok(verdict) => {
                    counters.merge(&verdict.counters);
                    if !heard(&verdict) {
                        next.store(usize::MAX / 2, Ordering::SeqCst);
                    }
                }
                Err(error) => {
                    next.store(usize::MAX / 2, Ordering::SeqCst);
                    failure = Some(error);
                }
            }
        }
        for worker in workers {
            worker.await?;
        }
        failure.map_or(Ok(counters), Err)
    }

    async fn work(
        &self,
        next: &AtomicUsize,
        sender: &mpsc::UnboundedSender<anyhow::Result<Verdict>>,
    ) -> anyhow::Result<()> {
        let mut left = true;
        while left {
            let mould = Mould::make(self.puntual.clone()).await?;
            for _ in 0..PER_CLUSTER {
                let number = next.fetch_add(1, Ordering::SeqCst);
                let Some(seed) = self.seeds.get(number) else {
                    left = false;
                    break;
                };
                let schedule = Schedule::of(*seed, &self.without);
                let ended = run(&mould, &schedule, &self.options).await;
                let broken = ended.is_err();
                let _ =
                    sender.send(Ok(ended.unwrap_or_else(|error| Verdict::unjudged(&schedule, &self.options, &error))));
                if broken {
                    break;
                }
            }
            mould.end().await;
        }
        Ok(())
    }
}

/// After how many schedules a seeded bug was noticed.
#[derive(Debug, Clone)]
pub struct Caught {
    pub name: String,
    pub after: Option<u64>,
    pub by: String,
}

/// Runs schedules with a seeded bug until the judge notices.
pub async fn bug(series: &Series, name: &str) -> anyhow::Result<Caught> {
    let mut series = series.clone();
    series.options.bug = Some(name.to_owned());
    series.options.folder = series.options.folder.join("bugs").join(name);
    let (mut seen, mut by) = (0, None);
    series
        .run(|verdict| {
            if by.is_none() {
                seen += 1;
                let judged = verdict.findings.first().filter(|finding| !finding.starts_with("harness"));
                by = judged.map(|finding| format!("seed {}: {finding}", verdict.seed));
            }
            by.is_none()
        })
        .await?;
    Ok(Caught { name: name.to_owned(), after: by.is_some().then_some(seen), by: by.unwrap_or_default() })
}
