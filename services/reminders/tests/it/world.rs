//! The role with everybody around it: an ingestion and a promises that answer barriers, and a mail relay.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use contracts::common::{BarrierReply, TickDone, TickRequest};
use contracts::ingestion::{ContactChanged, CustomerChanged, InvoiceChanged, PromiseMade, SourceChanged};
use contracts::promises::PromiseChanged;
use contracts::reminders::{MessageChanged, ReminderDecided};
use contracts::scoring::SegmentAssigned;
use contracts::{SCHEMA_REV, Stream, stream, subject, wire};
use futures::StreamExt;
use mail_parser::MessageParser;
use mailcatcher::MailCatcher;
use primitives::ids::{self, Kind};
use prost::Message;
use testkit::{Bed, Role, TestTenant};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Steps of an invoice that is due on 31 March, at nine in Bogotá.
pub(crate) const WEEK_BEFORE: &str = "2026-03-24T14:00:00Z";
pub(crate) const DUE_DAY: &str = "2026-03-31T14:00:00Z";
pub(crate) const THREE_DAYS_LATE: &str = "2026-04-03T14:00:00Z";
pub(crate) const TEN_DAYS_LATE: &str = "2026-04-10T14:00:00Z";

pub(crate) struct World {
    pub(crate) bed: Arc<Bed>,
    pub(crate) relay: MailCatcher,
    neighbours: Vec<JoinHandle<()>>,
    /// Accepted by ingestion, published only when somebody asks for a barrier.
    pub(crate) on_its_way: Arc<Mutex<Vec<InvoiceChanged>>>,
    /// What ingestion answers instead of a barrier; empty: it raises one.
    pub(crate) refusal: Arc<Mutex<String>>,
    _role: Role,
}

impl Drop for World {
    fn drop(&mut self) {
        for neighbour in &self.neighbours {
            neighbour.abort();
        }
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        let bed = Arc::new(Bed::start_virtual(stream::REMINDERS, &reminders::MIGRATIONS).await);
        let on_its_way = Arc::<Mutex<Vec<InvoiceChanged>>>::default();
        let refusal = Arc::<Mutex<String>>::default();
        let neighbours = [stream::INGESTION, stream::PROMISES]
            .map(|of| {
                tokio::spawn(answer_barriers(of, Arc::clone(&bed), Arc::clone(&on_its_way), Arc::clone(&refusal)))
            })
            .into();
        let relay = MailCatcher::start("127.0.0.1:0").await.unwrap();
        let mut config: reminders::Config =
            runtime::load_config("reminders", reminders::DEFAULT_CONFIG, None).expect("the defaults are complete");
        config.frame = bed.frame_config();
        config.reminders.smtp.host = relay.address().ip().to_string();
        config.reminders.smtp.port = relay.address().port();
        config.reminders.smtp.call_timeout_seconds = 1;
        config.reminders.lease_seconds = 2;
        config.reminders.max_attempts = 2;
        let role = bed.run(|shutdown| reminders::run(config, shutdown)).await;
        let world = Self { bed, relay, neighbours, on_its_way, refusal, _role: role };
        testkit::eventually("the role answers commands", || async {
            world.command(subject::clock_set("reminders"), "2026-03-01T00:00:00Z").await.is_ok()
        })
        .await;
        world
    }

    pub(crate) async fn tick(&self, now: &str) {
        self.bed.tick(instant(now)).await;
    }

    /// A tick that may fail, with the role's reason.
    pub(crate) async fn try_tick(&self, now: &str) -> Result<(), String> {
        self.command(subject::clock_tick("reminders"), now).await
    }

    async fn command(&self, subject: String, now: &str) -> Result<(), String> {
        let applied_through = std::collections::HashMap::new();
        let request = TickRequest { now: Some(wire::timestamp(instant(now))), applied_through };
        let reply = self.bed.nats().request(subject, request.encode_to_vec().into()).await;
        let done = TickDone::decode(reply.map_err(|error| error.to_string())?.payload).unwrap();
        if done.error.is_empty() { Ok(()) } else { Err(done.error) }
    }

    /// A tenant with customer C-1, who can be written to.
    pub(crate) async fn tenant(&self, slug: &str) -> TestTenant {
        let tenant = self.bed.tenant(slug).await;
        self.customer(&tenant, "C-1").await;
        tenant
    }

