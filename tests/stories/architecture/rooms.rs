//! Which room of a role may know which.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::source::{self, File};

/// The only dependencies that a domain may have: values, time, how errors are declared, how values are written down, and
/// the grammar of expressions.
const VALUES: [&str; 10] =
    ["chrono", "chrono_tz", "rust_decimal", "uuid", "primitives", "thiserror", "serde", "postcard", "crc", "cel"];

/// Modules of the own crate that must not be known in a room; for `domain` and `store`: the only ones that may.
enum Rule {
    Only(&'static [&'static str]),
    Not(&'static [&'static str]),
}

fn rule(room: &str) -> Option<Rule> {
    Some(match room {
        "domain" => Rule::Only(&["domain"]),
        "store" => Rule::Only(&["domain", "store"]),
        "handlers" => Rule::Not(&["api", "sweeps"]),
        "api" => Rule::Not(&["handlers", "sweeps"]),
        "sweeps" => Rule::Not(&["handlers", "api"]),
        _ => return None,
    })
}

/// What is wrong in the sources of one role, whose `dependencies` are given as they stand in paths.
pub(super) fn violations(files: &[File], dependencies: &[String]) -> Vec<String> {
    let files: Vec<(&Path, String, Vec<String>)> = files
        .iter()
        .map(|file| {
            let (code, test_modules) = source::without_tests(&source::code(&file.text));
            (file.path.as_path(), code, test_modules)
        })
        .collect();
    let tests: BTreeSet<PathBuf> = files
        .iter()
        .flat_map(|(path, _, modules)| modules.iter().map(|name| path.with_extension("").join(name)))
        .collect();
    let is_test = |path: &Path| path.with_extension("").ancestors().any(|module| tests.contains(module));

    let mut found = Vec::new();
    for (path, code, _) in files.iter().filter(|(path, ..)| !is_test(path)) {
        let module: Vec<String> =
            path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let room = module[0].as_str();
        let Some(rule) = rule(room) else { continue };
        for named in source::paths(code) {
            let named = resolve(&module, &named);
            if let Some(why) = broken(room, &rule, &named, dependencies) {
                found.push(format!("{}: {why}: {}", path.display(), named.join("::")));
            }
        }
        if room == "domain" && has_word(code, "async") {
            found.push(format!("{}: a domain does not wait", path.display()));
        }
    }
    found
}

fn broken(room: &str, rule: &Rule, named: &[String], dependencies: &[String]) -> Option<String> {
    let first = named[0].as_str();
    if first == "crate" {
        let second = named[1].as_str();
        let is_wrong = match rule {
            Rule::Only(rooms) => !rooms.contains(&second),
            Rule::Not(rooms) => rooms.contains(&second),
        };
        return is_wrong.then(|| format!("{room} must not know {second}"));
    }
    let is_foreign = dependencies.iter().any(|name| name == first) && !VALUES.contains(&first);
    (room == "domain" && is_foreign).then(|| format!("a domain must not know {first}"))
}

/// The path from the root of the crate, where it is relative to the module.
fn resolve(module: &[String], named: &[String]) -> Vec<String> {
    let ups = named.iter().take_while(|part| *part == "super").count();
    if ups == 0 {
        return named.to_vec();
    }
    let base = module.len().saturating_sub(ups);
    [&["crate".to_owned()], &module[..base], &named[ups..]].concat()
}

fn has_word(code: &str, word: &str) -> bool {
    code.split(|c| !source::is_word(c)).any(|found| found == word)
}

#[cfg(test)]
fn found_in(path: &str, text: &str) -> Vec<String> {
    let dependencies = ["sqlx", "chrono", "contracts", "serde_json", "tokio"].map(str::to_owned);
    violations(&[File { path: path.into(), text: text.to_owned() }], &dependencies)
}

#[test]
fn forbidden_lines_are_found() {
    let cases = [
        ("domain/promise.rs", "use sqlx::PgConnection;"),
        ("domain/promise.rs", "use contracts::ingestion::PromiseMade;"),
        ("domain/promise.rs", "fn f(value: serde_json::Value) {}"),
        ("domain/promise.rs", "fn f() { tokio :: spawn(g()); }"),
        ("domain/promise.rs", "async fn f() {}"),
        ("domain/promise.rs", "use crate::store::promises;"),
        ("domain/promise.rs", "use crate::{domain::x, store::{y, z}};"),
        ("domain/promise.rs", "use super::super::store;"),
        ("domain.rs", "use super::store::promises;"),
        ("store/promises.rs", "use crate::handlers::Rows;"),
        ("store/promises.rs", "use crate::judge::judge_all;"),
        ("handlers/payment.rs", "use crate::api::Page;"),
        ("api/list.rs", "fn f() { crate::sweeps::run() }"),
        ("sweeps.rs", "use crate::handlers;\nuse crate::{api::x, store};"),
    ];
    for (path, text) in cases {
        assert!(!found_in(path, text).is_empty(), "{path}: {text}");
    }
}

#[test]
fn allowed_lines_are_not() {
    let cases = [
        (
            "domain/promise.rs",
            "use std::fmt; use chrono::Utc; use crate::domain::{facts::Facts, policy}; use super::alert;",
        ),
        ("domain/promise.rs", "// use sqlx::x\n/// async [`crate::store`]\nconst A: &str = \"sqlx::y\";"),
        ("domain/promise.rs", "#[cfg(test)] mod tests { use tokio::test; use super::super::x; }"),
        ("domain/promise.rs", "enum Status { A } fn f() { Status::A; Decimal::from(1); facts::by_day() }"),
        ("store/promises.rs", "use sqlx::PgConnection; use crate::{domain::x, store::y}; async fn f() {}"),
        ("handlers/payment.rs", "use crate::{domain::x, store::y, judge::z}; use super::keep_newest;"),
        ("lib.rs", "use crate::{api, handlers, store, sweeps};"),
    ];
    for (path, text) in cases {
        assert_eq!(found_in(path, text), Vec::<String>::new(), "{path}: {text}");
    }
}

#[test]
fn files_of_tests_are_left_out() {
    let file = |path: &str, text: &str| File { path: path.into(), text: text.to_owned() };
    let files = [
        file("domain/judgement.rs", "#[cfg(test)]\nmod tests;"),
        file("domain/judgement/tests.rs", "use sqlx::x;"),
        file("domain/judgement/tests/deep.rs", "use sqlx::x;"),
        file("domain/other/tests.rs", "use sqlx::x;"),
    ];
    assert_eq!(
        violations(&files, &["sqlx".to_owned()]),
        ["domain/other/tests.rs: a domain must not know sqlx: sqlx::x"]
    );
}
