//! `crashlab --seed N --schedules M`: see `make crashlab`.
#![allow(
    clippy::print_stdout,
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "what a person reads"
)]

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use crashlab::{Caught, Counters, Mould, Options, Schedule, Series, Verdict};
use tokio::signal::unix::{SignalKind, signal};

/// Breaks Puntual on purpose, by a plan that a seed decides, and judges what is left.
#[derive(Debug, Parser)]
#[allow(clippy::struct_excessive_bools, reason = "switches of a command line")]
struct Arguments {
    /// Seed of the first schedule; the others follow
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many schedules: 1, or at most 50 for each seeded bug
    #[arg(long)]
    schedules: Option<u64>,
    /// Schedules side by side, each with servers of its own
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Give every role this seeded bug, and say after how many schedules the judge notices
    #[arg(long)]
    bug: Option<String>,
    /// The same for every seeded bug there is
    #[arg(long)]
    bugs: bool,
    /// Kinds of faults that do not happen, separated by commas
    #[arg(long, value_delimiter = ',')]
    without: Vec<String>,
    /// Live a schedule that was printed, instead of those of seeds
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Print the schedules as JSON and run nothing
    #[arg(long)]
    print: bool,
    /// Keep the evidence of green schedules too
    #[arg(long)]
    keep: bool,
    /// Do not look for the smallest set of faults that still fails
    #[arg(long)]
    no_shrink: bool,
    /// Write one line of JSON for each schedule to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

const SHRINK_WITHIN: Duration = Duration::from_mins(3);
const BUG_WITHIN: u64 = 50;

/// Told to end, it takes its processes and their files along.
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    let green = tokio::select! {
        green = begin(Arguments::parse()) => green?,
        _ = terminated.recv() => false,
        _ = hung_up.recv() => false,
        _ = tokio::signal::ctrl_c() => false,
    };
    if green { Ok(()) } else { anyhow::bail!("not green") }
}

async fn begin(arguments: Arguments) -> anyhow::Result<bool> {
    if arguments.print {
        for seed in arguments.seed..arguments.seed + arguments.schedules.unwrap_or(1) {
            println!("{}", serde_json::to_string_pretty(&Schedule::of(seed, &arguments.without))?);
        }
        return Ok(true);
    }
    let hunting = arguments.bugs || arguments.bug.is_some();
    let count = arguments.schedules.unwrap_or(if hunting { BUG_WITHIN } else { 1 });
    let executable = std::env::current_exe()?;
    let series = Series {
        puntual: crashlab::puntual_beside(&executable)?,
        seeds: (arguments.seed..arguments.seed + count).collect(),
        jobs: arguments.jobs,
        without: arguments.without.clone(),
        options: Options {
            folder: PathBuf::from("target/crashlab"),
            keep: arguments.keep,
            bug: arguments.bug.clone(),
            commit: commit().await,
        },
    };
    if hunting {
        bugs(&series, &arguments).await
    } else if let Some(file) = &arguments.replay {
        replay(&series, file).await
    } else {
        schedules(&series, &arguments).await
    }
}

