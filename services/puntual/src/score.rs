//! `puntual score backtest`: how well the model would have foretold a ledger.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};

use crate::terminal;

#[derive(Debug, Subcommand)]
pub(crate) enum ScoreCommand {
    /// Foretell every invoice of a ledger file on its issue date, with what was known before it
    ///
    /// Writes predictions.csv (probability of being paid late, expected days, and the days that 80 and 90 % stay below) and
    /// segments.csv (of every customer after three fifths of the ledger). Runs the code that the day close runs, in memory.
    Backtest(Backtest),
}

#[derive(Debug, Args)]
pub(crate) struct Backtest {
    /// CSV file with `invoice_id,customer_id,segment,issue_date,due_date,amount,bill_type,clear_date,disputed`
    #[arg(long, value_name = "FILE")]
    ledger: PathBuf,
    /// Folder for the two files; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn score(command: ScoreCommand) -> anyhow::Result<()> {
    let ScoreCommand::Backtest(options) = command;
    let ledger = options.ledger.display();
    let text = std::fs::read_to_string(&options.ledger).with_context(|| format!("{ledger} cannot be read"))?;
    let backtest = scoring::backtest::run(&text).with_context(|| format!("{ledger} cannot be used"))?;
    std::fs::create_dir_all(&options.out).with_context(|| format!("{} cannot be made", options.out.display()))?;
    for (name, content) in [("predictions.csv", &backtest.predictions), ("segments.csv", &backtest.segments)] {
        let path = options.out.join(name);
        std::fs::write(&path, content).with_context(|| format!("{} cannot be written", path.display()))?;
        terminal::say(format_args!("{}", path.display()));
    }
    terminal::say(format_args!("judged from {} on", backtest.split_day));
    Ok(())
}
