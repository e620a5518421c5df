//! The command line, as `puntual --help` explains it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::check::Check;
use crate::dead_letters::DeadLettersCommand;
use crate::demo::Demo;
use crate::feed::Feed;
use crate::operator::{KeyCommand, SourceCommand, TenantCommand};
use crate::provision::Migrate;
use crate::reemit::Reemit;
use crate::score::ScoreCommand;
use crate::snapshot::Snapshot;
use crate::why::Why;

/// Puntual collects what customers owe: it takes the facts of receivables from ERPs, banks and CRMs, learns how each
/// customer pays, sends the right reminder at the right moment, watches every promise, and shows whether it works.
#[derive(Debug, Parser)]
#[command(name = "puntual", version, after_help = FIRST_STEPS, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const FIRST_STEPS: &str = "\
First look:   make demo                    a year of a distributor's receivables in two minutes
On your own:  puntual migrate              databases for the five services
              puntual all                  run them (or each one by its name, as its own process)
              puntual tenant create        the company that collects
              puntual source create        a system that tells facts: your ERP, your bank
              puntual key create           an API key
              puntual feed --layouts       the CSV files that facts come in
              puntual feed FILE…           send them, or XML invoices and bank statements
              puntual snapshot FILE        send the daily list of open items instead
              puntual why                  why a customer was reminded on a day, or was not
Is it well:   puntual check                proofs over all databases and the broker; exit code 1 when something is wrong
              puntual dead-letters list    events that could not be applied; `redrive` tries them again
              puntual score backtest       foretell a ledger that has already happened
              puntual reemit               have owners tell their state again, for a role that lost its own

Every command explains itself: puntual feed --help";

const CONFIG_HELP: &str =
    "TOML file over the defaults; the environment comes over both (PUNTUAL_SCORING__FRAME__HTTP__LISTEN=…)";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Service: takes facts in and keeps the ledger of receivables
    Ingestion(Role),
    /// Service: learns how customers pay and puts them into segments
    Scoring(Role),
    /// Service: decides reminders and sends them
    Reminders(Role),
    /// Service: watches promises and raises alerts
    Promises(Role),
    /// Service: KPIs, aging and the dashboard
    Reporting(Role),
    /// All five services in this one process
    All(All),
    /// Make the services' databases and bring their tables up to date
    Migrate(Migrate),
    /// Create a tenant: a company that collects
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Create and revoke API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Register systems that tell facts
    #[command(subcommand)]
    Source(SourceCommand),
    /// Send files of facts to ingestion
    Feed(Feed),
    /// Send a list of all open items: what it does not show any more is closed
    Snapshot(Snapshot),
    /// Judge the model of late payment
    #[command(subcommand)]
    Score(ScoreCommand),
    /// Tell in words what was decided for a customer on a day, sent or not
    Why(Why),
    /// Say what is wrong in the databases and at the broker
    ///
    /// Exit code 0: nothing. 1: something is wrong. 2: nothing is wrong with what could be judged, and events are under way.
    Check(Check),
    /// Show events that could not be applied, and have them tried again
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// Publish current state again, under new versions, for a role that lost its projection or never had it
    Reemit(Reemit),
    /// Live through a year of a simulated distributor with the real services
    ///
    /// Distribuidora Andina sells in seven countries. Its ERP, its bank and its CRM write files; the real services, each
    /// a process of its own, take them in and send reminders by real mail, to a catcher; the simulated debtors read that
    /// mail and react to it. A day passes in a fraction of a second. At the end everything is left running to look at.
    Demo(Demo),
}

#[derive(Debug, Args)]
pub(crate) struct Role {
    #[arg(long, value_name = "FILE", help = CONFIG_HELP)]
    pub(crate) config: Option<PathBuf>,
    /// Stop when standard input ends
    #[arg(long, hide = true)]
    pub(crate) until_stdin_ends: bool,
}

#[derive(Debug, Args)]
pub(crate) struct All {
    /// Folder with <service>.toml files; a service without one runs with its defaults
    #[arg(long, value_name = "DIR")]
    pub(crate) config_dir: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
