//! An item of a list beside what the ledger knows of it: the facts that make them agree.
//!
//! | the list shows | facts |
//! | --- | --- |
//! | an invoice that is not known, or other terms | `invoice.issued` |
//! | less open than known | `clearing.observed` over the difference |
//! | more open than known | earlier clearings told again with less, newest first; what they do not explain is a disagreement |
//! | money on account that is not known so | `credit.observed` |
//! | nothing of that any more | `credit.observed` over zero |
//! | nothing of an invoice any more | `clearing.observed` over all that is open |
//! | a customer that nobody has described | `customer.upserted` |

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use primitives::ids::{self, Kind};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::api::reading::open_item::OpenItem;
use crate::domain::text::KEY_CHARS;
use crate::store::credits::CreditRow;
use crate::store::parties::CustomerRow;
use crate::store::receivables::ReceivableRow;
use crate::store::snapshots::{ListedRow, OpenRow};

/// Whose list, of which moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct List<'a> {
    pub(super) tenant_id: Uuid,
    pub(super) source: &'a str,
    pub(super) as_of: DateTime<Utc>,
}

/// What is known of one item: nothing, the first time.
#[derive(Debug, Default, Clone)]
pub(super) struct Standing<'a> {
    pub(super) invoice: Option<&'a ReceivableRow>,
    pub(super) customer: Option<&'a CustomerRow>,
    /// Clearings in force, newest first, each with what it settles.
    pub(super) clearings: Vec<(&'a CreditRow, Decimal)>,
}

/// Ids of the customer and the payer that an item names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parties {
    pub(super) customer_id: Uuid,
    pub(super) payer_id: Uuid,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Difference {
    pub(super) facts: Vec<Value>,
    pub(super) is_new: bool,
    pub(super) has_other_terms: bool,
    pub(super) moved: Option<Moved>,
    /// So much more is open in the list than the ledger can give back: money that Puntual knows of and the source does not.
    pub(super) disagreement: Decimal,
}

/// What is open, beside what was known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    Reduced,
    Reopened,
}

