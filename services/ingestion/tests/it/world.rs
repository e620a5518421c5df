//! A running role, a tenant with sources, and short ways to tell it facts.

use ingestion::operator::{self, NewSource};
use ingestion::{Config, IngestionConfig};
use reqwest::{RequestBuilder, StatusCode};
use runtime::Clock;
use serde_json::{Value, json};
use testkit::{Bed, Role, TestTenant};

pub(crate) struct World {
    pub(crate) bed: Bed,
    pub(crate) role: Role,
    pub(crate) acme: TestTenant,
    pub(crate) http: reqwest::Client,
}

/// An answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) replayed: bool,
    pub(crate) body: Value,
}

impl Answer {
    /// Slug of a problem.
    pub(crate) fn slug(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default().rsplit('/').next().unwrap()
    }

    /// Pointer of the first error.
    pub(crate) fn pointer(&self) -> &str {
        self.body["errors"][0]["pointer"].as_str().unwrap_or_default()
    }
}

/// A world with the tenant `acme` and its sources: `erp` and `bank`, whose cash Puntual applies, and `sap`, which applies itself.
pub(crate) async fn start() -> World {
    let bed = Bed::start(contracts::stream::INGESTION, &ingestion::MIGRATIONS).await;
    let config = Config { frame: bed.frame_config(), ingestion: IngestionConfig {} };
    let role = bed.run(|shutdown| ingestion::run(config, shutdown)).await;
    let acme = bed.tenant("acme").await;
    let world = World { bed, role, acme, http: reqwest::Client::new() };
    world.sources("acme").await;
    world
}

impl World {
    pub(crate) async fn sources(&self, tenant: &str) {
        for (code, authority, covers) in
            [("erp", "puntual", "invoices"), ("bank", "puntual", "payments"), ("sap", "erp", "payments")]
        {
            let source = NewSource {
                code: code.into(),
                application_authority: authority.into(),
                mode: "events".into(),
                covers: vec![covers.into()],
            };
            operator::create_source(&self.bed.worker(), Clock::Database, tenant, source).await.unwrap();
        }
    }

    /// One more source of events, which covers nothing.
    pub(crate) async fn source(&self, tenant: &str, code: &str) {
        let source = NewSource {
            code: code.into(),
            application_authority: "puntual".into(),
            mode: "events".into(),
            covers: vec![],
        };
        operator::create_source(&self.bed.worker(), Clock::Database, tenant, source).await.unwrap();
    }

    pub(crate) async fn post(&self, fact: &Value) -> Answer {
        self.post_as(&self.acme, fact).await
    }

    pub(crate) async fn post_as(&self, tenant: &TestTenant, fact: &Value) -> Answer {
        self.send(tenant, "application/json", fact.to_string()).await
    }

    /// Facts that must all be accepted, one by one.
    pub(crate) async fn tell(&self, facts: &[Value]) {
        for fact in facts {
            let answer = self.post(fact).await;
            assert!(answer.status.is_success(), "{fact}: {answer:?}");
        }
    }

    /// The report of a batch.
    pub(crate) async fn batch(&self, facts: &[Value]) -> Value {
        let lines = facts.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        let answer = self.send(&self.acme, "application/x-ndjson", lines).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        answer.body
    }

    pub(crate) async fn send(&self, tenant: &TestTenant, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.http.post(format!("{}/v1/facts", self.bed.base_url())).header("content-type", content_type);
        answer(request.bearer_auth(&tenant.key).body(body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_as(&self.acme, path).await
    }

    pub(crate) async fn get_as(&self, tenant: &TestTenant, path: &str) -> Answer {
        answer(self.http.get(format!("{}{path}", self.bed.base_url())).bearer_auth(&tenant.key)).await
    }

    pub(crate) async fn act(&self, path: &str, body: Value) -> Answer {
        answer(
            self.http.post(format!("{}{path}", self.bed.base_url())).bearer_auth(&self.acme.key).body(body.to_string()),
        )
        .await
    }

    /// The ledger's digest; fails when money appeared or vanished.
    pub(crate) async fn digest(&self, tenant: &TestTenant) -> Value {
        let conservation = self.get_as(tenant, "/v1/ledger/conservation").await;
        assert_eq!(conservation.body["conserved"], true, "{conservation:?}");
        self.get_as(tenant, "/v1/ledger/digest").await.body
    }

    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.bed.worker()).await.unwrap()
    }
}

pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status();
    let replayed = response.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
    let text = response.text().await.unwrap();
    Answer { status, replayed, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
}

/// A fact with an id of its own.
pub(crate) fn fact(source: &str, id: &str, fact_type: &str, data: Value) -> Value {
    json!({"specversion": "1.0", "id": id, "source": source, "type": fact_type, "time": "2026-03-01T12:00:00Z", "data": data})
}

pub(crate) fn invoice(number: &str, customer: &str, amount: &str, issued: &str, due: &str) -> Value {
    let data = json!({"invoice": number, "customer": customer, "amount": amount, "currency": "COP", "issue_date": issued, "due_date": due});
    fact("erp", &format!("invoice {number}"), "invoice.issued", data)
}

pub(crate) fn payment(number: &str, payer: &str, amount: &str, value_date: &str, remittance: Value) -> Value {
    let data = json!({"payment": number, "payer": payer, "amount": amount, "currency": "COP", "value_date": value_date, "remittance": remittance});
    fact("bank", &format!("payment {number}"), "payment.received", data)
}

pub(crate) fn customer(code: &str, name: &str) -> Value {
    fact(
        "erp",
        &format!("customer {code}"),
        "customer.upserted",
        json!({"customer": code, "name": name, "country": "CO"}),
    )
}

/// `fact` with another version, id and data members.
pub(crate) fn corrected(fact: &Value, version: u64, data: Value) -> Value {
    let mut fact = fact.clone();
    fact["id"] = json!(format!("{} v{version}", fact["id"].as_str().unwrap()));
    fact["source_version"] = json!(version);
    for (name, value) in data.as_object().unwrap() {
        fact["data"][name] = value.clone();
    }
    fact
}
