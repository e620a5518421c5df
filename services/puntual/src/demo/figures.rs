//! What the year came to, as reporting and ingestion tell it over their public doors; and the file of `--json`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::options::Demo;
use super::stage::Stage;
use super::year::Told;
use crate::service::Service;

/// The file of `--json`: members in this order, amounts and days as exact text, nothing that differs between two runs
/// with the same seed.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) seed: u64,
    pub(crate) days: u32,
    pub(crate) customers: u32,
    pub(crate) invoices: u64,
    pub(crate) payments: u64,
    pub(crate) reminders: Reminders,
    pub(crate) promises: Promises,
    pub(crate) alerts: u64,
    pub(crate) dso: Vec<Dso>,
    pub(crate) aging: Vec<Aging>,
    pub(crate) ledger: Ledger,
    /// Customers in each segment at the end; for the summary.
    #[serde(skip)]
    pub(crate) segments: Vec<SegmentCount>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SegmentCount {
    pub(crate) segment: String,
    pub(crate) customers: u64,
}

/// The part of `GET /v1/segments` that is told.
#[derive(Debug, Deserialize)]
struct Segments {
    segments: Vec<SegmentCount>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reminders {
    pub(crate) decisions: u64,
    /// Messages.
    pub(crate) sent: u64,
    pub(crate) held_back: BTreeMap<String, u64>,
    pub(crate) uncertain: u64,
    pub(crate) failed: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Promises {
    pub(crate) kept: u64,
    pub(crate) partially_kept: u64,
    pub(crate) broken: u64,
}

/// One currency at the end of one month; days.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Dso {
    pub(crate) month: String,
    pub(crate) currency: String,
    pub(crate) simple: Option<String>,
    pub(crate) count_back: Option<String>,
    #[serde(skip_serializing, default)]
    pub(crate) receivable: String,
    #[serde(skip_serializing, default)]
    pub(crate) overdue: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Aging {
    pub(crate) bucket: String,
    pub(crate) currency: String,
    pub(crate) amount: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// M1 and M2 hold over everything that was told.
    pub(crate) conserved: bool,
}

/// The part of `GET /v1/kpis` that is told.
#[derive(Debug, Deserialize)]
struct Kpis {
    reminders: Reminders,
    promises: Promises,
    alerts: u64,
    dso: Vec<Dso>,
}

impl Figures {
    pub(crate) async fn ask(options: &Demo, stage: &Stage, told: &Told) -> anyhow::Result<Self> {
        let client = reqwest::Client::new();
        let (from, to) = (options.first_day(), Demo::last_day());
        let reporting = stage.base_url(Service::Reporting);
        let kpis: Kpis = get(&client, stage, format!("{reporting}/v1/kpis?from={from}&to={to}")).await?;
        let aging: Vec<Aging> = get(&client, stage, format!("{reporting}/v1/aging?as_of={to}")).await?;
        let ingestion = stage.base_url(Service::Ingestion);
        let ledger: Ledger = get(&client, stage, format!("{ingestion}/v1/ledger/conservation")).await?;
        let scoring = stage.base_url(Service::Scoring);
        let segments: Segments = get(&client, stage, format!("{scoring}/v1/segments")).await?;
        Ok(Self {
            seed: options.seed,
            days: options.days,
            customers: options.customers,
            invoices: told.invoices,
            payments: told.payments,
            reminders: kpis.reminders,
            promises: kpis.promises,
            alerts: kpis.alerts,
            dso: kpis.dso,
            aging,
            ledger,
            segments: segments.segments,
        })
    }

    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

async fn get<T: DeserializeOwned>(client: &reqwest::Client, stage: &Stage, url: String) -> anyhow::Result<T> {
    let response = client.get(&url).bearer_auth(&stage.key).send().await.with_context(|| format!("ask {url}"))?;
    let status = response.status();
    let text = response.text().await.with_context(|| format!("read {url}"))?;
    anyhow::ensure!(status.is_success(), "{url} answers {status}: {text}");
    serde_json::from_str(&text).with_context(|| format!("answer of {url}"))
}
