//! A bed with the role in it, and the facts ingestion would tell.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use contracts::ingestion::{CustomerChanged, DisputeChanged, InvoiceChanged, Settlement, SourceChanged};
use contracts::{SCHEMA_REV, stream, wire};
use runtime::load_config;
use scoring::{Config, DEFAULT_CONFIG, MIGRATIONS};
use serde_json::Value;
use testkit::{Bed, Role, TestTenant};
use uuid::Uuid;

pub(crate) struct House {
    pub bed: Bed,
    _role: Role,
}

impl House {
    pub(crate) async fn open() -> Self {
        let bed = Bed::start_virtual(stream::SCORING, &MIGRATIONS).await;
        let mut config: Config = load_config("scoring", DEFAULT_CONFIG, None).unwrap();
        config.frame = bed.frame_config();
        let role = bed.run(|shutdown| scoring::run(config, shutdown)).await;
        Self { bed, _role: role }
    }

    /// Ticks in the morning of the day after `day`, when it can be closed.
    pub(crate) async fn after(&self, day: NaiveDate) {
        self.bed.tick(morning(day + Days::new(1))).await;
    }

    pub(crate) async fn get(&self, key: &str, path: &str) -> (u16, Value) {
        let request = reqwest::Client::new().get(format!("{}{path}", self.bed.base_url())).bearer_auth(key);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Posts a document, or nothing.
    pub(crate) async fn post(&self, key: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let request = reqwest::Client::new().post(format!("{}{path}", self.bed.base_url())).bearer_auth(key);
        let request = body.into_iter().fold(request, reqwest::RequestBuilder::json);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Everything learned and said for a tenant, to the last bit, without ids of the tenant and versions.
    pub(crate) async fn digest(&self, tenant: &TestTenant) -> Vec<String> {
        let mut rows: Vec<String> = Vec::new();
        for query in [
            "SELECT concat_ws(' ', scope, owner, day, md5(memory)) FROM learned_states WHERE tenant_id = $1
             ORDER BY scope, owner, day",
            "SELECT concat_ws(' ', invoice_id, day, md5(scored)) FROM foretold_invoices WHERE tenant_id = $1 ORDER BY invoice_id",
            "SELECT concat_ws(' ', customer_id, found_on, since, delay_before, delay_after) FROM pattern_shifts
             WHERE tenant_id = $1 ORDER BY customer_id, found_on",
            "SELECT concat_ws(' ', day, structural_days) FROM calibrations WHERE tenant_id = $1 ORDER BY day",
            "SELECT concat_ws(' ', customer_id, assessed_on, p_late, contributions, score_reasons, p50_delay, p80_delay,
               mean_days_late, observations, segment, segment_since, segment_reasons, shift_found_on, pending) FROM published_scores WHERE tenant_id = $1 ORDER BY customer_id",
            "SELECT concat_ws(' ', learned_through, closed_through, dirty_from, thinned_through) FROM learning WHERE tenant_id = $1",
        ] {
            let part: Vec<String> =
                sqlx::query_scalar(query).bind(tenant.tenant_id).fetch_all(&self.bed.worker()).await.unwrap();
            rows.extend(part);
        }
        rows
    }
}

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// 06:00 in Bogota.
pub(crate) fn morning(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::from_hms_opt(11, 0, 0).unwrap()).and_utc()
}

pub(crate) fn customer_id(number: u128) -> Uuid {
    Uuid::from_u128(0xC000 + number)
}

pub(crate) fn customer(tenant: &TestTenant, number: u128, country: &str) -> CustomerChanged {
    CustomerChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant.tenant_id.to_string(),
        customer_id: customer_id(number).to_string(),
        version: 1,
        code: format!("C-{number}"),
        party_kind: "company".into(),
        name: format!("Cliente {number}"),
        country: country.into(),
        payer_id: customer_id(number).to_string(),
        ..CustomerChanged::default()
    }
}

/// An invoice that is open.
pub(crate) fn invoice(
    tenant: &TestTenant,
    number: u128,
    customer: u128,
    issued: NaiveDate,
    due: NaiveDate,
) -> InvoiceChanged {
    InvoiceChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant.tenant_id.to_string(),
        invoice_id: Uuid::from_u128(number).to_string(),
        version: 1,
        legal_entity_id: tenant.legal_entity_id.to_string(),
        customer_id: customer_id(customer).to_string(),
        payer_id: customer_id(customer).to_string(),
        number: format!("F-{number}"),
        currency: "COP".into(),
        amount: "1000.00".into(),
        open_amount: "1000.00".into(),
        expected_net: "1000.00".into(),
        issue_date: issued.to_string(),
        due_date: due.to_string(),
        effective_due_date: due.to_string(),
        status: "open".into(),
        disputed_amount: "0.00".into(),
        recorded_at: Some(wire::timestamp(morning(issued))),
        ..InvoiceChanged::default()
    }
}

/// The same invoice once it is paid.
pub(crate) fn paid(invoice: &InvoiceChanged, on: NaiveDate) -> InvoiceChanged {
    InvoiceChanged {
        version: 2,
        status: "settled".into(),
        settled_on: on.to_string(),
        open_amount: "0.00".into(),
        expected_net: "0.00".into(),
        settlements: vec![Settlement {
            settlement_id: invoice.invoice_id.clone(),
            credit_id: invoice.invoice_id.clone(),
            kind: "cash".into(),
            amount: invoice.amount.clone(),
            value_date: on.to_string(),
            recorded_at: Some(wire::timestamp(morning(on))),
            inferred: false,
        }],
        ..invoice.clone()
    }
}

/// An objection to an invoice.
pub(crate) fn dispute(invoice: &InvoiceChanged, on: NaiveDate) -> DisputeChanged {
    DisputeChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: invoice.tenant_id.clone(),
        dispute_id: invoice.invoice_id.clone(),
        version: 1,
        invoice_id: invoice.invoice_id.clone(),
        customer_id: invoice.customer_id.clone(),
        reason: "quality".into(),
        status: "open".into(),
        currency: invoice.currency.clone(),
        opened_on: on.to_string(),
        recorded_at: Some(wire::timestamp(morning(on))),
        ..DisputeChanged::default()
    }
}

/// A bank file that vouches for payments.
pub(crate) fn bank(tenant: &TestTenant, version: u64, covered_until: Option<DateTime<Utc>>) -> SourceChanged {
    SourceChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant.tenant_id.to_string(),
        source_id: Uuid::from_u128(7).to_string(),
        version,
        code: "bank".into(),
        application_authority: "puntual".into(),
        mode: "events".into(),
        covers: vec!["payments".into()],
        covered_until: covered_until.map(wire::timestamp),
    }
}
