//! What payments left open of the invoices that they name.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use primitives::Currency;
use runtime::{Caller, Door, Problem};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::payments::approval;
use crate::api::accept::{self, Verdict, accept_decisions};
use crate::api::cash_rules;
use crate::api::reading::batch::Line;
use crate::domain::cash::chain::Chain;
use crate::domain::cash::differences::{Explanation, Short, explain};
use crate::domain::ledger::CreditKind;
use crate::domain::text::KEY_CHARS;
use crate::store;
use crate::store::context::LegalEntityRow;
use crate::store::credits::CreditRow;
use crate::store::parties::CustomerRow;
use crate::store::receivables::ReceivableRow;
use crate::store::settlements::SettlementRow;

/// Invoices that are looked at after one acceptance.
const LOOKED_AT_ONCE: i64 = 500;

pub(super) async fn apply(door: &Door, caller: &Caller) -> Result<(), Problem> {
    let tenant_id = caller.tenant_id;
    let mut tx = door.begin(tenant_id).await?;
    let noted = store::cash_rules::differences(&mut tx, tenant_id, LOOKED_AT_ONCE).await?;
    if noted.is_empty() {
        return Ok(());
    }
    let today = accept::now(door, &mut tx).await?.date_naive();
    let chain = cash_rules::in_force(&mut tx, tenant_id, today).await?;
    let known = Known::load(&mut tx, tenant_id, &noted).await?;
    tx.rollback().await?;
    let facts = noted.iter().filter_map(|(invoice_id, noted_at)| known.explained(&chain, *invoice_id, *noted_at));
    let lines: Vec<Line> =
        (1..).zip(facts).map(|(number, fact)| Line::new(number, 0, fact.to_string().into())).collect();
    if !lines.is_empty() {
        for verdict in accept_decisions(door, caller, &lines).await? {
            if let Verdict::Refused(findings) = verdict {
                // The invoice stays open and is asked for, as without the rule.
                tracing::warn!(?findings, "the explanation of a difference was refused");
            }
        }
    }
    // Facts are in first: what is looked at twice is the same fact twice.
    let mut tx = door.begin(tenant_id).await?;
    store::cash_rules::looked_at(&mut tx, tenant_id, &noted).await?;
    Ok(tx.commit().await?)
}

struct Known {
    invoices: BTreeMap<Uuid, ReceivableRow>,
    payers: BTreeMap<Uuid, CustomerRow>,
    settlements: BTreeMap<Uuid, Vec<SettlementRow>>,
    payments: BTreeMap<Uuid, CreditRow>,
    entities: BTreeMap<Uuid, LegalEntityRow>,
}

impl Known {
    async fn load(
        conn: &mut PgConnection,
        tenant_id: Uuid,
        noted: &[(Uuid, DateTime<Utc>)],
    ) -> Result<Self, sqlx::Error> {
        let ids: Vec<Uuid> = noted.iter().map(|(id, _)| *id).collect();
        let invoices = store::receivables::by_ids(conn, tenant_id, &ids).await?;
        let payers: std::collections::BTreeSet<Uuid> = invoices.iter().map(|row| row.payer_id).collect();
        let payers = store::parties::customers(conn, tenant_id, &payers.into_iter().collect::<Vec<_>>()).await?;
        let settlements = store::settlements::of_invoices(conn, tenant_id, &ids).await?;
        let paid = settlements.values().flatten().filter(|settled| settled.kind == CreditKind::Cash.as_str());
        let paid: std::collections::BTreeSet<Uuid> = paid.map(|settled| settled.credit_id).collect();
        let payments = store::credits::by_ids(conn, tenant_id, &paid.into_iter().collect::<Vec<_>>()).await?;
        let entities = store::context::legal_entities(conn, tenant_id).await?;
        Ok(Self {
            invoices: invoices.into_iter().map(|row| (row.invoice_id, row)).collect(),
            payers: payers.into_iter().map(|row| (row.customer_id, row)).collect(),
            settlements,
            payments: payments.into_iter().map(|row| (row.credit_id, row)).collect(),
            entities: entities.into_iter().map(|row| (row.legal_entity_id, row)).collect(),
        })
    }