async fn commit() -> String {
    let asked = tokio::process::Command::new("git").args(["rev-parse", "--short", "HEAD"]).output().await;
    asked.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

async fn schedules(series: &Series, arguments: &Arguments) -> anyhow::Result<bool> {
    let began = Instant::now();
    let mut lines = match &arguments.json {
        Some(path) => Some(std::fs::File::create(path).with_context(|| format!("{}", path.display()))?),
        None => None,
    };
    let mut failed: Vec<Verdict> = Vec::new();
    let (mut done, mut seconds) = (0, 0.0);
    let counters = series
        .run(|verdict| {
            done += 1;
            seconds += verdict.seconds;
            println!("{}", line(verdict, done, series.seeds.len()));
            for finding in verdict.findings.iter().take(5) {
                println!("    {finding}");
            }
            if let Some(file) = &mut lines
                && let Ok(json) = serde_json::to_string(verdict)
            {
                let _ = writeln!(file, "{json}");
            }
            if !verdict.green {
                failed.push(verdict.clone());
            }
            true
        })
        .await?;
    summary(&counters, done, &failed, began.elapsed(), seconds);
    if !failed.is_empty() && !arguments.no_shrink {
        let mould = Mould::make(series.puntual.clone()).await?;
        for verdict in failed.iter().take(2) {
            smallest(&mould, series, verdict.seed).await?;
        }
    }
    // A handful of schedules cannot reach everything.
    let reached = done < 100 || counters.missing().is_empty();
    Ok(failed.is_empty() && reached)
}

fn line(verdict: &Verdict, done: usize, of: usize) -> String {
    let word = if verdict.green { "green" } else { "FAILED" };
    let mut kinds: Vec<&str> = verdict.faults.iter().map(|planned| planned.fault.kind()).collect();
    kinds.sort_unstable();
    format!("{done:>4}/{of}  seed {:<6} {word:<7} {:>5.1} s  {}", verdict.seed, verdict.seconds, kinds.join(" "))
}

fn summary(counters: &Counters, done: usize, failed: &[Verdict], took: Duration, seconds: f64) {
    println!("\n{:<34} {:>8}", "reached", "times");
    for (name, count) in &counters.0 {
        println!("{name:<34} {count:>8}");
    }
    for name in counters.missing() {
        println!("{name:<34} {:>8}  NOT RUN", 0);
    }
    println!(
        "\n{done} schedules, {} green, {} failed, {:.1} s each, {:.0} s in all; {} of {} rare states reached",
        done - failed.len(),
        failed.len(),
        seconds / (done.max(1) as f64),
        took.as_secs_f64(),
        crashlab::must_happen().count() - counters.missing().len(),
        crashlab::must_happen().count(),
    );
    for verdict in failed {
        let first = verdict.findings.first().map(String::as_str).unwrap_or_default();
        println!("failed: seed {} — {first}", verdict.seed);
        if let Some(folder) = &verdict.evidence {
            println!("        evidence in {}", folder.display());
        }
    }
}

async fn smallest(mould: &Mould, series: &Series, seed: u64) -> anyhow::Result<()> {
    println!("\nseed {seed}: looking for the faults it needs …");
    let schedule = Schedule::of(seed, &series.without);
    let small = crashlab::shrink(mould, &schedule, &series.options, SHRINK_WITHIN).await?;
    let folder = series.options.folder.join(seed.to_string());
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("smallest.json");
    std::fs::write(&file, serde_json::to_string_pretty(&small)?)?;
    for planned in &small.faults {
        println!("    {}", serde_json::to_string(planned)?);
    }
    println!("    make crashlab ARGS=\"--replay {}\"", file.display());
    Ok(())
}

async fn replay(series: &Series, file: &PathBuf) -> anyhow::Result<bool> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
    let schedule: Schedule = serde_json::from_str(&text)?;
    let mould = Mould::make(series.puntual.clone()).await?;
    let mut green = true;
    for number in 1..=series.seeds.len() {
        let verdict = crashlab::run(&mould, &schedule, &series.options).await?;
        println!("{}", line(&verdict, number, series.seeds.len()));
        for finding in &verdict.findings {
            println!("    {finding}");
        }
        green &= verdict.green;
    }
    Ok(green)
}

async fn bugs(series: &Series, arguments: &Arguments) -> anyhow::Result<bool> {
    let names: Vec<&str> = match &arguments.bug {
        Some(name) => vec![name.as_str()],
        None => faults::Bug::ALL.iter().map(|(_, name)| *name).collect(),
    };
    let mut all = true;
    println!("{:<30} {:>18}  first finding", "seeded bug", "schedules needed");
    for name in names {
        let Caught { name, after, by } = crashlab::bug(series, name).await?;
        match after {
            Some(after) => println!("{name:<30} {after:>18}  {by}"),
            None => println!("{name:<30} {:>18}", format!("NOT in {}", series.seeds.len())),
        }
        all &= after.is_some();
    }
    Ok(all)
}