impl List<'_> {
    /// What an item of the list changes.
    pub(super) fn compare(
        &self,
        item: &OpenItem,
        entity: (&str, Tz),
        parties: Parties,
        standing: &Standing<'_>,
    ) -> Difference {
        let mut difference = Difference::default();
        let (entity, zone) = entity;
        if let Some(name) = &item.customer_name
            && standing.customer.is_none_or(|customer| customer.provisional)
        {
            difference.facts.push(self.customer(item, name));
        }
        let known = standing.invoice;
        let open = item.open_amount.amount();
        let amount =
            item.amount.map_or_else(|| known.map_or(open, |known| known.amount.max(open)), |amount| amount.amount());
        // Nothing open of nothing known is no news.
        if known.is_none() && open.is_zero() {
            return difference;
        }
        let day = self.as_of.with_timezone(&zone).date_naive();
        let told = Terms { item, amount, day, known };
        difference.is_new = known.is_none();
        difference.has_other_terms = known.is_some_and(|known| told.differ(known, parties));
        if difference.is_new || difference.has_other_terms {
            difference.facts.push(self.fact("invoice.issued", &item.invoice, entity, &told.data()));
        }
        let settled = known.map_or(Decimal::ZERO, |known| known.amount - known.open_amount);
        let wanted = amount - open;
        if wanted > settled {
            difference.moved = Some(Moved::Reduced);
            let payer = item.payer.as_ref().unwrap_or(&item.customer);
            let currency = item.open_amount.currency();
            difference.facts.push(self.clearing(&item.invoice, entity, payer, currency.code(), wanted - settled, day));
        } else if wanted < settled {
            self.reopen(item, entity, settled - wanted, standing, &mut difference);
        }
        difference
    }

    /// An open invoice that the list does not show.
    pub(super) fn close(&self, row: &OpenRow, zone: Tz) -> Value {
        let day = self.as_of.with_timezone(&zone).date_naive();
        self.clearing(&row.number, &row.legal_entity, &row.payer, &row.currency, row.open_amount, day)
    }

    /// What money on account changes; `known` is the credit as it is.
    pub(super) fn compare_credit(
        &self,
        item: &OpenItem,
        entity: (&str, Tz),
        parties: Parties,
        customer: Option<&CustomerRow>,
        known: Option<&CreditRow>,
    ) -> Difference {
        let mut difference = Difference::default();
        let (entity, zone) = entity;
        if let Some(name) = &item.customer_name
            && customer.is_none_or(|customer| customer.provisional)
        {
            difference.facts.push(self.customer(item, name));
        }
        let amount = -item.open_amount.amount();
        let currency = item.open_amount.currency();
        let same_owner =
            known.is_some_and(|known| known.payer_id == parties.payer_id && known.currency == currency.code());
        if known.is_some_and(|known| known.amount == amount) && same_owner {
            return difference;
        }
        difference.is_new = known.is_none();
        difference.has_other_terms = known.is_some();
        // As it was first shown: a later list does not move the day on which money came.
        let day = known.map(|known| known.value_date).or(item.issue_date).or(item.due_date);
        let data = json!({
            "credit": self.credit_number(entity, &item.invoice),
            "payer": item.payer.as_ref().unwrap_or(&item.customer),
            "currency": currency.code(),
            "amount": text(amount),
            "value_date": day.unwrap_or_else(|| self.as_of.with_timezone(&zone).date_naive()).to_string(),
        });
        difference.facts.push(self.fact("credit.observed", &item.invoice, entity, &data));
        difference
    }

    /// Money on account that the list does not show any more.
    pub(super) fn close_credit(&self, row: &ListedRow) -> Value {
        let data = json!({
            "credit": row.number,
            "payer": row.payer,
            "currency": row.currency,
            "amount": "0",
            "value_date": row.value_date.to_string(),
        });
        self.fact("credit.observed", &row.number, &row.legal_entity, &data)
    }

    /// Numbers of documents are each legal entity's own.
    pub(super) fn credit_number(&self, entity: &str, number: &str) -> String {
        self.key(&[entity, "/", number])
    }

    /// The source has told all it knows up to the list's moment.
    pub(super) fn covered(&self) -> Value {
        self.envelope("source.covered", "covered", &json!({"covered_until": self.moment()}))
    }

    fn reopen(
        &self,
        item: &OpenItem,
        entity: &str,
        mut missing: Decimal,
        standing: &Standing<'_>,
        difference: &mut Difference,
    ) {
        for (credit, settles) in &standing.clearings {
            let less = missing.min(*settles);
            if less.is_zero() {
                break;
            }
            missing -= less;
            difference.moved = Some(Moved::Reopened);
            let data = json!({
                "clearing": credit.number,
                "payer": item.payer.as_ref().unwrap_or(&item.customer),
                "invoice": item.invoice,
                "currency": item.open_amount.currency().code(),
                "amount": text(*settles - less),
                "value_date": credit.value_date.to_string(),
            });
            difference.facts.push(self.fact("clearing.observed", &credit.number, entity, &data));
        }
        difference.disagreement = missing;
    }

    fn customer(&self, item: &OpenItem, name: &str) -> Value {
        let mut data =
            Map::from_iter([("customer".to_owned(), json!(item.customer)), ("name".to_owned(), json!(name))]);
        if let Some(country) = &item.country {
            data.insert("country".to_owned(), json!(country));
        }
        self.envelope("customer.upserted", &item.customer, &Value::Object(data))
    }

    fn clearing(
        &self,
        invoice: &str,
        entity: &str,
        payer: &str,
        currency: &str,
        amount: Decimal,
        day: chrono::NaiveDate,
    ) -> Value {
        let data = json!({
            "clearing": self.key(&[invoice, "@", &self.moment()]),
            "payer": payer,
            "invoice": invoice,
            "currency": currency,
            "amount": text(amount),
            "value_date": day.to_string(),
        });
        self.fact("clearing.observed", invoice, entity, &data)
    }

    fn fact(&self, fact_type: &str, object: &str, entity: &str, data: &Value) -> Value {
        let mut fact = self.envelope(fact_type, &format!("{entity}/{object}"), data);
        if let Some(members) = fact.as_object_mut() {
            members.insert("legal_entity".to_owned(), json!(entity));
        }
        fact
    }

    fn envelope(&self, fact_type: &str, object: &str, data: &Value) -> Value {
        let moment = self.moment();
        json!({
            "id": self.key(&["list ", &moment, " ", fact_type, " ", object]),
            "source": self.source,
            "type": fact_type,
            "time": moment,
            "data": data,
        })
    }

    fn moment(&self) -> String {
        self.as_of.to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }

    /// The parts as one key; where that would be too long, one derived from it.
    fn key(&self, parts: &[&str]) -> String {
        let whole = parts.concat();
        if whole.chars().count() <= KEY_CHARS {
            return whole;
        }
        ids::derive(self.tenant_id, Kind::Snapshot, &[&whole]).to_string()
    }
}