    /// The fact that explains what is open of an invoice; the same for the same note.
    fn explained(&self, chain: &Chain, invoice_id: Uuid, noted_at: DateTime<Utc>) -> Option<Value> {
        let invoice = self.invoices.get(&invoice_id)?;
        let payer = self.payers.get(&invoice.payer_id)?;
        let entity = &self.entities.get(&invoice.legal_entity_id)?.code;
        let (paid_on, payment) = self.last_payment(invoice_id)?;
        let short = Short {
            currency: invoice.currency.clone(),
            scale: Currency::parse(&invoice.currency).map_or(2, |currency| currency.scale()),
            amount: invoice.amount,
            open: invoice.open_amount,
            paid: payment.paid_currency.as_deref().and_then(|code| Currency::parse(code).ok()),
            disputed: invoice.disputed_amount,
            expected_withholding: (invoice.expected_withholding - invoice.withheld_amount).max(Decimal::ZERO),
            country: payer.country.clone(),
            deductions: self.deductions(invoice_id),
        };
        let (fact_type, rule, data) = match explain(chain, &short)? {
            Explanation::Announced => return None,
            Explanation::Withheld(usual) => {
                let taxes: Vec<String> =
                    usual.iter().map(|usual| format!("{} ({})", usual.name, usual.verified_on)).collect();
                let data = json!({
                    "invoice": invoice.number,
                    "currency": invoice.currency,
                    "amount": (invoice.open_amount + invoice.withheld_amount).to_string(),
                    "regime": taxes.join(" + "),
                });
                ("withholding.expected", "withholding", data)
            }
            Explanation::Deducted(reason) => {
                let data = json!({
                    "dispute": key("deduction", entity, invoice),
                    "invoice": invoice.number,
                    "reason": reason,
                    "amount": invoice.open_amount.to_string(),
                    "opened_on": paid_on.to_string(),
                });
                ("dispute.opened", "deduction", data)
            }
            Explanation::Tolerated(kind) => {
                let data = json!({
                    "settlement": key("difference", entity, invoice),
                    "kind": kind.as_str(),
                    "payer": payer.code,
                    "invoice": invoice.number,
                    "currency": invoice.currency,
                    "amount": invoice.open_amount.to_string(),
                    "value_date": paid_on.to_string(),
                    "closes": true,
                });
                let rule = if kind == CreditKind::FxDifference { "exchange" } else { "tolerance" };
                ("settlement.recorded", rule, data)
            }
        };
        Some(json!({
            "id": format!("rule {rule} {invoice_id} {}", noted_at.timestamp_micros()),
            "source": payment.source,
            "type": fact_type,
            "time": noted_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            "source_version": noted_at.timestamp_micros(),
            "legal_entity": entity,
            "actor": "puntual",
            "approval": approval(chain),
            "data": data,
        }))
    }

    /// The last payment that names the invoice, and when it counts.
    fn last_payment(&self, invoice_id: Uuid) -> Option<(NaiveDate, &CreditRow)> {
        let settled = self.settlements.get(&invoice_id)?.iter().filter(|settled| !settled.inferred);
        let payments = settled.filter_map(|settled| Some((settled.value_date, self.payments.get(&settled.credit_id)?)));
        payments.max_by(|(on, one), (other_on, other)| (on, &one.number).cmp(&(other_on, &other.number)))
    }

    fn deductions(&self, invoice_id: Uuid) -> Vec<(Decimal, String)> {
        let settled = self.settlements.get(&invoice_id).into_iter().flatten();
        let payments = settled.filter_map(|settled| self.payments.get(&settled.credit_id));
        let parts = payments.flat_map(|payment| payment.parts.iter()).filter(|part| part.invoice_id == invoice_id);
        parts.filter_map(|part| Some((part.deduction?, part.reason.clone().unwrap_or_default()))).collect()
    }
}

/// One for each invoice, readable where it fits.
fn key(what: &str, entity: &str, invoice: &ReceivableRow) -> String {
    let readable = format!("{what} {entity}/{}", invoice.number);
    if readable.chars().count() <= KEY_CHARS { readable } else { format!("{what} {}", invoice.invoice_id) }
}