    pub(crate) async fn customer(&self, tenant: &TestTenant, code: &str) {
        self.bed.publish(&customer(tenant, code)).await;
        self.bed.publish(&contact(tenant, code)).await;
    }

    pub(crate) async fn segment(&self, tenant: &TestTenant, code: &str, version: u64, segment: &str) {
        self.bed
            .publish(&SegmentAssigned {
                schema_rev: SCHEMA_REV,
                tenant_id: tenant.tenant_id.to_string(),
                customer_id: id(tenant, Kind::Customer, code),
                version,
                segment: segment.to_owned(),
                rules_version: "1".into(),
                reasons: vec![],
                assigned_at: Some(wire::timestamp(instant(WEEK_BEFORE))),
            })
            .await;
    }

    /// Text of the mails that arrived since the last look, in order.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.relay.take().into_iter().map(|caught| Mail::read(&caught.raw, caught.recipients)).collect()
    }

    pub(crate) async fn get(&self, tenant: &TestTenant, path: &str) -> (u16, serde_json::Value) {
        let request = reqwest::Client::new().get(format!("{}{path}", self.bed.base_url())).bearer_auth(&tenant.key);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// (offset, outcome, reason) of what was published about an invoice, in order of offset.
    pub(crate) async fn decided(&self, tenant: &TestTenant, number: &str) -> Vec<(i32, String, String)> {
        let invoice_id = id(tenant, Kind::Invoice, number);
        let published = self.bed.published::<ReminderDecided>().await;
        let mut decided: Vec<_> = published
            .into_iter()
            .filter(|event| event.invoice_id == invoice_id)
            .map(|event| (event.offset_days, event.outcome, event.reason))
            .collect();
        decided.sort();
        decided
    }

    /// The states of the messages to a customer, as published, in order.
    pub(crate) async fn message_states(&self, tenant: &TestTenant, code: &str) -> Vec<(String, String)> {
        let customer_id = id(tenant, Kind::Customer, code);
        let published = self.bed.published::<MessageChanged>().await;
        published
            .into_iter()
            .filter(|event| event.customer_id == customer_id)
            .map(|event| (event.day, event.status))
            .collect()
    }
}

/// A mail as its reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) to: Vec<String>,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) message_id: String,
}

impl Mail {
    fn read(raw: &[u8], to: Vec<String>) -> Self {
        let parsed = MessageParser::default().parse(raw).unwrap();
        Self {
            to,
            subject: parsed.subject().unwrap().to_owned(),
            text: parsed.body_text(0).unwrap().replace("\r\n", "\n"),
            message_id: parsed.message_id().unwrap().to_owned(),
        }
    }
}

/// Plays a neighbour's side of D11: publishes what is on its way, then says where its stream ends.
async fn answer_barriers(
    of: Stream,
    bed: Arc<Bed>,
    on_its_way: Arc<Mutex<Vec<InvoiceChanged>>>,
    refusal: Arc<Mutex<String>>,
) {
    let client = bed.nats();
    let jetstream = async_nats::jetstream::new(client.clone());
    let mut requests = client.subscribe(subject::barrier_raise(of.service)).await.unwrap();
    while let Some(request) = requests.next().await {
        let accepted: Vec<_> =
            if of == stream::INGESTION { on_its_way.lock().unwrap().drain(..).collect() } else { vec![] };
        for invoice in accepted {
            bed.publish(&invoice).await;
        }
        let stream = jetstream.get_stream(of.name).await.unwrap();
        let stream_seq = stream.cached_info().state.last_sequence;
        let reply = BarrierReply { stream_seq, epoch: 1, error: refusal.lock().unwrap().clone() };
        let headers = async_nats::HeaderMap::new();
        client.publish_with_headers(request.reply.unwrap(), headers, reply.encode_to_vec().into()).await.unwrap();
    }
}

pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn id(tenant: &TestTenant, kind: Kind, code: &str) -> String {
    ids::derive(tenant.tenant_id, kind, &["main", code]).to_string()
}

pub(crate) fn customer(tenant: &TestTenant, code: &str) -> CustomerChanged {
    CustomerChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant.tenant_id.to_string(),
        customer_id: id(tenant, Kind::Customer, code),
        version: 1,
        code: code.to_owned(),
        party_kind: "company".into(),
        name: format!("{code} S.A."),
        country: "CO".into(),
        time_zone: "America/Bogota".into(),
        ..CustomerChanged::default()
    }
}

