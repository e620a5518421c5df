//! Each file of `fixtures` becomes what stands beside it as JSON.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::fs;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use formats::{Draft, Finding, Options, Reading};
use serde_json::{Value, json};

fn fixtures() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|kind| kind != "json")).collect();
    files.sort();
    files
}

fn options() -> Options {
    Options { terms_days: Some(30), time_zone: Tz::America__Bogota, ..Options::default() }
}

fn found(finding: &Finding) -> Value {
    json!({ "code": finding.code, "line": finding.place.line, "path": finding.place.path })
}

fn drafted(draft: &Result<Draft, Finding>) -> Value {
    match draft {
        Ok(draft) => json!({
            "type": draft.fact_type, "id": draft.id, "time": draft.time, "data": draft.data,
            "line": draft.place.line, "path": draft.place.path,
        }),
        Err(finding) => found(finding),
    }
}

fn shown(reading: &Reading) -> Value {
    json!({
        "drafts": reading.drafts.iter().map(drafted).collect::<Vec<_>>(),
        "warnings": reading.warnings.iter().map(found).collect::<Vec<_>>(),
        "skipped": reading.skipped,
    })
}

#[test]
fn fixtures_become_the_facts_beside_them() {
    let mut wrong = Vec::new();
    for path in fixtures() {
        let reading = formats::read(&fs::read(&path).unwrap(), &options());
        let reading = reading.as_ref().map_or_else(found, shown);
        let expected = fs::read(path.with_extension("json")).unwrap_or_default();
        if serde_json::from_slice::<Value>(&expected).ok().as_ref() != Some(&reading) {
            wrong.push(format!("{}\n{reading:#}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_read_twice_tells_the_same_facts() {
    for path in fixtures() {
        let bytes = fs::read(&path).unwrap();
        let (once, twice) = (formats::read(&bytes, &options()).unwrap(), formats::read(&bytes, &options()).unwrap());
        assert_eq!(once.drafts, twice.drafts);
        let mut ids: Vec<_> = once.drafts.iter().flatten().map(|draft| (draft.fact_type, &draft.id)).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{}", path.display());
    }
}
