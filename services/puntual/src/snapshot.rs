//! `puntual snapshot`: a list of all open items, sent to ingestion as a whole.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use formats::profile::Yields;
use formats::rows::{Rows, Shape};
use formats::table::Dialect;
use serde_json::Value;

use crate::feed::profile;
use crate::terminal;

/// Which list, of which moment.
#[derive(Debug, clap::Args)]
pub(crate) struct Snapshot {
    /// The list, .csv or .ndjson: one open item a line; its columns stand in the README of ingestion
    file: PathBuf,
    /// Code of the source, which tells by snapshot (puntual source create --mode snapshot)
    #[arg(long, value_name = "CODE")]
    source: String,
    /// The moment that the list shows: 2026-03-01T06:00:00Z
    #[arg(long, value_name = "INSTANT")]
    as_of: String,
    /// Control total: lines that the list must have
    #[arg(long, value_name = "LINES")]
    count: Option<u64>,
    /// Control totals: what must be open, by currency: COP:1250000.00,USD:310.50
    #[arg(long, value_name = "SUMS")]
    sums: Option<String>,
    /// Per cent of what is open that may vanish at once
    #[arg(long, value_name = "PERCENT")]
    max_drop: Option<u8>,
    /// Who has seen that more vanishes, and agrees
    #[arg(long, value_name = "NAME")]
    accept_drop: Option<String>,
    /// Read the list by a profile: the name of a shipped one (puntual feed --profiles) or a YAML file
    #[arg(long, value_name = "NAME|FILE")]
    profile: Option<String>,
    /// Letters of a CSV file: utf-8 or windows-1252
    #[arg(long, default_value = "utf-8", value_parser = ["utf-8", "windows-1252"])]
    encoding: String,
    /// Where ingestion listens
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8101")]
    url: String,
    /// API key with the scope facts:write (puntual key create)
    #[arg(long, env = "PUNTUAL_KEY", hide_env_values = true)]
    key: String,
}

/// Sends the list and prints what became of it; fails softly (exit code 1) when something of it was not taken.
pub(crate) async fn snapshot(options: Snapshot) -> anyhow::Result<ExitCode> {
    let (media, list) = match &options.profile {
        Some(name) => ("application/x-ndjson".to_owned(), by_profile(&options, name)?),
        None => as_it_is(&options)?,
    };
    let said = [
        ("source", Some(options.source.clone())),
        ("as_of", Some(options.as_of.clone())),
        ("count", options.count.map(|count| count.to_string())),
        ("sums", options.sums.clone()),
        ("max_drop", options.max_drop.map(|percent| percent.to_string())),
        ("accept_drop", options.accept_drop.clone()),
    ];
    let mut url = reqwest::Url::parse(&options.url)?.join("/v1/snapshots")?;
    url.query_pairs_mut().extend_pairs(said.into_iter().filter_map(|(name, value)| Some((name, value?))));
    let request = reqwest::Client::new().post(url).bearer_auth(&options.key).header("content-type", media);
    let response = request.body(list).send().await.with_context(|| format!("cannot reach {}", options.url))?;
    let status = response.status();
    let answer: Value = response.json().await.context("the answer is no JSON")?;
    if !status.is_success() {
        let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        bail!("{} was not applied: {status}: {}: {}", options.file.display(), text("title"), text("detail"));
    }
    Ok(report(&answer))
}

fn as_it_is(options: &Snapshot) -> anyhow::Result<(String, Vec<u8>)> {
    let media = match options.file.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => format!("text/csv; charset={}", options.encoding),
        Some("ndjson" | "jsonl") => "application/x-ndjson".to_owned(),
        _ => bail!("{}: neither .csv nor .ndjson", options.file.display()),
    };
    let list = std::fs::read(&options.file).with_context(|| format!("cannot read {}", options.file.display()))?;
    Ok((media, list))
}

/// The list as lines of open items, each on the line of its row. A row that cannot be read stands there with its invoice at
/// most, so that ingestion refuses it and knows that something is there: what it cannot make out it does not close.
fn by_profile(options: &Snapshot, name: &str) -> anyhow::Result<Vec<u8>> {
    let profile = profile::load(name)?;
    if profile.yields() == Yields::Facts {
        bail!("the profile reads facts and no open items: send them with puntual feed");
    }
    let path = options.file.display();
    let cannot_read = || format!("cannot read {path}");
    let file = File::open(&options.file).with_context(cannot_read)?;
    let shape = Shape::Profile { profile, source: options.source.clone() };
    let opened = Rows::open(BufReader::new(file), Dialect::default(), &shape).with_context(cannot_read)?;
    let mut rows = opened.map_err(|broken| anyhow::anyhow!("{path}:{}: {}", broken.line, broken.detail))?;
    let (mut list, mut line) = (Vec::new(), 1);
    let mut write = |at: u64, item: &Value| {
        while line < at {
            list.push(b'\n');
            line += 1;
        }
        list.extend_from_slice(item.to_string().as_bytes());
    };
    while let Some(row) = rows.row().with_context(cannot_read)? {
        match row {
            Ok(row) => write(row.line, &row.json),
            Err(broken) if broken.is_fatal => bail!("{path}:{}: {}", broken.line, broken.detail),
            Err(broken) => {
                terminal::say(format_args!("{path}:{}: {}", broken.line, broken.detail));
                let readable = rows.mapped().and_then(|mapped| mapped.readable().first());
                write(broken.line, &readable.map_or(Value::Null, which));
            }
        }
    }
    Ok(list)
}

/// Which invoice a row is about, and no more.
fn which(row: &Value) -> Value {
    let known =
        ["invoice", "legal_entity"].into_iter().filter_map(|name| Some((name.to_owned(), row.get(name)?.clone())));
    Value::Object(known.collect())
}

fn report(answer: &Value) -> ExitCode {
    let count = |name: &str| answer.pointer(&format!("/items/{name}")).and_then(Value::as_u64).unwrap_or_default();
    for problem in answer.get("problems").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| problem.get(name).map_or_else(String::new, |value| value.to_string().replace('"', ""));
        terminal::say(format_args!("line {}: {} {}: {}", text("line"), text("pointer"), text("code"), text("detail")));
    }
    terminal::say(format_args!(
        "{} lines = {} unchanged + {} new + {} changed + {} refused; {} closed by absence, {} reopened, {} disagreements",
        count("lines"),
        count("unchanged"),
        count("new"),
        count("changed"),
        count("refused"),
        count("closed"),
        count("reopened"),
        count("disagreements"),
    ));
    let is_whole = count("refused") == 0 && count("quarantined") == 0;
    if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
