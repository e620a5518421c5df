//! `puntual reemit`: owners tell their state again (D12).

use clap::Args;
use runtime::reemit::{Selection, Told};

use crate::house::House;
use crate::service::Service;
use crate::terminal;

/// The owners in the order of causes, with what they can tell.
const OWNERS: [(Service, &[&str]); 4] = [
    (Service::Ingestion, &ingestion::operator::KINDS),
    (Service::Scoring, &scoring::reemit::KINDS),
    (Service::Promises, &promises::reemit::KINDS),
    (Service::Reminders, &reminders::reemit::KINDS),
];

const KINDS_HELP: &str = "What to tell; all of it without one. ingestion: tenant, api_key, customer, contact, invoice, \
credit, dispute, hold, issue, consent, attempt, report, source, promise; scoring: score, segment; promises: promise, alert; reminders: decision, message";

#[derive(Debug, Args)]
pub(crate) struct Reemit {
    /// Only this service
    #[arg(long, value_enum)]
    service: Option<Service>,
    /// Slug of a tenant; all of them without it
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',', help = KINDS_HELP)]
    kinds: Vec<String>,
    #[command(flatten)]
    house: House,
}

pub(crate) async fn reemit(options: Reemit) -> anyhow::Result<()> {
    let owners = OWNERS.iter().filter(|(service, _)| options.service.is_none_or(|wanted| wanted == *service));
    let owners: Vec<_> = owners.collect();
    anyhow::ensure!(!owners.is_empty(), "the service has nothing to tell");
    if let Some(unknown) =
        options.kinds.iter().find(|kind| !owners.iter().any(|(_, kinds)| kinds.contains(&kind.as_str())))
    {
        anyhow::bail!("{unknown} is nothing that can be told");
    }
    let selection = Selection { tenant: options.tenant, kinds: options.kinds };
    for (service, kinds) in owners {
        if !kinds.iter().any(|kind| selection.wants(kind)) {
            continue;
        }
        let pool = options.house.pool(*service).await?;
        let clock = House::clock(&pool).await?;
        let told: Told = match service {
            Service::Ingestion => ingestion::operator::reemit(&pool, clock, &selection).await?,
            Service::Scoring => scoring::reemit::reemit(&pool, clock, &selection).await?,
            Service::Promises => promises::reemit::reemit(&pool, clock, &selection).await?,
            Service::Reminders => reminders::reemit::reemit(&pool, clock, &selection).await?,
            Service::Reporting => Told::new(),
        };
        pool.close().await;
        for kind in kinds.iter().filter(|kind| selection.wants(kind)) {
            let count = told.get(kind).copied().unwrap_or(0);
            terminal::say(format_args!(
                "{}: {} of {kind} told again",
                service.name(),
                terminal::grouped(&count.to_string())
            ));
        }
    }
    Ok(())
}
