//! Facts as sources tell them: the workload's words, and their form on the wire.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Companies that collect; both know their customers and invoices by the same codes.
pub(crate) const TENANTS: [&str; 2] = ["andina", "boreal"];

/// When on its day a fact is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Moment {
    /// Before the ticks.
    Feed,
    /// While the ticks run.
    Meanwhile,
    /// Accepted while nothing leaves ingestion, right before a tick of reminders that waits for nothing.
    Blind,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fact {
    pub tenant: usize,
    /// The source's own id of the fact.
    pub id: String,
    /// Orders the changes of one object.
    pub version: u32,
    /// Index into the days of the schedule.
    pub day: usize,
    pub moment: Moment,
    pub told: Told,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Part {
    pub invoice: String,
    pub amount: Option<Decimal>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Told {
    Customer {
        code: String,
    },
    Contact {
        customer: String,
    },
    Invoice {
        number: String,
        customer: String,
        currency: String,
        amount: Decimal,
        issued: NaiveDate,
        due: NaiveDate,
        effective: Option<NaiveDate>,
    },
    Payment {
        number: String,
        payer: String,
        currency: String,
        amount: Decimal,
        on: NaiveDate,
        parts: Vec<Part>,
    },
    CreditNote {
        number: String,
        customer: String,
        currency: String,
        amount: Decimal,
        on: NaiveDate,
        parts: Vec<Part>,
    },
    DisputeOpened {
        code: String,
        invoice: String,
        amount: Option<Decimal>,
        on: NaiveDate,
    },
    DisputeResolved {
        code: String,
        on: NaiveDate,
    },
    Promise {
        code: String,
        customer: String,
        invoice: String,
        currency: String,
        amount: Decimal,
        made: NaiveDate,
        until: NaiveDate,
    },
    Withdrawn {
        code: String,
        on: NaiveDate,
    },
    /// The source has told everything before the start of this day.
    Covered {
        source: String,
        day: NaiveDate,
    },
}

impl Fact {
    pub(crate) fn source(&self) -> &str {
        match &self.told {
            Told::Payment { .. } => "bank",
            Told::Covered { source, .. } => source,
            _ => "erp",
        }
    }

    pub(crate) fn json(&self) -> Value {
        let (kind, data) = self.told.json(self.tenant);
        json!({
            "id": self.id, "source": self.source(), "type": kind, "time": "2026-01-01T12:00:00Z",
            "source_version": self.version.to_string(), "data": data })
    }
}

/// Where the payables of a customer are read.
pub(crate) fn address(tenant: usize, customer: &str) -> String {
    format!("{}@{}.example", customer.to_lowercase(), TENANTS[tenant])
}

impl Told {
    /// The dispute or promise that begins with this fact.
    pub(crate) fn opens(&self) -> Option<&str> {
        match self {
            Self::DisputeOpened { code, .. } | Self::Promise { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The dispute or promise that ends with it.
    pub(crate) fn answers(&self) -> Option<&str> {
        match self {
            Self::DisputeResolved { code, .. } | Self::Withdrawn { code, .. } => Some(code),
            _ => None,
        }
    }

    fn json(&self, tenant: usize) -> (&'static str, Value) {
        let parts = |parts: &[Part]| -> Vec<Value> {
            parts
                .iter()
                .map(|part| match part.amount {
                    Some(amount) => json!({ "invoice": part.invoice, "amount": amount.to_string() }),
                    None => json!({ "invoice": part.invoice }),
                })
                .collect()
        };
        match self {
            Self::Customer { code } => (
                "customer.upserted",
                json!({ "customer": code, "name": format!("Comercial {code}"), "country": "CO",
                        "time_zone": "America/Bogota", "language": "es" }),
            ),
            Self::Contact { customer } => (
                "contact.upserted",
                json!({ "contact": format!("K-{customer}"), "customer": customer, "name": "Ana Ruiz",
                        "email": address(tenant, customer), "role": "payables" }),
            ),
            Self::Invoice { number, customer, currency, amount, issued, due, effective } => {
                let mut data = json!({ "invoice": number, "customer": customer, "amount": amount.to_string(),
                    "currency": currency, "issue_date": issued, "due_date": due });
                if let Some(effective) = effective {
                    data["effective_due_date"] = json!(effective);
                }
                ("invoice.issued", data)
            }
            Self::Payment { number, payer, currency, amount, on, parts: named } => (
                "payment.received",
                json!({ "payment": number, "payer": payer, "amount": amount.to_string(), "currency": currency,
                        "value_date": on, "remittance": parts(named) }),
            ),
            Self::CreditNote { number, customer, currency, amount, on, parts: named } => (
                "credit_note.issued",
                json!({ "credit_note": number, "customer": customer, "amount": amount.to_string(),
                        "currency": currency, "issue_date": on, "invoices": parts(named) }),
            ),
            Self::DisputeOpened { code, invoice, amount, on } => {
                let mut data = json!({ "dispute": code, "invoice": invoice, "reason": "quality", "opened_on": on });
                if let Some(amount) = amount {
                    data["amount"] = json!(amount.to_string());
                }
                ("dispute.opened", data)
            }
            Self::DisputeResolved { code, on } => ("dispute.resolved", json!({ "dispute": code, "resolved_on": on })),
            Self::Promise { code, customer, invoice, currency, amount, made, until } => (
                "promise.made",
                json!({ "promise": code, "customer": customer, "invoices": [invoice], "amount": amount.to_string(),
                        "currency": currency, "made_on": made, "promised_date": until, "channel": "call",
                        "time_zone": "America/Bogota" }),
            ),
            Self::Withdrawn { code, on } => ("promise.withdrawn", json!({ "promise": code, "withdrawn_on": on })),
            Self::Covered { day, .. } => ("source.covered", json!({ "covered_until": format!("{day}T05:00:00Z") })),
        }
    }
}
