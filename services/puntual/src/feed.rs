//! `puntual feed`: files of facts, sent to ingestion's HTTP door.

pub(crate) mod door;
pub(crate) mod file;
pub(crate) mod profile;
pub(crate) mod sender;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use formats::InvoiceNumber;
use formats::layout::{self, Form};
use formats::profile::Yields;
use indicatif::{ProgressBar, ProgressStyle};

use self::door::FactsDoor;
use self::file::{FactFile, Origin};
use self::sender::{Sender, Totals};
use crate::terminal;

/// Problems shown one by one; of the rest only the number is told.
const SHOWN_PROBLEMS: usize = 100;

/// What to send, and where.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct Feed {
    /// CSV (the header line chooses the layout, see --layouts), .ndjson (one fact per line), .xml (UBL, CFDI, camt) or .sta (MT940)
    #[arg(required_unless_present_any = ["layouts", "profiles", "watch"], value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where ingestion listens
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8101")]
    url: String,
    /// API key with the scope facts:write (puntual key create)
    #[arg(long, env = "PUNTUAL_KEY", hide_env_values = true, required_unless_present_any = ["layouts", "profiles", "check"])]
    key: Option<String>,
    /// Code of the source that the files come from; lines of .ndjson carry their own (puntual source create)
    #[arg(long, value_name = "CODE")]
    source: Option<String>,
    /// Code of your company whose documents they are; the tenant's first one when absent
    #[arg(long, value_name = "CODE")]
    legal_entity: Option<String>,
    /// Days from issue to due date, for XML invoices that tell neither a due date nor terms
    #[arg(long, value_name = "DAYS")]
    terms_days: Option<u32>,
    /// Zone of XML documents and statements with local dates only
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: chrono_tz::Tz,
    /// Number by which CFDI invoices go: fiscal (the UUID, which payments name) or series
    #[arg(long, default_value = "fiscal", value_parser = ["fiscal", "series"])]
    invoice_number: String,
    /// Read the files by a profile: the name of a shipped one (--profiles) or a YAML file
    #[arg(long, value_name = "NAME|FILE")]
    profile: Option<String>,
    /// With --profile: show what the files would become, and send nothing
    #[arg(long, requires = "profile")]
    check: bool,
    /// List the shipped profiles and stop; with --profile print one
    #[arg(long)]
    profiles: bool,
    /// Send whatever is put into this folder, and move it to done or rejected with a report beside it
    #[arg(long, value_name = "DIR", conflicts_with = "files")]
    watch: Option<PathBuf>,
    /// With --watch: what is there now, then stop
    #[arg(long, requires = "watch")]
    once: bool,
    /// Print the CSV layouts and stop
    #[arg(long)]
    layouts: bool,
}

impl Feed {
    fn origin(&self) -> anyhow::Result<Origin> {
        let fiscal = self.invoice_number == "fiscal";
        let profile = self.profile.as_deref().map(profile::load).transpose()?;
        if profile.as_ref().is_some_and(|profile| profile.yields() == Yields::OpenItems) && !self.check {
            anyhow::bail!("the profile reads a list of open items: send it with puntual snapshot");
        }
        Ok(Origin {
            source: self.source.clone(),
            legal_entity: self.legal_entity.clone(),
            options: formats::Options {
                terms_days: self.terms_days,
                time_zone: self.time_zone,
                invoice_number: if fiscal { InvoiceNumber::Fiscal } else { InvoiceNumber::Series },
            },
            profile,
        })
    }
}

/// Sends the files; fails softly (exit code 1) when any line was not taken.
pub(crate) async fn feed(options: Feed) -> anyhow::Result<ExitCode> {
    if options.layouts {
        print_layouts();
        return Ok(ExitCode::SUCCESS);
    }
    if options.profiles {
        match &options.profile {
            Some(name) => profile::print(name)?,
            None => profile::list(),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let origin = options.origin()?;
    if let (true, Some(profile)) = (options.check, &origin.profile) {
        return profile::check(profile, &options.files);
    }
    let door = FactsDoor::new(&options.url, options.key.as_deref().unwrap_or_default())?;
    if let Some(folder) = &options.watch {
        return watch::watch(folder, &door, &origin, options.once).await;
    }
    // A file that cannot be read as a whole stops everything before anything was sent.
    for path in &options.files {
        FactFile::open(path, &origin)?;
    }
    let bytes = options.files.iter().filter_map(|path| path.metadata().ok()).map(|file| file.len()).sum();
    let bar = ProgressBar::new(bytes)
        .with_style(ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes}  {eta} left  {msg}")?);
    let mut sender = Sender::new(&door);
    let mut before = 0;
    for path in &options.files {
        bar.set_message(path.display().to_string());
        let mut read = 0;
        sender
            .file(path, &origin, |bytes| {
                read = bytes;
                bar.set_position(before + bytes);
            })
            .await?;
        before += read;
    }
    let totals = sender.finish().await?;
    bar.finish_and_clear();
    report(&totals);
    Ok(if totals.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(totals: &Totals) {
    for problem in totals.problems.iter().take(SHOWN_PROBLEMS) {
        terminal::say(problem);
    }
    // Ingestion names the first hundred problems of a request.
    let shown = totals.problems.len().min(SHOWN_PROBLEMS);
    let untold = (totals.quarantined + totals.unreadable).saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX));
    if untold > 0 {
        terminal::say(format_args!("… and {untold} more; GET /v1/quarantine of ingestion has all that were sent"));
    }
    terminal::say(format_args!(
        "{} lines = {} applied + {} duplicate + {} quarantined{}",
        totals.lines,
        totals.applied,
        totals.duplicate,
        totals.quarantined,
        if totals.unreadable > 0 { format!(" + {} unreadable (not sent)", totals.unreadable) } else { String::new() },
    ));
}

fn print_layouts() {
    terminal::say(LAYOUT_NOTES);
    for layout in &layout::LAYOUTS {
        let optional: Vec<&str> =
            layout.columns.iter().filter(|column| !column.required).map(|column| column.name).collect();
        terminal::say(format_args!("\n{}", layout.fact));
        terminal::say(format_args!("  {}", layout::header(layout).collect::<Vec<_>>().join(",")));
        if !optional.is_empty() {
            terminal::say(format_args!("  may be empty: {}", optional.join(", ")));
        }
        for column in layout.columns {
            match column.form {
                Form::Text => {}
                Form::Flag => terminal::say(format_args!("  {}: true or false", column.name)),
                Form::Names => terminal::say(format_args!("  {}: F-1;F-2", column.name)),
                Form::Parts => terminal::say(format_args!("  {}: F-1:100.00;F-2 (an amount is optional)", column.name)),
            }
        }
    }
}

const LAYOUT_NOTES: &str = "\
One CSV layout per fact; a file holds one kind. The header line names the columns, in any order; those that may be
empty may be left out. UTF-8, commas, one fact per record; a cell with a comma, a quote or a line break is put in
quotes, quotes are doubled.

In every layout:
  fact_id       the source's id of the fact; absent: <fact>:<key>:<time>. The same id twice counts once.
  time          when it happened or was changed, with offset: 2026-03-01T14:00:00Z. Orders changes of one thing.
  legal_entity  code of your company that it concerns; absent: the first one of the tenant
Amounts are plain decimals (1234.50), dates are yyyy-mm-dd, currencies ISO 4217.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notes_name_every_column_that_all_layouts_share() {
        for column in layout::ENVELOPE {
            assert!(LAYOUT_NOTES.contains(column), "{column}");
        }
    }
}
