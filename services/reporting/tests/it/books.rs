//! What tests write: events as the other roles publish them, and questions as people ask them.

use chrono::{DateTime, Utc};
use contracts::ingestion::{CreditChanged, CustomerChanged, DisputeChanged, InvoiceChanged, Settlement};
use contracts::promises::{AlertChanged, PromiseChanged};
use contracts::reminders::{MessageChanged, ReminderDecided};
use contracts::scoring::{CustomerScored, SegmentAssigned};
use contracts::{Event, SCHEMA_REV, wire};
use primitives::ids::{self, Kind};
use reporting::{Config, ReportingConfig};
use testkit::{Bed, Role, TestTenant};

/// Mid-day of 15 June 2026 in Bogota, the day on which all stories are told.
pub(crate) const NOW: &str = "2026-06-15T17:00:00Z";

/// A role with a virtual clock that stands at [`NOW`].
pub(crate) struct Office {
    pub(crate) bed: Bed,
    _role: Role,
}

impl Office {
    pub(crate) async fn open() -> Self {
        let bed = Bed::start_virtual(contracts::stream::REPORTING, &reporting::MIGRATIONS).await;
        let settings = ReportingConfig { https: false, promise_window_days: 7 };
        let config = Config { frame: bed.frame_config(), reporting: settings };
        // Written before the role starts: this role decides nothing by ticks, it only reads what day it is.
        sqlx::query("UPDATE virtual_clock SET instant = $1").bind(instant(NOW)).execute(&bed.worker()).await.unwrap();
        let role = bed.run(|shutdown| reporting::run(config, shutdown)).await;
        Self { bed, _role: role }
    }

    pub(crate) async fn get(&self, key: &str, path: &str) -> reqwest::Response {
        client().get(format!("{}{path}", self.bed.base_url())).bearer_auth(key).send().await.unwrap()
    }

    pub(crate) async fn json(&self, key: &str, path: &str) -> serde_json::Value {
        let response = self.get(key, path).await;
        let (status, body) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    pub(crate) async fn html(&self, key: &str, path: &str) -> String {
        let response = self.get(key, path).await;
        let (status, body) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}

/// A client that follows no redirect.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Any event that the role listens to.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    Customer(CustomerChanged),
    Invoice(Box<InvoiceChanged>),
    Credit(CreditChanged),
    Dispute(DisputeChanged),
    Score(CustomerScored),
    Segment(SegmentAssigned),
    Decision(ReminderDecided),
    Message(MessageChanged),
    Promise(PromiseChanged),
    Alert(AlertChanged),
}

impl Told {
    pub(crate) async fn publish(&self, bed: &Bed) {
        match self {
            Self::Customer(event) => send(bed, event).await,
            Self::Invoice(event) => send(bed, event.as_ref()).await,
            Self::Credit(event) => send(bed, event).await,
            Self::Dispute(event) => send(bed, event).await,
            Self::Score(event) => send(bed, event).await,
            Self::Segment(event) => send(bed, event).await,
            Self::Decision(event) => send(bed, event).await,
            Self::Message(event) => send(bed, event).await,
            Self::Promise(event) => send(bed, event).await,
            Self::Alert(event) => send(bed, event).await,
        }
    }
}

async fn send<E: Event>(bed: &Bed, event: &E) {
    bed.publish(event).await;
}

/// The books of one tenant.
pub(crate) struct Books<'a>(pub(crate) &'a TestTenant);

