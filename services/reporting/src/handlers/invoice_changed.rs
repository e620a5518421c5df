//! A receivable was issued, settled, disputed or given more time.

use chrono::NaiveDate;
use contracts::ingestion::{InvoiceChanged, Settlement};
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use primitives::{Currency, Money};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use crate::domain::receivable;
use crate::store::invoices::{self, InvoiceRow, SettlementRow};

pub(super) async fn handle(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let events: Vec<InvoiceChanged> = decode_all(batch)?;
    let rows = events.into_iter().map(row).collect::<Result<_, _>>()?;
    Ok(invoices::save(conn, rows).await?)
}

fn row(event: InvoiceChanged) -> Result<InvoiceRow, HandlerError> {
    let currency = Currency::parse(&event.currency)?;
    let issue_date = wire::date("issue_date", &event.issue_date)?;
    let due_date = wire::date("due_date", &event.due_date)?;
    let overdue_from = receivable::overdue_from(issue_date, due_date);
    let settlements = event
        .settlements
        .iter()
        .map(|part| settlement(part, currency, issue_date, due_date, overdue_from))
        .collect::<Result<Vec<_>, _>>()?;
    let amount = Money::parse(&event.amount, currency)?.amount();
    let counted: Vec<(NaiveDate, Decimal)> = settlements.iter().map(|part| (part.counts_on, part.amount)).collect();
    Ok(InvoiceRow {
        tenant_id: wire::id("tenant_id", &event.tenant_id)?,
        invoice_id: wire::id("invoice_id", &event.invoice_id)?,
        version: wire::version("version", event.version)?,
        legal_entity_id: wire::id("legal_entity_id", &event.legal_entity_id)?,
        customer_id: wire::id("customer_id", &event.customer_id)?,
        payer_id: wire::id("payer_id", &event.payer_id)?,
        number: event.number,
        currency: currency.to_string(),
        amount,
        disputed_amount: amount_or_zero(&event.disputed_amount, currency)?,
        issue_date,
        due_date,
        effective_due_date: wire::optional_date("effective_due_date", &event.effective_due_date)?.unwrap_or(due_date),
        overdue_from,
        closed_on: receivable::closed_on(issue_date, amount, &counted),
        recorded_at: wire::instant("recorded_at", event.recorded_at.as_ref())?,
        settlements,
    })
}

fn settlement(
    part: &Settlement,
    currency: Currency,
    issue_date: NaiveDate,
    due_date: NaiveDate,
    overdue_from: NaiveDate,
) -> Result<SettlementRow, HandlerError> {
    let value_date = wire::date("settlements.value_date", &part.value_date)?;
    let counts_on = receivable::counts_on(value_date, issue_date);
    Ok(SettlementRow {
        settlement_id: wire::id("settlements.settlement_id", &part.settlement_id)?,
        credit_id: wire::id("settlements.credit_id", &part.credit_id)?,
        kind: part.kind.clone(),
        amount: Money::parse(&part.amount, currency)?.amount(),
        value_date,
        counts_on,
        counts_overdue_on: counts_on.max(overdue_from),
        days_late: i32::try_from(value_date.signed_duration_since(due_date).num_days())
            .map_err(|_| HandlerError::reject("settlements.value_date is out of range"))?,
        recorded_at: wire::instant("settlements.recorded_at", part.recorded_at.as_ref())?,
        inferred: part.inferred,
    })
}

/// Empty means that nothing is disputed.
fn amount_or_zero(text: &str, currency: Currency) -> Result<Decimal, HandlerError> {
    if text.is_empty() { Ok(Decimal::ZERO) } else { Ok(Money::parse(text, currency)?.amount()) }
}
