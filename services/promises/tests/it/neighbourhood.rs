//! The role with everybody around it: tenants, invoices, sources, and an ingestion that answers barriers.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use contracts::ingestion::{InvoiceChanged, PromiseMade, PromiseWithdrawn, Settlement, SourceChanged};
use contracts::promises::PromiseChanged;
use contracts::{SCHEMA_REV, stream, subject, wire};
use futures::StreamExt;
use primitives::ids::{self, Kind};
use prost::Message;
use testkit::{Bed, Role, TestTenant};
use tokio::task::JoinHandle;
use uuid::Uuid;

pub(crate) const MADE: &str = "2026-03-02";
pub(crate) const DUE: &str = "2026-03-13"; // a Friday; its end in Bogotá is 05:00 UTC of the next day
pub(crate) const AT_NOON: &str = "2026-03-02T17:00:00Z";
pub(crate) const BEFORE: &str = "2026-03-14T04:59:59Z";
pub(crate) const DEADLINE: &str = "2026-03-14T05:00:00Z";
pub(crate) const LATER: &str = "2026-03-16T05:00:00Z";
pub(crate) const CAP: &str = "2026-03-19T05:00:00Z"; // three bank days after the promised one

pub(crate) struct Neighbourhood {
    pub(crate) bed: Arc<Bed>,
    is_virtual: bool,
    role: Option<Role>,
    ingestion: JoinHandle<()>,
    /// Accepted by ingestion, published only when somebody asks for a barrier.
    pub(crate) on_its_way: Arc<Mutex<Vec<InvoiceChanged>>>,
    /// Applied behind the next barrier and before its answer: a source that overtakes the payment it vouches for.
    pub(crate) overtaking: Arc<Mutex<Option<(SourceChanged, InvoiceChanged)>>>,
}

impl Drop for Neighbourhood {
    fn drop(&mut self) {
        self.ingestion.abort();
    }
}

impl Neighbourhood {
    /// In virtual time, on the day the promises are made.
    pub(crate) async fn new() -> Self {
        Self::around(Bed::start_virtual(stream::PROMISES, &promises::MIGRATIONS).await, true).await
    }

    pub(crate) async fn in_real_time() -> Self {
        Self::around(Bed::start(stream::PROMISES, &promises::MIGRATIONS).await, false).await
    }

    async fn around(bed: Bed, is_virtual: bool) -> Self {
        let bed = Arc::new(bed);
        let on_its_way = Arc::default();
        let overtaking = Arc::default();
        let ingestion =
            tokio::spawn(answer_barriers(Arc::clone(&bed), Arc::clone(&on_its_way), Arc::clone(&overtaking)));
        let mut here = Self { bed, is_virtual, role: None, ingestion, on_its_way, overtaking };
        here.start().await;
        here
    }

    pub(crate) async fn start(&mut self) {
        let mut config: promises::Config =
            runtime::load_config("promises", promises::DEFAULT_CONFIG, None).expect("the defaults are complete");
        config.frame = self.bed.frame_config();
        self.role = Some(self.bed.run(|shutdown| promises::run(config, shutdown)).await);
        if self.is_virtual {
            self.until_it_answers().await;
        }
    }

    /// The role's door may open a moment before it listens for commands.
    async fn until_it_answers(&self) {
        let client = self.bed.nats();
        let subject = subject::clock_set("promises");
        testkit::eventually("the role answers commands", || async {
            let request = contracts::common::TickRequest {
                now: Some(wire::timestamp(instant(AT_NOON))),
                applied_through: std::collections::HashMap::new(),
            };
            client.request(subject.clone(), request.encode_to_vec().into()).await.is_ok()
        })
        .await;
    }

    pub(crate) async fn kill(&mut self) {
        self.role.take().unwrap().kill().await;
    }

    pub(crate) async fn tick(&self, now: &str) {
        self.bed.tick(instant(now)).await;
    }

    /// (status, paid, late information) of a promise.
    pub(crate) async fn stands(&self, tenant: &TestTenant, code: &str) -> (String, String, bool) {
        let list = self.get(tenant, "/v1/promises").await;
        let found = list["promises"].as_array().unwrap().iter().find(|item| item["code"] == code);
        let item = found.unwrap_or_else(|| panic!("{code} is not in {list}"));
        let text = |name: &str| item[name].as_str().unwrap().to_owned();
        (text("status"), text("paid_amount"), item["late_information"].as_bool().unwrap())
    }

    pub(crate) async fn status(&self, tenant: &TestTenant, code: &str) -> String {
        self.stands(tenant, code).await.0
    }

    /// Kinds and missing amounts of the alerts that are raised.
    pub(crate) async fn raised(&self, tenant: &TestTenant) -> Vec<(String, String)> {
        let list = self.get(tenant, "/v1/alerts?status=raised").await;
        let items = list["alerts"].as_array().unwrap();
        let text = |item: &serde_json::Value, name: &str| item[name].as_str().unwrap().to_owned();
        items.iter().map(|item| (text(item, "kind"), text(item, "amount"))).collect()
    }