impl Books<'_> {
    fn tenant(&self) -> String {
        self.0.tenant_id.to_string()
    }

    fn id(&self, kind: Kind, code: &str) -> String {
        ids::derive(self.0.tenant_id, kind, &[code]).to_string()
    }

    pub(crate) fn customer(&self, code: &str, name: &str) -> Told {
        Told::Customer(CustomerChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: self.tenant(),
            customer_id: self.id(Kind::Customer, code),
            version: 1,
            code: code.into(),
            party_kind: "company".into(),
            name: name.into(),
            country: "CO".into(),
            ..CustomerChanged::default()
        })
    }

    /// An invoice with settlements (kind, amount, value date); the version grows with them.
    pub(crate) fn invoice(
        &self,
        (number, customer): (&str, &str),
        (currency, amount): (&str, &str),
        (issued, due): (&str, &str),
        settlements: &[(&str, &str, &str)],
    ) -> Told {
        let parts = settlements.iter().zip(1..).map(|((kind, amount, day), index)| Settlement {
            settlement_id: self.id(Kind::Settlement, &format!("{number}/{index}")),
            credit_id: self.id(Kind::Credit, &format!("{number}/{index}")),
            kind: (*kind).into(),
            amount: (*amount).into(),
            value_date: (*day).into(),
            recorded_at: Some(wire::timestamp(instant(NOW))),
            inferred: false,
        });
        Told::Invoice(Box::new(InvoiceChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: self.tenant(),
            invoice_id: self.id(Kind::Invoice, number),
            version: u64::try_from(settlements.len()).unwrap() + 1,
            legal_entity_id: self.0.legal_entity_id.to_string(),
            customer_id: self.id(Kind::Customer, customer),
            payer_id: self.id(Kind::Customer, customer),
            number: number.into(),
            currency: currency.into(),
            amount: amount.into(),
            open_amount: amount.into(),
            expected_net: amount.into(),
            issue_date: issued.into(),
            due_date: due.into(),
            effective_due_date: due.into(),
            status: "open".into(),
            settlements: parts.collect(),
            disputed_amount: "0".into(),
            recorded_at: Some(wire::timestamp(instant(NOW))),
            ..InvoiceChanged::default()
        }))
    }

    pub(crate) fn credit(&self, code: &str, (currency, amount): (&str, &str), applied: &str, day: &str) -> Told {
        let on_account =
            amount.parse::<rust_decimal::Decimal>().unwrap() - applied.parse::<rust_decimal::Decimal>().unwrap();
        Told::Credit(CreditChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: self.tenant(),
            credit_id: self.id(Kind::Credit, code),
            version: 1,
            legal_entity_id: self.0.legal_entity_id.to_string(),
            payer_id: self.id(Kind::Customer, "C-1"),
            kind: "cash".into(),
            number: code.into(),
            currency: currency.into(),
            amount: amount.into(),
            applied: applied.into(),
            on_account: on_account.to_string(),
            waiting: "0".into(),
            held: "0".into(),
            value_date: day.into(),
            recorded_at: Some(wire::timestamp(instant(NOW))),
        })
    }

    pub(crate) fn dispute(&self, code: &str, invoice: &str) -> Told {
        Told::Dispute(DisputeChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: self.tenant(),
            dispute_id: self.id(Kind::Dispute, code),
            version: 1,
            invoice_id: self.id(Kind::Invoice, invoice),
            customer_id: self.id(Kind::Customer, "C-1"),
            reason: "pricing".into(),
            status: "open".into(),
            opened_on: "2026-06-01".into(),
            recorded_at: Some(wire::timestamp(instant(NOW))),
            ..DisputeChanged::default()
        })
    }

    pub(crate) fn score(&self, customer: &str, p_late: &str) -> Told {
        Told::Score(CustomerScored {
            schema_rev: SCHEMA_REV,
            tenant_id: self.tenant(),
            customer_id: self.id(Kind::Customer, customer),
            version: 1,
            p_late: p_late.into(),
            mean_days_late: "12.50".into(),
            observations: 9,
            learned_through: "2026-06-14".into(),
            model_version: "1".into(),
            scored_at: Some(wire::timestamp(instant(NOW))),
            ..CustomerScored::default()
        })
    }

    pub(crate) fn segment(&self, customer: &str, segment: &str) -> Told {
        Told::Segment(SegmentAssigned {
            schema_rev: SCHEMA_REV,
            tenant_id: self.tenant(),
            customer_id: self.id(Kind::Customer, customer),
            version: 1,
            segment: segment.into(),
            rules_version: "1".into(),
            reasons: vec!["late_share=0.62>=0.50".into(), "history=9".into()],
            assigned_at: Some(wire::timestamp(instant(NOW))),
        })
    }

    /// A decision of step 0 of an invoice; `message` carries it when it is sent.
    pub(crate) fn decision(&self, code: &str, (outcome, reason): (&str, &str), message: &str, day: &str) -> Told {
        Told::Decision(ReminderDecided {
            schema_rev: SCHEMA_REV,
            tenant_id: self.tenant(),
            decision_id: self.id(Kind::Fact, code),
            customer_id: self.id(Kind::Customer, "C-1"),
            invoice_id: self.id(Kind::Invoice, code),
            strategy: "friendly".into(),
            strategy_version: 1,
            outcome: outcome.into(),
            reason: reason.into(),
            message_id: if message.is_empty() { String::new() } else { self.id(Kind::Message, message) },
            day: day.into(),
            decided_at: Some(wire::timestamp(instant(NOW))),
            ..ReminderDecided::default()
        })
    }

    pub(crate) fn message(&self, code: &str, version: u64, (status, reason): (&str, &str), day: &str) -> Told {
        Told::Message(MessageChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: self.tenant(),
            message_id: self.id(Kind::Message, code),
            version,
            customer_id: self.id(Kind::Customer, "C-1"),
            contact_id: self.id(Kind::Contact, "C-1"),
            channel: "email".into(),
            status: status.into(),
            reason: reason.into(),
            day: day.into(),
            invoice_ids: vec![self.id(Kind::Invoice, "F-1")],
            level: 1,
            changed_at: Some(wire::timestamp(instant(NOW))),
        })
    }

    pub(crate) fn promise(
        &self,
        code: &str,
        version: u64,
        status: &str,
        (amount, paid): (&str, &str),
        (made, promised): (&str, &str),
    ) -> Told {
        Told::Promise(PromiseChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: self.tenant(),
            promise_id: self.id(Kind::Promise, code),
            version,
            customer_id: self.id(Kind::Customer, "C-1"),
            invoice_ids: vec![self.id(Kind::Invoice, "F-1")],
            amount: amount.into(),
            currency: "COP".into(),
            paid_amount: paid.into(),
            promised_date: promised.into(),
            status: status.into(),
            changed_at: Some(wire::timestamp(instant(NOW))),
            legal_entity_id: self.0.legal_entity_id.to_string(),
            made_on: made.into(),
            ..PromiseChanged::default()
        })
    }

    pub(crate) fn alert(&self, code: &str, version: u64, status: &str, raised_at: &str) -> Told {
        Told::Alert(AlertChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: self.tenant(),
            alert_id: self.id(Kind::Alert, code),
            version,
            kind: "promise_broken".into(),
            customer_id: self.id(Kind::Customer, "C-1"),
            subject_id: self.id(Kind::Promise, code),
            status: status.into(),
            amount: "500.00".into(),
            currency: "COP".into(),
            raised_at: Some(wire::timestamp(instant(raised_at))),
            ..AlertChanged::default()
        })
    }

    /// A quarter of a small distributor: two currencies, every kind of event.
    pub(crate) fn quarter(&self) -> Vec<Told> {
        let cash = "cash";
        vec![
            self.customer("C-1", "Ferretería El Tornillo"),
            self.customer("C-2", "<script>alert('x')</script> & Hijos"),
            self.invoice(("F-1", "C-1"), ("COP", "80000.00"), ("2026-04-10", "2026-05-10"), &[]),
            self.invoice(
                ("F-1", "C-1"),
                ("COP", "80000.00"),
                ("2026-04-10", "2026-05-10"),
                &[(cash, "30000.00", "2026-05-20")],
            ),
            self.invoice(("F-2", "C-1"), ("COP", "90000.00"), ("2026-05-05", "2026-06-05"), &[]),
            self.invoice(
                ("F-2", "C-1"),
                ("COP", "90000.00"),
                ("2026-05-05", "2026-06-05"),
                &[(cash, "40000.00", "2026-05-30"), ("withholding", "5000.00", "2026-06-02")],
            ),
            self.invoice(("F-3", "C-2"), ("COP", "60000.00"), ("2026-06-03", "2026-06-15"), &[]),
            self.invoice(("F-4", "C-2"), ("COP", "1000.00"), ("2026-02-01", "2026-02-10"), &[]),
            self.invoice(
                ("F-5", "C-2"),
                ("COP", "7000.00"),
                ("2026-04-01", "2026-04-30"),
                &[(cash, "7000.00", "2026-03-20")],
            ),
            self.invoice(("U-1", "C-2"), ("USD", "1500.50"), ("2026-05-15", "2026-06-14"), &[]),
            self.credit("F-1/1", ("COP", "35000.00"), "30000.00", "2026-05-20"),
            self.dispute("D-1", "F-3"),
            self.score("C-1", "0.625000"),
            self.segment("C-1", "often_late"),
            self.segment("C-2", "high_risk"),
            self.decision("F-1", ("send", ""), "M-1", "2026-06-15"),
            self.decision("F-2", ("send", ""), "M-1", "2026-06-15"),
            self.decision("F-3", ("suppressed", "disputed"), "", "2026-06-15"),
            self.decision("F-4", ("superseded", ""), "", "2026-06-14"),
            self.decision("F-5", ("send", ""), "M-2", "2026-06-14"),
            self.message("M-1", 1, ("planned", ""), "2026-06-15"),
            self.message("M-1", 4, ("sent", ""), "2026-06-15"),
            self.message("M-2", 2, ("suppressed", "paid"), "2026-06-14"),
            self.promise("P-1", 1, "open", ("500.00", "0"), ("2026-06-01", "2026-06-05")),
            self.promise("P-1", 2, "broken", ("500.00", "0"), ("2026-06-01", "2026-06-05")),
            self.promise("P-2", 2, "kept", ("1500.00", "1500.00"), ("2026-06-15", "2026-06-15")),
            self.promise("P-3", 1, "open", ("300.00", "0"), ("2026-06-10", "2026-06-15")),
            self.alert("P-1", 1, "raised", "2026-06-06T05:00:00Z"),
        ]
    }
}

/// Publishes and waits until all of it is applied.
pub(crate) async fn tell(office: &Office, told: &[Told]) {
    for event in told {
        event.publish(&office.bed).await;
    }
    office.bed.applied().await;
}
