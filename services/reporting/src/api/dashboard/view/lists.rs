//! The lists of the page, line by line.

use chrono_tz::Tz;
use primitives::civil;
use rust_decimal::Decimal;

use super::pictures::whole_percent;
use crate::api::page::words::Language;
use crate::domain::contacts::ContactTally;
use crate::domain::promise::PromiseTally;
use crate::store::aging::OverdueCustomer;
use crate::store::alerts::OpenAlert;
use crate::store::promises::PromiseToWatch;

/// One line of what was sent and held back, yesterday and today.
pub(super) struct DayLine {
    pub(super) label: String,
    pub(super) yesterday: i64,
    pub(super) today: i64,
    /// "main", "trouble" or "reason".
    pub(super) class: &'static str,
}

pub(super) struct PromiseLine {
    pub(super) customer: String,
    pub(super) amount: String,
    pub(super) paid: String,
    pub(super) day: String,
    pub(super) state: String,
    pub(super) state_class: String,
}

pub(super) struct CustomerLine {
    pub(super) customer: String,
    pub(super) code: String,
    pub(super) country: String,
    pub(super) overdue: String,
    pub(super) items: i64,
    pub(super) days: i32,
    pub(super) segment: String,
    /// Code of the segment, for its colour.
    pub(super) segment_class: String,
    pub(super) p_late: String,
    /// Whole percent, for the meter.
    pub(super) p_late_percent: i64,
}

pub(super) struct AlertLine {
    pub(super) kind: String,
    pub(super) customer: String,
    pub(super) amount: String,
    pub(super) since: String,
}

pub(super) fn days(yesterday: &ContactTally, today: &ContactTally, language: Language) -> Vec<DayLine> {
    let words = language.words();
    let line = |label: &str, yesterday, today, class| DayLine { label: label.to_owned(), yesterday, today, class };
    let mut lines = vec![line(words.sent, yesterday.sent, today.sent, "main")];
    for (label, then, now, class) in [
        (words.pending, yesterday.pending, today.pending, "reason"),
        (words.failed, yesterday.failed, today.failed, "trouble"),
        (words.uncertain, yesterday.uncertain, today.uncertain, "trouble"),
    ] {
        if then + now > 0 {
            lines.push(line(label, then, now, class));
        }
    }
    lines.push(line(words.decisions, yesterday.decisions, today.decisions, "main"));
    lines.push(line(words.held_back, yesterday.held_back_total(), today.held_back_total(), "main"));
    let mut reasons: Vec<&String> = yesterday.held_back.keys().chain(today.held_back.keys()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    let count = |tally: &ContactTally, reason: &String| tally.held_back.get(reason).copied().unwrap_or(0);
    let mut held: Vec<DayLine> = reasons
        .into_iter()
        .map(|reason| line(&language.term(reason), count(yesterday, reason), count(today, reason), "reason"))
        .collect();
    held.sort_by_key(|line| std::cmp::Reverse(line.yesterday + line.today));
    lines.extend(held);
    lines
}

/// Matured promises by outcome.
pub(super) fn promise_states(tally: &PromiseTally, language: Language) -> Vec<(&'static str, i64)> {
    let words = language.words();
    vec![(words.kept, tally.kept), (words.partially_kept, tally.partially_kept), (words.broken, tally.broken)]
}

pub(super) fn promise(promise: &PromiseToWatch, language: Language) -> PromiseLine {
    PromiseLine {
        customer: name(promise.customer_name.as_deref(), promise.customer_code.as_deref()),
        amount: format!("{} {}", promise.currency, language.amount(promise.amount, &promise.currency)),
        paid: language.amount(promise.paid_amount, &promise.currency),
        day: language.day(promise.promised_date),
        state: language.term(&promise.status),
        state_class: promise.status.clone(),
    }
}

pub(super) fn customer(customer: &OverdueCustomer, currency: &str, language: Language) -> CustomerLine {
    let code = customer.code.clone().unwrap_or_default();
    let shown = name(customer.name.as_deref(), customer.code.as_deref());
    CustomerLine {
        code: if shown == code { String::new() } else { code },
        customer: shown,
        country: customer.country.clone().unwrap_or_default(),
        overdue: language.amount(customer.overdue, currency),
        items: customer.items,
        days: customer.days_past_due,
        segment: customer.segment.as_deref().map_or_else(|| "–".to_owned(), |code| language.term(code)),
        segment_class: customer.segment.clone().unwrap_or_default(),
        p_late: language.percent(customer.p_late),
        p_late_percent: whole_percent(customer.p_late),
    }
}

pub(super) fn alert(alert: &OpenAlert, zone: Tz, language: Language) -> AlertLine {
    let amount = alert.amount.zip(alert.currency.as_deref());
    AlertLine {
        kind: language.term(&alert.kind),
        customer: name(alert.customer_name.as_deref(), alert.customer_code.as_deref()),
        amount: amount.map_or_else(String::new, |(amount, code): (Decimal, &str)| {
            format!("{code} {}", language.amount(amount, code))
        }),
        since: language.day(civil::day_of(alert.raised_at, zone)),
    }
}

/// What a customer is called: the company's name, else the source's number.
fn name(name: Option<&str>, code: Option<&str>) -> String {
    name.filter(|name| !name.is_empty()).or(code.filter(|code| !code.is_empty())).unwrap_or("–").to_owned()
}