/// Ana of the customer, at an address that names customer and tenant.
pub(crate) fn contact(tenant: &TestTenant, code: &str) -> ContactChanged {
    ContactChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant.tenant_id.to_string(),
        contact_id: id(tenant, Kind::Contact, code),
        version: 1,
        customer_id: id(tenant, Kind::Customer, code),
        role: "payables".into(),
        name: format!("Ana of {code}"),
        email: format!("{}@{}.example", code.to_lowercase(), tenant.changed.slug),
        language: String::new(),
        active: true,
    }
}

/// 100 pesos of C-1, issued on 1 March, due on the 31st.
pub(crate) fn invoice(tenant: &TestTenant, number: &str) -> InvoiceChanged {
    InvoiceChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant.tenant_id.to_string(),
        invoice_id: id(tenant, Kind::Invoice, number),
        version: 1,
        legal_entity_id: tenant.legal_entity_id.to_string(),
        customer_id: id(tenant, Kind::Customer, "C-1"),
        payer_id: id(tenant, Kind::Customer, "C-1"),
        number: number.to_owned(),
        currency: "COP".into(),
        amount: "100.00".into(),
        open_amount: "100.00".into(),
        expected_net: "100.00".into(),
        issue_date: "2026-03-01".into(),
        due_date: "2026-03-31".into(),
        effective_due_date: "2026-03-31".into(),
        status: "open".into(),
        disputed_amount: "0.00".into(),
        recorded_at: Some(wire::timestamp(instant("2026-03-01T12:00:00Z"))),
        ..InvoiceChanged::default()
    }
}

/// The same invoice, paid.
pub(crate) fn paid(invoice: &InvoiceChanged) -> InvoiceChanged {
    InvoiceChanged {
        version: invoice.version + 1,
        open_amount: "0.00".into(),
        expected_net: "0.00".into(),
        status: "settled".into(),
        settled_on: "2026-03-30".into(),
        ..invoice.clone()
    }
}

pub(crate) fn promise(tenant: &TestTenant, code: &str, numbers: &[&str]) -> PromiseMade {
    PromiseMade {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant.tenant_id.to_string(),
        promise_id: id(tenant, Kind::Promise, code),
        code: code.to_owned(),
        customer_id: id(tenant, Kind::Customer, "C-1"),
        legal_entity_id: tenant.legal_entity_id.to_string(),
        invoice_ids: numbers.iter().map(|number| id(tenant, Kind::Invoice, number)).collect(),
        amount: "100.00".into(),
        currency: "COP".into(),
        promised_date: "2026-04-02".into(),
        time_zone: "America/Bogota".into(),
        made_on: "2026-03-30".into(),
        channel: "email".into(),
        recorded_at: Some(wire::timestamp(instant("2026-03-30T12:00:00Z"))),
        ..PromiseMade::default()
    }
}

/// What promises says of a promise.
pub(crate) fn judged(made: &PromiseMade, version: u64, status: &str) -> PromiseChanged {
    PromiseChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: made.tenant_id.clone(),
        promise_id: made.promise_id.clone(),
        version,
        customer_id: made.customer_id.clone(),
        invoice_ids: made.invoice_ids.clone(),
        amount: made.amount.clone(),
        currency: made.currency.clone(),
        paid_amount: "0.00".into(),
        promised_date: made.promised_date.clone(),
        status: status.to_owned(),
        ..PromiseChanged::default()
    }
}

/// The bank, which covers payments.
pub(crate) fn bank(tenant: &TestTenant, version: u64, covered_until: &str) -> SourceChanged {
    SourceChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant.tenant_id.to_string(),
        source_id: ids::derive(tenant.tenant_id, Kind::Source, &["bank"]).to_string(),
        version,
        code: "bank".into(),
        application_authority: "puntual".into(),
        mode: "events".into(),
        covers: vec!["invoices".into(), "payments".into()],
        covered_until: Some(wire::timestamp(instant(covered_until))),
    }
}

/// For comparing lists of decisions.
pub(crate) fn said(offset: i32, outcome: &str, reason: &str) -> (i32, String, String) {
    (offset, outcome.to_owned(), reason.to_owned())
}

pub(crate) fn message_id(tenant: &TestTenant, code: &str, day: &str) -> Uuid {
    let customer_id = id(tenant, Kind::Customer, code);
    ids::derive(tenant.tenant_id, Kind::Message, &[&customer_id, day, "email"])
}
