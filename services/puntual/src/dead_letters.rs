//! `puntual dead-letters`: what a service could not apply, and trying it again. Letters that belong to no tenant are seen
//! here only.

use clap::{Args, Subcommand};
use messaging::dead_letter::{self, Filter, Letter, LogEntry};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::house::{House, tenant};
use crate::service::Service;
use crate::terminal;

/// Who asked, in the log of letters that were tried again.
const OPERATOR: &str = "operator";

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLettersCommand {
    /// Show events that were set aside, with their reasons
    List(List),
    /// Have events tried again; their service does it within a second, when it runs
    Redrive(Redrive),
    /// Show what was tried again, by whom, and what became of it
    Log(Log),
}

#[derive(Debug, Args)]
pub(crate) struct Where {
    /// Only this service
    #[arg(long, value_enum)]
    service: Option<Service>,
    /// Slug of a tenant: only its letters
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    #[command(flatten)]
    house: House,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    place: Where,
    /// At most so many of each service
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u16,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Log {
    #[command(flatten)]
    place: Where,
    /// At most so many of each service
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u16,
}

#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Redrive {
    #[command(flatten)]
    place: Where,
    /// This one
    #[arg(long, value_name = "ID")]
    event: Option<Uuid>,
    /// All of this subject
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
    /// All whose reason contains this
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// All
    #[arg(long, conflicts_with_all = ["event", "subject", "reason"])]
    all: bool,
}

pub(crate) async fn dead_letters(command: DeadLettersCommand) -> anyhow::Result<()> {
    match command {
        DeadLettersCommand::List(options) => list(options).await,
        DeadLettersCommand::Redrive(options) => redrive(options).await,
        DeadLettersCommand::Log(options) => log(options).await,
    }
}

impl Where {
    fn services(&self) -> Vec<Service> {
        self.service.map_or_else(|| Service::ALL.to_vec(), |service| vec![service])
    }
}

async fn list(options: List) -> anyhow::Result<()> {
    let mut found = Vec::new();
    for service in options.place.services() {
        let pool = options.place.house.pool(service).await?;
        let tenant_id = tenant(&pool, options.place.tenant.as_deref()).await?;
        let filter = Filter { tenant_id, ..Filter::default() };
        let letters =
            dead_letter::list(&mut *pool.acquire().await?, &filter, None, options.limit.into(), false).await?;
        found.extend(letters.into_iter().map(|letter| (service, letter)));
        pool.close().await;
    }
    if options.json {
        let items: Vec<Value> = found.iter().map(|(service, letter)| item(*service, letter)).collect();
        terminal::say(serde_json::to_string_pretty(&items)?);
        return Ok(());
    }
    let mut rows = vec![["service", "event", "subject", "tried", "since", "reason"].map(str::to_owned).to_vec()];
    rows.extend(found.iter().map(|(service, letter)| {
        vec![
            service.name().to_owned(),
            letter.event_id.to_string(),
            letter.subject.clone(),
            letter.attempts.to_string(),
            letter.at.format("%Y-%m-%d %H:%M:%S").to_string(),
            letter.reason.clone(),
        ]
    }));
    print(&rows, "no dead letters");
    Ok(())
}

fn item(service: Service, letter: &Letter) -> Value {
    json!({
        "service": service.name(), "event_id": letter.event_id, "tenant_id": letter.tenant_id,
        "customer_id": letter.customer_id, "stream": letter.stream, "stream_seq": letter.stream_seq,
        "subject": letter.subject, "reason": letter.reason, "attempts": letter.attempts, "at": letter.at,
        "redrive_requested_at": letter.redrive_requested_at, "redrive_requested_by": letter.redrive_requested_by,
    })
}

async fn redrive(options: Redrive) -> anyhow::Result<()> {
    let chosen = options.all || options.event.is_some() || options.subject.is_some() || options.reason.is_some();
    anyhow::ensure!(chosen, "say which: --event, --subject, --reason, or --all");
    for service in options.place.services() {
        let pool = options.place.house.pool(service).await?;
        let filter = Filter {
            tenant_id: tenant(&pool, options.place.tenant.as_deref()).await?,
            event_id: options.event,
            subject: options.subject.clone(),
            reason: options.reason.clone(),
        };
        let requested = dead_letter::request_redrive(&mut *pool.acquire().await?, &filter, OPERATOR).await?;
        terminal::say(format_args!("{}: {requested} to be tried again", service.name()));
        pool.close().await;
    }
    Ok(())
}

async fn log(options: Log) -> anyhow::Result<()> {
    let mut rows =
        vec![["service", "event", "subject", "outcome", "at", "asked by", "it was"].map(str::to_owned).to_vec()];
    for service in options.place.services() {
        let pool = options.place.house.pool(service).await?;
        let tenant_id = tenant(&pool, options.place.tenant.as_deref()).await?;
        let entries: Vec<LogEntry> =
            dead_letter::log(&mut *pool.acquire().await?, tenant_id, options.limit.into()).await?;
        rows.extend(entries.into_iter().map(|entry| {
            vec![
                service.name().to_owned(),
                entry.event_id.to_string(),
                entry.subject,
                entry.outcome,
                entry.at.format("%Y-%m-%d %H:%M:%S").to_string(),
                entry.requested_by,
                entry.reason,
            ]
        }));
        pool.close().await;
    }
    print(&rows, "nothing was tried again");
    Ok(())
}

fn print(rows: &[Vec<String>], nothing: &str) {
    if rows.len() < 2 {
        terminal::say(nothing);
        return;
    }
    for line in terminal::table(rows, usize::MAX) {
        terminal::say(line);
    }
}
