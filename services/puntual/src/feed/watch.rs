//! A watched folder: whatever is put there is sent and moved to `done` or `rejected`, with a report beside it.
//!
//! | a file | goes to |
//! | --- | --- |
//! | all of which was accepted, now or before | `done` |
//! | that cannot be read, or of which a line was refused | `rejected`; what could be accepted of it is, the report says which lines were not |
//! | that cannot be sent now | nowhere: it is tried again |
//!
//! The report is written before the file is moved, so that a crash in between only sends the file again, which counts once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use serde_json::{Value, json};

use super::door::FactsDoor;
use super::file::{FactFile, Origin, READABLE};
use super::sender::{Sender, Totals};
use crate::terminal;

/// Between looks. A file that two looks find alike is whole.
const INTERVAL: Duration = Duration::from_secs(2);
/// What tells that a file has not grown.
type Seen = (u64, Option<SystemTime>);

/// Sends what comes into `folder` until interrupted; with `once` what is there now. Exit code 1: something was rejected.
pub(crate) async fn watch(folder: &Path, door: &FactsDoor, origin: &Origin, once: bool) -> anyhow::Result<ExitCode> {
    for kind in ["done", "rejected"] {
        std::fs::create_dir_all(folder.join(kind)).with_context(|| format!("cannot make {kind}"))?;
    }
    let mut seen: BTreeMap<PathBuf, Seen> = BTreeMap::new();
    let mut rejected = false;
    loop {
        let found = look(folder)?;
        for (path, state) in &found {
            if once || seen.get(path) == Some(state) {
                rejected |= take(folder, path, door, origin).await?;
            }
        }
        if once {
            return Ok(if rejected { ExitCode::FAILURE } else { ExitCode::SUCCESS });
        }
        seen = found;
        tokio::time::sleep(INTERVAL).await;
    }
}

/// The files that can be read, oldest name first. Hidden ones are not finished.
fn look(folder: &Path) -> anyhow::Result<BTreeMap<PathBuf, Seen>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut found = BTreeMap::new();
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let is_readable = path.extension().and_then(|it| it.to_str()).is_some_and(|it| READABLE.contains(&it));
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        let Ok(about) = entry.metadata() else { continue };
        if is_readable && !is_hidden && about.is_file() {
            found.insert(path, (about.len(), about.modified().ok()));
        }
    }
    Ok(found)
}

/// Sends one file and moves it; true when something of it was refused.
async fn take(folder: &Path, path: &Path, door: &FactsDoor, origin: &Origin) -> anyhow::Result<bool> {
    let (is_clean, report) = match FactFile::open(path, origin) {
        Err(error) => (false, json!({ "file": name(path), "refused": error.to_string() })),
        Ok(_) => match send(path, door, origin).await {
            Ok(totals) => (totals.is_clean(), report(path, &totals)),
            Err(error) => {
                terminal::complain(format_args!("{}: {error:#}; it is tried again", path.display()));
                return Ok(false);
            }
        },
    };
    let place = folder.join(if is_clean { "done" } else { "rejected" });
    let target = free(&place, &name(path));
    let mut beside = target.clone().into_os_string();
    beside.push(".report.json");
    std::fs::write(&beside, format!("{report:#}\n")).with_context(|| format!("cannot write {}", beside.display()))?;
    std::fs::rename(path, &target).with_context(|| format!("cannot move {}", path.display()))?;
    terminal::say(format_args!("{} -> {}", path.display(), target.display()));
    Ok(!is_clean)
}

async fn send(path: &Path, door: &FactsDoor, origin: &Origin) -> anyhow::Result<Totals> {
    let mut sender = Sender::new(door);
    sender.file(path, origin, |_| {}).await?;
    sender.finish().await
}

fn report(path: &Path, totals: &Totals) -> Value {
    let problems: Vec<Value> = totals
        .problems
        .iter()
        .map(|problem| json!({ "line": problem.line, "field": problem.field, "reason": problem.reason }))
        .collect();
    json!({
        "file": name(path),
        "lines": totals.lines,
        "applied": totals.applied,
        "duplicate": totals.duplicate,
        "quarantined": totals.quarantined,
        "unreadable": totals.unreadable,
        "problems": problems,
    })
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A name that is not taken: a file of yesterday's name does not replace yesterday's.
fn free(place: &Path, name: &str) -> PathBuf {
    let numbered = (2..).map(|number: u32| place.join(format!("{number}-{name}")));
    std::iter::once(place.join(name)).chain(numbered).find(|path| !path.exists()).unwrap_or_else(|| place.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finished_is_not_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["b.csv", "a.xml", ".c.csv", "d.csv.part", "notes.txt"] {
            std::fs::write(folder.path().join(file), "x").unwrap();
        }
        std::fs::create_dir(folder.path().join("done.csv")).unwrap();
        let found: Vec<String> = look(folder.path()).unwrap().keys().map(|path| name(path)).collect();
        assert_eq!(found, ["a.xml", "b.csv"]);
        std::fs::write(folder.path().join("done.csv").join("a.xml"), "").unwrap();
        assert_eq!(name(&free(&folder.path().join("done.csv"), "a.xml")), "2-a.xml");
    }
}
