//! The figures of the page, for one currency and today.

use chrono::{Days, NaiveDate};
use primitives::civil;
use rust_decimal::Decimal;

use crate::api::desk::Desk;
use crate::domain::aging::{AgingClock, AgingRow, age};
use crate::domain::contacts::ContactTally;
use crate::domain::month::Month;
use crate::domain::promise::{PromiseTally, PromisedMoney};
use crate::domain::series::{self, MonthEnd};
use crate::store::aging::OverdueCustomer;
use crate::store::alerts::OpenAlert;
use crate::store::credits::Unapplied;
use crate::store::promises::PromiseToWatch;
use crate::store::{aging, alerts, credits, decisions, disputes, ledger, messages, promises};

/// Rows of each list: what fits on a screen; the rest is for worklists.
const LIST_ROWS: i64 = 8;
const TOP_CUSTOMERS: i64 = 10;
const CHART_MONTHS: u32 = 12;
/// Window of the promise rates: a quarter smooths over single large promises.
const PROMISE_DAYS: u64 = 90;
/// "This week" is the last seven days, so that Friday's failures are seen on Monday.
const RECENT_DAYS: u64 = 6;

pub(super) struct Board {
    /// All currencies in which anything is or was owed, the one with most open items first.
    pub(super) currencies: Vec<String>,
    /// The one shown; `None` while there are no invoices.
    pub(super) currency: Option<String>,
    pub(super) month_ends: Vec<MonthEnd>,
    pub(super) aging: Vec<AgingRow>,
    pub(super) disputes: (i64, Decimal),
    pub(super) unapplied: Vec<Unapplied>,
    pub(super) promises: PromiseTally,
    pub(super) promised: Option<PromisedMoney>,
    pub(super) promises_open: (i64, Decimal),
    pub(super) promises_due: Vec<PromiseToWatch>,
    pub(super) promises_failed: Vec<PromiseToWatch>,
    pub(super) yesterday: ContactTally,
    pub(super) today: ContactTally,
    pub(super) top_overdue: Vec<OverdueCustomer>,
    pub(super) alerts: Vec<OpenAlert>,
}

pub(super) async fn collect(desk: &mut Desk, wanted: Option<&str>) -> Result<Board, sqlx::Error> {
    let (tenant_id, today, zone) = (desk.tenant_id, desk.today, desk.zone);
    let conn = &mut *desk.conn;
    let ledger = ledger::movements(conn, tenant_id, today).await?;
    let aged = age(&aging::open_by_days(conn, tenant_id, today, AgingClock::Original).await?);
    let currencies = by_open_items(ledger.keys().cloned().collect(), &aged);
    let currency = currencies.iter().find(|code| Some(code.as_str()) == wanted).or(currencies.first()).cloned();
    let shown = currency.as_deref().unwrap_or("");
    let month_ends = series::month_ends(&ledger, Month::of(today).back(CHART_MONTHS - 1), today);

    let quarter = promises::groups(conn, tenant_id, days_before(today, PROMISE_DAYS - 1), today).await?;
    let recently = civil::start_of_day(days_before(today, RECENT_DAYS), zone);
    let yesterday = days_before(today, 1);
    Ok(Board {
        month_ends: month_ends.into_iter().filter(|end| end.currency == shown).collect(),
        aging: aged.into_iter().filter(|row| row.currency == shown).collect(),
        disputes: disputes::open(conn, tenant_id, shown).await?,
        unapplied: of_currency(credits::unapplied(conn, tenant_id, today).await?, shown),
        promises: PromiseTally::of(&quarter),
        promised: PromisedMoney::of(&quarter).into_iter().find(|money| money.currency == shown),
        promises_open: promises::open_in(conn, tenant_id, shown).await?,
        promises_due: promises::due(conn, tenant_id, today, LIST_ROWS).await?,
        promises_failed: promises::failed_since(conn, tenant_id, recently, LIST_ROWS).await?,
        yesterday: contacts(conn, tenant_id, yesterday).await?,
        today: contacts(conn, tenant_id, today).await?,
        top_overdue: aging::top_overdue(conn, tenant_id, today, shown, TOP_CUSTOMERS).await?,
        alerts: alerts::open(conn, tenant_id, LIST_ROWS).await?,
        currencies,
        currency,
    })
}

async fn contacts(
    conn: &mut sqlx::PgConnection,
    tenant_id: uuid::Uuid,
    day: NaiveDate,
) -> Result<ContactTally, sqlx::Error> {
    let decided = decisions::groups(conn, tenant_id, day, day).await?;
    let sent = messages::groups(conn, tenant_id, day, day).await?;
    Ok(ContactTally::of(&decided, &sent))
}

/// Amounts of different currencies cannot be compared, numbers of items can.
fn by_open_items(mut currencies: Vec<String>, aged: &[AgingRow]) -> Vec<String> {
    let items = |code: &str| -> i64 { aged.iter().filter(|row| row.currency == code).map(|row| row.items).sum() };
    currencies.sort_by(|a, b| items(b).cmp(&items(a)).then_with(|| a.cmp(b)));
    currencies
}

fn of_currency(rows: Vec<Unapplied>, currency: &str) -> Vec<Unapplied> {
    rows.into_iter().filter(|row| row.currency == currency).collect()
}

fn days_before(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}
