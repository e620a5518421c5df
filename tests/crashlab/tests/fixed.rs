//! A handful of schedules that are run with every test run; `make crashlab` runs as many as one likes.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::path::{Path, PathBuf};

use crashlab::{Mould, Options, Schedule, Series, run};

/// Between them they have every kind of fault (`every_kind_of_fault_is_among_them`).
const SEEDS: [u64; 5] = [3, 8, 31, 35, 44];

fn puntual() -> PathBuf {
    crashlab::puntual_beside(Path::new(env!("CARGO_BIN_EXE_crashlab"))).unwrap()
}

fn options(bug: Option<&str>) -> Options {
    Options {
        folder: PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("crashlab"),
        keep: false,
        bug: bug.map(str::to_owned),
        commit: String::new(),
    }
}

#[test]
fn every_kind_of_fault_is_among_them() {
    let schedules = SEEDS.map(|seed| Schedule::of(seed, &[]));
    let happens =
        |kind| schedules.iter().flat_map(|schedule| &schedule.faults).any(|planned| planned.fault.kind() == kind);
    let missing: Vec<&str> = crashlab::KINDS.iter().map(|(kind, _)| *kind).filter(|kind| !happens(*kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fixed_schedules_are_green() {
    let series =
        Series { puntual: puntual(), seeds: SEEDS.to_vec(), jobs: 2, without: Vec::new(), options: options(None) };
    let mut failed = Vec::new();
    let heard = |verdict: &crashlab::Verdict| {
        println!("seed {}: {:.1} s", verdict.seed, verdict.seconds);
        if !verdict.green {
            failed.push(format!("seed {}: {:#?}", verdict.seed, verdict.findings));
        }
        true
    };
    series.run(heard).await.unwrap();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seeded_bug_is_found() {
    let mould = Mould::make(puntual()).await.unwrap();
    let verdict = run(&mould, &Schedule::of(1, &[]), &options(Some("no_inbox_key"))).await.unwrap();
    assert!(!verdict.green, "an inbox that forgets goes unnoticed");
    mould.end().await;
}
