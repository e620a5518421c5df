//! The shape of the answer.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Figures;
use crate::api::page::numbers::wire_amount;
use crate::domain::dso::CountBack;
use crate::domain::figure::{DAYS_DIGITS, PERCENT_DIGITS, RATE_DIGITS, fixed, ratio, ratio_of_counts};
use crate::domain::promise::PromisedMoney;
use crate::domain::series::MonthEnd;
use crate::store::credits::Unapplied;
use crate::store::recovery::{Lateness, Recovery};

#[derive(Debug, Serialize)]
pub(in crate::api) struct Kpis {
    /// The window; `to` is the day as of which balances are told.
    from: String,
    to: String,
    dso: Vec<Dso>,
    promises: Promises,
    reminders: Reminders,
    /// Alerts raised in the window.
    alerts: i64,
    alerts_by_kind: BTreeMap<String, Alerts>,
    unapplied: Vec<UnappliedCash>,
    weighted_days_late: Vec<DaysLate>,
    overdue_recovered: Vec<Cohort>,
    contact_to_promise: ContactToPromise,
}

/// One currency at the end of one month, or at the end of `to` in its month.
#[derive(Debug, Serialize)]
struct Dso {
    month: String,
    currency: String,
    /// Days.
    simple: Option<String>,
    /// Days; ">=90.0" where receivables exceed all sales on record.
    count_back: String,
    /// Days.
    best_possible: Option<String>,
    /// Days; overdue / sales × days, not the lateness of what was paid.
    average_days_delinquent: Option<String>,
    /// Percent.
    collection_effectiveness: Option<String>,
    receivable: String,
    overdue: String,
    sales: String,
}

/// Promises for days within the window.
#[derive(Debug, Serialize)]
struct Promises {
    open: i64,
    kept: i64,
    partially_kept: i64,
    broken: i64,
    withdrawn: i64,
    replaced: i64,
    /// kept / (kept + `partially_kept` + broken).
    kept_rate: Option<String>,
    broken_rate: Option<String>,
    by_amount: Vec<PromisedAmount>,
}

#[derive(Debug, Serialize)]
struct PromisedAmount {
    currency: String,
    promised: String,
    paid: String,
    kept_rate: Option<String>,
}

#[derive(Debug, Serialize)]
struct Reminders {
    decisions: i64,
    /// Messages.
    sent: i64,
    /// Decisions, by reason.
    held_back: BTreeMap<String, i64>,
    uncertain: i64,
    failed: i64,
    pending: i64,
}

#[derive(Debug, Serialize)]
struct Alerts {
    raised: i64,
    open: i64,
}

#[derive(Debug, Serialize)]
struct UnappliedCash {
    currency: String,
    kind: String,
    amount: String,
    held: String,
}

#[derive(Debug, Serialize)]
struct DaysLate {
    currency: String,
    amount: String,
    days: Option<String>,
}

#[derive(Debug, Serialize)]
struct Cohort {
    currency: String,
    accounts: i64,
    recovered_accounts: i64,
    account_rate: Option<String>,
    amount: String,
    recovered: String,
    amount_rate: Option<String>,
}

#[derive(Debug, Serialize)]
struct ContactToPromise {
    accounts: i64,
    promised: i64,
    rate: Option<String>,
}

pub(super) fn of(figures: Figures) -> Kpis {
    let rate = |value: Option<rust_decimal::Decimal>| value.map(|rate| fixed(rate, RATE_DIGITS));
    let (promises, contacts) = (figures.promises, figures.contacts);
    Kpis {
        from: figures.from.to_string(),
        to: figures.to.to_string(),
        dso: figures.month_ends.iter().map(dso).collect(),
        promises: Promises {
            open: promises.open,
            kept: promises.kept,
            partially_kept: promises.partially_kept,
            broken: promises.broken,
            withdrawn: promises.withdrawn,
            replaced: promises.replaced,
            kept_rate: rate(promises.kept_rate()),
            broken_rate: rate(promises.broken_rate()),
            by_amount: figures.promised.iter().map(promised_amount).collect(),
        },
        reminders: Reminders {
            decisions: contacts.decisions,
            sent: contacts.sent,
            held_back: contacts.held_back,
            uncertain: contacts.uncertain,
            failed: contacts.failed,
            pending: contacts.pending,
        },
        alerts: figures.alerts.iter().map(|count| count.raised).sum(),
        alerts_by_kind: figures
            .alerts
            .into_iter()
            .map(|count| (count.kind, Alerts { raised: count.raised, open: count.open }))
            .collect(),
        unapplied: figures.unapplied.into_iter().map(unapplied).collect(),
        weighted_days_late: figures.lateness.into_iter().map(days_late).collect(),
        overdue_recovered: figures.recovery.into_iter().map(recovered).collect(),
        contact_to_promise: ContactToPromise {
            accounts: figures.contacted.accounts,
            promised: figures.contacted.promised,
            rate: rate(ratio_of_counts(figures.contacted.promised, figures.contacted.accounts)),
        },
    }
}

fn dso(end: &MonthEnd) -> Dso {
    let days = |value: Option<rust_decimal::Decimal>| value.map(|days| fixed(days, DAYS_DIGITS));
    Dso {
        month: end.month.to_string(),
        currency: end.currency.clone(),
        simple: days(end.dso_simple),
        count_back: match end.dso_count_back {
            CountBack::Days(days) => fixed(days, DAYS_DIGITS),
            CountBack::AtLeast(days) => format!(">={}", fixed(days, DAYS_DIGITS)),
        },
        best_possible: days(end.dso_best_possible),
        average_days_delinquent: days(end.average_days_delinquent),
        collection_effectiveness: end.collection_effectiveness.map(|percent| fixed(percent, PERCENT_DIGITS)),
        receivable: wire_amount(end.receivable, &end.currency),
        overdue: wire_amount(end.overdue, &end.currency),
        sales: wire_amount(end.sales, &end.currency),
    }
}

fn promised_amount(money: &PromisedMoney) -> PromisedAmount {
    PromisedAmount {
        promised: wire_amount(money.promised, &money.currency),
        paid: wire_amount(money.paid, &money.currency),
        kept_rate: money.kept_rate().map(|rate| fixed(rate, RATE_DIGITS)),
        currency: money.currency.clone(),
    }
}

fn unapplied(row: Unapplied) -> UnappliedCash {
    UnappliedCash {
        amount: wire_amount(row.amount, &row.currency),
        held: wire_amount(row.held, &row.currency),
        currency: row.currency,
        kind: row.kind,
    }
}

fn days_late(row: Lateness) -> DaysLate {
    DaysLate {
        amount: wire_amount(row.amount, &row.currency),
        days: ratio(row.amount_days, row.amount).map(|days| fixed(days, DAYS_DIGITS)),
        currency: row.currency,
    }
}

fn recovered(row: Recovery) -> Cohort {
    Cohort {
        accounts: row.accounts,
        recovered_accounts: row.recovered_accounts,
        account_rate: ratio_of_counts(row.recovered_accounts, row.accounts).map(|rate| fixed(rate, RATE_DIGITS)),
        amount: wire_amount(row.amount, &row.currency),
        recovered: wire_amount(row.recovered, &row.currency),
        amount_rate: ratio(row.recovered, row.amount).map(|rate| fixed(rate, RATE_DIGITS)),
        currency: row.currency,
    }
}
