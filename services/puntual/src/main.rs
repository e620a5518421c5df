//! `puntual`: every service and every operator command in one executable.

mod check;
mod cli;
mod dead_letters;
mod demo;
mod feed;
mod house;
mod operator;
mod provision;
mod reemit;
mod score;
mod service;
mod shutdown;
mod snapshot;
mod terminal;
mod why;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

use crate::cli::{Cli, Command, Role};
use crate::service::Service;

/// Batches are many small values that live shortly: the C library's allocator took a quarter of a consumer's time.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// A batch's memory is given back after it and asked for again with the next; in huge pages the kernel clears 2 MiB for a
/// few KiB, which cost a fifth of a consumer's time and half of its memory.
#[cfg(target_os = "linux")]
fn refuse_huge_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        terminal::complain(format_args!("puntual: huge pages stay on: {error}"));
    }
}

#[cfg(not(target_os = "linux"))]
fn refuse_huge_pages() {}

#[tokio::main]
async fn main() -> ExitCode {
    refuse_huge_pages();
    match run(Cli::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            terminal::complain(format_args!("puntual: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Ingestion(role) => run_role(Service::Ingestion, role).await?,
        Command::Scoring(role) => run_role(Service::Scoring, role).await?,
        Command::Reminders(role) => run_role(Service::Reminders, role).await?,
        Command::Promises(role) => run_role(Service::Promises, role).await?,
        Command::Reporting(role) => run_role(Service::Reporting, role).await?,
        Command::All(all) => service::run_all(all.config_dir.as_deref(), shutdown::on_signal()?).await?,
        Command::Migrate(options) => provision::migrate(options).await?,
        Command::Tenant(command) => operator::tenant(command).await?,
        Command::Key(command) => operator::key(command).await?,
        Command::Source(command) => operator::source(command).await?,
        Command::Score(command) => score::score(command)?,
        Command::Why(options) => why::why(options).await?,
        Command::DeadLetters(command) => dead_letters::dead_letters(command).await?,
        Command::Reemit(options) => reemit::reemit(options).await?,
        Command::Check(options) => return check::check(options).await,
        Command::Feed(options) => return feed::feed(options).await,
        Command::Snapshot(options) => return snapshot::snapshot(options).await,
        Command::Demo(options) => return demo::demo(options).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn run_role(service: Service, role: Role) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    if role.until_stdin_ends {
        shutdown::with_stdin(&shutdown);
    }
    service::run(service, role.config.as_deref(), shutdown).await
}