/// The terms of an invoice as the list and, where it is silent, the ledger tell them.
struct Terms<'a> {
    item: &'a OpenItem,
    amount: Decimal,
    /// Of the list.
    day: chrono::NaiveDate,
    known: Option<&'a ReceivableRow>,
}

impl Terms<'_> {
    /// A line without one is refused.
    fn due(&self) -> chrono::NaiveDate {
        self.item.due_date.unwrap_or(self.day)
    }

    fn issued(&self) -> chrono::NaiveDate {
        let told = self.item.issue_date.or_else(|| self.known.map(|known| known.issue_date));
        told.unwrap_or(self.day).min(self.due())
    }

    fn effective(&self) -> chrono::NaiveDate {
        let extended = self.known.map(|known| known.effective_due_date).filter(|day| *day > self.due());
        self.item.effective_due_date.or(extended).unwrap_or_else(|| self.due())
    }

    fn delivered(&self) -> Option<chrono::NaiveDate> {
        self.item.delivered_date.or_else(|| self.known.and_then(|known| known.delivered_date))
    }

    /// Only of an invoice that is new here: from then on Puntual remembers itself what it sent.
    fn dunned(&self) -> Option<chrono::NaiveDate> {
        if let Some(known) = self.known {
            return known.last_dunned_on;
        }
        let without_day = self.item.dunning_level.is_some_and(|level| level > 0).then_some(self.day);
        self.item.last_dunned_on.or(without_day)
    }

    fn withholding(&self) -> Decimal {
        let known = self.known.map_or(Decimal::ZERO, |known| known.expected_withholding);
        self.item.expected_withholding.map_or(known, |amount| amount.amount()).min(self.amount)
    }

    fn differ(&self, known: &ReceivableRow, parties: Parties) -> bool {
        known.customer_id != parties.customer_id
            || known.payer_id != parties.payer_id
            || known.currency != self.item.open_amount.currency().code()
            || known.amount != self.amount
            || known.issue_date != self.issued()
            || known.due_date != self.due()
            || known.effective_due_date != self.effective()
            || known.delivered_date != self.delivered()
            || known.expected_withholding != self.withholding()
    }

    fn data(&self) -> Value {
        let mut data = Map::new();
        let mut say = |name: &str, value: String| drop(data.insert(name.to_owned(), Value::String(value)));
        say("invoice", self.item.invoice.clone());
        say("customer", self.item.customer.clone());
        if let Some(payer) = &self.item.payer {
            say("payer", payer.clone());
        }
        say("amount", text(self.amount));
        say("currency", self.item.open_amount.currency().code().to_owned());
        say("issue_date", self.issued().to_string());
        say("due_date", self.due().to_string());
        if self.effective() != self.due() {
            say("effective_due_date", self.effective().to_string());
        }
        if let Some(delivered) = self.delivered() {
            say("delivered_date", delivered.to_string());
        }
        if let Some(dunned) = self.dunned() {
            say("last_dunned_on", dunned.to_string());
        }
        if !self.withholding().is_zero() {
            say("expected_withholding", text(self.withholding()));
        }
        Value::Object(data)
    }
}

fn text(amount: Decimal) -> String {
    amount.normalize().to_string()
}
