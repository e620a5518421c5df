//! `puntual demo`: a year of a distributor's receivables, lived through day by day by the real services.

mod behaviour;
mod bill;
mod clock;
mod country;
mod debtor;
mod dice;
mod figures;
mod options;
mod portfolio;
mod post;
mod reaction;
mod row;
mod stage;
mod summary;
mod troupe;
mod world;
mod year;

use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use mailcatcher::MailCatcher;
use tokio_util::sync::CancellationToken;

use self::figures::Figures;
pub(crate) use self::options::Demo;
use self::stage::Stage;
use self::troupe::Troupe;
use self::year::Year;
use crate::{shutdown, terminal};

/// What a shell expects of a program that was interrupted.
const INTERRUPTED: u8 = 130;
/// A failed request is often the first sign of a service that is just dying: its log says more.
const DEATH_SHOWS_WITHIN: Duration = Duration::from_millis(500);

pub(crate) async fn demo(options: Demo) -> anyhow::Result<ExitCode> {
    let shutdown = shutdown::on_signal()?;
    let catcher = MailCatcher::start("127.0.0.1:0").await?;
    let spinner = ProgressBar::new_spinner().with_message("making databases and starting the services");
    spinner.enable_steady_tick(Duration::from_millis(100));
    let start = clock::tick_of(options.first_day()) - chrono::Duration::days(1);
    let stage = tokio::select! {
        stage = Stage::build(&options, start, catcher.address().port()) => stage?,
        () = shutdown.cancelled() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    let mut troupe = Troupe::start(&stage.places)?;
    let outcome = tokio::select! {
        outcome = show(&options, &stage, &catcher, &shutdown, spinner) => outcome,
        death = troupe.first_death() => Err(death),
    };
    let outcome = match outcome {
        Err(error) => Err(tokio::time::timeout(DEATH_SHOWS_WITHIN, troupe.first_death()).await.unwrap_or(error)),
        ended => ended,
    };
    troupe.stop().await;
    catcher.stop().await;
    outcome
}

/// From the first day to the last words.
async fn show(
    options: &Demo,
    stage: &Stage,
    catcher: &MailCatcher,
    shutdown: &CancellationToken,
    spinner: ProgressBar,
) -> anyhow::Result<ExitCode> {
    let lived = tokio::select! {
        lived = live(options, stage, catcher, spinner) => lived?,
        () = shutdown.cancelled() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    let figures = Figures::ask(options, stage, &lived.told).await?;
    if let Some(path) = &options.json {
        figures.write(path)?;
    }
    summary::print(options, &figures, &lived.told);
    let dead_letters = stage.dead_letters().await?;
    for letter in &dead_letters {
        terminal::complain(format_args!("could not be applied: {letter}"));
    }
    if !options.exit {
        summary::hints(options, stage, &lived.told);
        shutdown.cancelled().await;
    }
    let sound = figures.ledger.conserved && dead_letters.is_empty();
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn live<'a>(
    options: &'a Demo,
    stage: &Stage,
    catcher: &'a MailCatcher,
    spinner: ProgressBar,
) -> anyhow::Result<Year<'a>> {
    troupe::ready(&stage.places, &reqwest::Client::new()).await?;
    let mut year = Year::begin(options, stage, catcher).await?;
    year.open().await?;
    spinner.finish_and_clear();
    let bar = ProgressBar::new(u64::from(options.days))
        .with_style(ProgressStyle::with_template("{msg}  {bar:40}  day {pos} of {len}, {eta} left")?);
    for day in options.first_day().iter_days().take(usize::try_from(options.days)?) {
        bar.set_message(format!("{day}  {:>6} mails", year.told.mails));
        year.live_through(day).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(year)
}
