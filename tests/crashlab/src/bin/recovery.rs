//! `make recovery`: seconds until it works again, beside what they must be.
#![allow(clippy::print_stdout, reason = "it is what a person reads")]

use std::path::PathBuf;

use clap::Parser;

/// Kills a role, the broker and PostgreSQL, wipes the broker, and measures how long until something new goes the whole way.
#[derive(Debug, Parser)]
struct Arguments {
    /// The executable to be measured: a release build
    #[arg(long)]
    puntual: PathBuf,
    /// Events in ingestion's outbox when the broker forgets everything
    #[arg(long, default_value_t = 1_000_000)]
    retained: i64,
    /// Kills of each kind; the slowest counts
    #[arg(long, default_value_t = 3)]
    repeats: usize,
    /// Write the lines as JSON to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let folder = PathBuf::from("target/crashlab/recovery");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    let say = |text: &str| eprintln!("{text}");
    let puntual = arguments.puntual.canonicalize()?;
    let lines = crashlab::recovery::measure(puntual, &folder, arguments.retained, arguments.repeats, say).await?;
    println!("{:<48} {:>9} {:>9} {:>6} {:>8}", "after", "draining", "works", "must", "stretch");
    for line in &lines {
        let draining = line.draining_seconds.map_or_else(String::new, |seconds| format!("{seconds:.1} s"));
        println!(
            "{:<48} {draining:>9} {:>7.1} s {:>4.0} s {:>6.1} s",
            line.what, line.seconds, line.must_seconds, line.stretch_seconds
        );
    }
    if let Some(file) = arguments.json {
        std::fs::write(file, serde_json::to_string_pretty(&lines)?)?;
    }
    Ok(())
}
