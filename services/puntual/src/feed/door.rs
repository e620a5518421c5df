//! Ingestion's HTTP door, from outside: NDJSON out, receipts back.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::StatusCode;
use serde::Deserialize;

/// Lines in one request; ingestion refuses more.
pub(crate) const MOST_LINES: usize = 5_000;
/// A request of long lines is ended before this many bytes.
pub(crate) const MOST_BYTES: usize = 4 << 20;
/// Facts are idempotent, so a request whose answer was lost is simply sent again.
const ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// What became of the lines of a request. They add up: lines = applied + duplicate + quarantined.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) applied: u64,
    pub(crate) duplicate: u64,
    pub(crate) quarantined: u64,
    #[serde(default)]
    pub(crate) problems: Vec<LineProblem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct LineProblem {
    /// Number of the line in the request, from 1.
    pub(crate) line: u64,
    /// JSON pointer of the member that is to blame.
    #[serde(default)]
    pub(crate) pointer: Option<String>,
    #[serde(default)]
    pub(crate) detail: String,
}

/// An RFC 9457 problem document.
#[derive(Debug, Default, Deserialize)]
struct ProblemDocument {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
}

pub(crate) struct FactsDoor {
    client: reqwest::Client,
    url: String,
    key: String,
}

impl FactsDoor {
    /// `url` is where ingestion listens: `http://127.0.0.1:8101`.
    pub(crate) fn new(url: &str, key: &str) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().timeout(Duration::from_mins(2)).build()?;
        Ok(Self { client, url: format!("{}/v1/facts", url.trim_end_matches('/')), key: key.to_owned() })
    }

    /// Sends up to [`MOST_LINES`] facts, one JSON document per line.
    pub(crate) async fn send(&self, ndjson: String) -> anyhow::Result<Receipt> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            if let Attempt::Done(receipt) = self.attempt(ndjson.clone()).await? {
                return Ok(receipt);
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        match self.attempt(ndjson).await? {
            Attempt::Done(receipt) => Ok(receipt),
            Attempt::Busy(reason) => Err(reason),
        }
    }

    async fn attempt(&self, ndjson: String) -> anyhow::Result<Attempt> {
        let request = self
            .client
            .post(&self.url)
            .bearer_auth(&self.key)
            .header("content-type", "application/x-ndjson")
            .body(ndjson);
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                return Ok(Attempt::Busy(anyhow::Error::new(error).context(format!("cannot reach {}", self.url))));
            }
        };
        let status = response.status();
        if status.is_success() {
            return Ok(Attempt::Done(response.json().await.context("the answer is not a receipt")?));
        }
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::REQUEST_TIMEOUT
        {
            return Ok(Attempt::Busy(anyhow::anyhow!("{} answers {status}", self.url)));
        }
        let problem: ProblemDocument = response.json().await.unwrap_or_default();
        let words = [problem.title, problem.detail].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
        bail!("{} refused the request: {status}: {}", self.url, words.join(": "))
    }
}

enum Attempt {
    Done(Receipt),
    /// Not now; worth another try.
    Busy(anyhow::Error),
}