    pub(crate) async fn get(&self, tenant: &TestTenant, path: &str) -> serde_json::Value {
        let request = reqwest::Client::new().get(format!("{}{path}", self.bed.base_url())).bearer_auth(&tenant.key);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    /// The states that were published about a promise, in order.
    pub(crate) async fn history(&self, promise_id: &str) -> Vec<String> {
        let published = self.bed.published::<PromiseChanged>().await;
        published.into_iter().filter(|event| event.promise_id == promise_id).map(|event| event.status).collect()
    }
}

/// Plays ingestion's side of D11: publishes what is on its way, then says where its stream ends.
async fn answer_barriers(
    bed: Arc<Bed>,
    on_its_way: Arc<Mutex<Vec<InvoiceChanged>>>,
    overtaking: Arc<Mutex<Option<(SourceChanged, InvoiceChanged)>>>,
) {
    let client = bed.nats();
    let jetstream = async_nats::jetstream::new(client.clone());
    let mut requests = client.subscribe(subject::barrier_raise("ingestion")).await.unwrap();
    while let Some(request) = requests.next().await {
        let accepted: Vec<_> = on_its_way.lock().unwrap().drain(..).collect();
        for invoice in accepted {
            bed.publish(&invoice).await;
        }
        let stream = jetstream.get_stream(stream::INGESTION.name).await.unwrap();
        let stream_seq = stream.cached_info().state.last_sequence;
        let overtaken = overtaking.lock().unwrap().take();
        if let Some((source, payment)) = overtaken {
            bed.publish(&source).await;
            bed.applied().await;
            on_its_way.lock().unwrap().push(payment);
        }
        let reply = contracts::common::BarrierReply { stream_seq, epoch: 1, error: String::new() };
        let headers = async_nats::HeaderMap::new();
        client.publish_with_headers(request.reply.unwrap(), headers, reply.encode_to_vec().into()).await.unwrap();
    }
}

pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn id(tenant: &TestTenant, kind: Kind, code: &str) -> Uuid {
    ids::derive(tenant.tenant_id, kind, &["main", code])
}

/// A promise of 100 pesos about invoice F-1, made and due on the usual days.
pub(crate) fn promise(tenant: &TestTenant, code: &str) -> PromiseMade {
    PromiseMade {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant.tenant_id.to_string(),
        promise_id: id(tenant, Kind::Promise, code).to_string(),
        code: code.to_owned(),
        customer_id: id(tenant, Kind::Customer, "C-1").to_string(),
        legal_entity_id: tenant.legal_entity_id.to_string(),
        invoice_ids: vec![id(tenant, Kind::Invoice, "F-1").to_string()],
        amount: "100.00".into(),
        currency: "COP".into(),
        promised_date: DUE.into(),
        time_zone: "America/Bogota".into(),
        made_on: MADE.into(),
        channel: "call".into(),
        replaces_promise_id: String::new(),
        recorded_at: Some(wire::timestamp(instant(AT_NOON))),
        ..PromiseMade::default()
    }
}

pub(crate) fn withdrawn(tenant: &TestTenant, code: &str, on: &str) -> PromiseWithdrawn {
    PromiseWithdrawn {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant.tenant_id.to_string(),
        promise_id: id(tenant, Kind::Promise, code).to_string(),
        customer_id: id(tenant, Kind::Customer, "C-1").to_string(),
        withdrawn_on: on.into(),
        recorded_at: Some(wire::timestamp(instant(AT_NOON))),
    }
}

/// An invoice of 500 pesos with settlements of (value date, kind, amount).
pub(crate) fn invoice(
    tenant: &TestTenant,
    number: &str,
    version: u64,
    settlements: &[(&str, &str, &str)],
) -> InvoiceChanged {
    let settlement = |(index, (on, kind, amount)): (usize, &(&str, &str, &str))| Settlement {
        settlement_id: id(tenant, Kind::Settlement, &format!("{number}/{index}")).to_string(),
        credit_id: id(tenant, Kind::Credit, &format!("{number}/{index}")).to_string(),
        kind: (*kind).into(),
        amount: (*amount).into(),
        value_date: (*on).into(),
        recorded_at: Some(wire::timestamp(instant(AT_NOON))),
        inferred: false,
    };
    InvoiceChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant.tenant_id.to_string(),
        invoice_id: id(tenant, Kind::Invoice, number).to_string(),
        version,
        legal_entity_id: tenant.legal_entity_id.to_string(),
        customer_id: id(tenant, Kind::Customer, "C-1").to_string(),
        payer_id: id(tenant, Kind::Customer, "C-1").to_string(),
        number: number.into(),
        currency: "COP".into(),
        amount: "500.00".into(),
        open_amount: "500.00".into(),
        expected_net: "500.00".into(),
        issue_date: "2026-01-15".into(),
        due_date: "2026-02-15".into(),
        effective_due_date: "2026-02-15".into(),
        delivered_date: String::new(),
        status: "open".into(),
        settled_on: String::new(),
        settlements: settlements.iter().enumerate().map(settlement).collect(),
        disputed_amount: "0.00".into(),
        recorded_at: Some(wire::timestamp(instant(AT_NOON))),
        ..InvoiceChanged::default()
    }
}

/// The bank, which covers payments up to `until`.
pub(crate) fn bank(tenant: &TestTenant, version: u64, until: Option<&str>) -> SourceChanged {
    SourceChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant.tenant_id.to_string(),
        source_id: id(tenant, Kind::Source, "bank").to_string(),
        version,
        code: "bank".into(),
        application_authority: "puntual".into(),
        mode: "events".into(),
        covers: vec!["payments".into()],
        covered_until: until.map(|until| wire::timestamp(instant(until))),
    }
}
