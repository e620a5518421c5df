//! The figures as text and pictures, ready for the template.

mod lists;
mod pictures;

use askama::Template;
use chrono::Days;
use rust_decimal::Decimal;

use self::lists::{AlertLine, CustomerLine, DayLine, PromiseLine};
use self::pictures::{AgingPicture, DsoPicture};
use super::board::Board;
use super::chart;
use crate::api::assets;
use crate::api::desk::Desk;
use crate::api::page::words::{Language, Words};
use crate::domain::dso::CountBack;
use crate::domain::figure::{DAYS_DIGITS, ratio, rounded};
use crate::domain::promise::PromisedMoney;

#[derive(Template)]
#[template(path = "dashboard.html")]
pub(super) struct Page<'a> {
    words: &'static Words,
    language: &'static str,
    other_language: &'static str,
    style: &'static str,
    tenant: &'a str,
    date: String,
    tabs: Vec<Tab<'a>>,
    /// The currency shown; empty while there are no invoices.
    currency: &'a str,
    tiles: Tiles,
    chart_width: i64,
    chart_height: i64,
    aging: AgingPicture,
    dso: DsoPicture,
    days: Vec<DayLine>,
    yesterday: String,
    today: String,
    promise_states: Vec<(&'static str, i64)>,
    promises_open: String,
    promises_due: Vec<PromiseLine>,
    promises_failed: Vec<PromiseLine>,
    customers: Vec<CustomerLine>,
    alerts: Vec<AlertLine>,
}

/// One currency in the switch.
struct Tab<'a> {
    code: &'a str,
    current: bool,
}

/// The headline figures.
#[derive(Default)]
struct Tiles {
    open: String,
    open_exact: String,
    open_items: String,
    disputed: Option<String>,
    overdue: String,
    overdue_exact: String,
    overdue_share: String,
    /// Whole percent, for the meter.
    overdue_percent: i64,
    dso: String,
    /// "better", "worse" or "same", and the words.
    trend: Option<(&'static str, String)>,
    best_possible: Option<String>,
    kept_rate: String,
    kept_rate_by_amount: String,
    unapplied: String,
    unapplied_exact: String,
    held: Option<String>,
}

pub(super) fn page<'a>(desk: &'a Desk, board: &'a Board, language: Language) -> Page<'a> {
    let currency = board.currency.as_deref().unwrap_or("");
    Page {
        words: language.words(),
        language: language.code(),
        other_language: match language {
            Language::Spanish => "en",
            Language::English => "es",
        },
        style: assets::STYLE,
        tenant: &desk.tenant_name,
        date: language.date(desk.today),
        tabs: board.currencies.iter().map(|code| Tab { code, current: code == currency }).collect(),
        currency,
        tiles: tiles(board, currency, language),
        chart_width: chart::WIDTH,
        chart_height: chart::HEIGHT,
        aging: pictures::aging(&board.aging, language),
        dso: pictures::dso(&board.month_ends, desk.today, language),
        days: lists::days(&board.yesterday, &board.today, language),
        yesterday: desk.today.checked_sub_days(Days::new(1)).map_or_else(String::new, |day| language.day(day)),
        today: language.day(desk.today),
        promise_states: lists::promise_states(&board.promises, language),
        promises_open: language.amount(board.promises_open.1, currency),
        promises_due: board.promises_due.iter().map(|promise| lists::promise(promise, language)).collect(),
        promises_failed: board.promises_failed.iter().map(|promise| lists::promise(promise, language)).collect(),
        customers: board.top_overdue.iter().map(|customer| lists::customer(customer, currency, language)).collect(),
        alerts: board.alerts.iter().map(|alert| lists::alert(alert, desk.zone, language)).collect(),
    }
}

fn tiles(board: &Board, currency: &str, language: Language) -> Tiles {
    let Some(now) = board.month_ends.last() else { return Tiles::default() };
    let items: i64 = board.aging.iter().map(|row| row.items).sum();
    let overdue_share = ratio(now.overdue, now.receivable);
    let unapplied: Decimal = board.unapplied.iter().map(|row| row.amount).sum();
    let held: Decimal = board.unapplied.iter().map(|row| row.held).sum();
    let shown = |amount: Decimal| (amount > Decimal::ZERO).then(|| language.amount(amount, currency));
    Tiles {
        open: language.short(now.receivable),
        open_exact: language.amount(now.receivable, currency),
        open_items: language.number(Decimal::from(items), 0),
        disputed: shown(board.disputes.1),
        overdue: language.short(now.overdue),
        overdue_exact: language.amount(now.overdue, currency),
        overdue_share: language.percent(overdue_share),
        overdue_percent: pictures::whole_percent(overdue_share),
        dso: count_back(now.dso_count_back, language),
        trend: trend(board, language),
        best_possible: now.dso_best_possible.map(|days| language.days(days)),
        kept_rate: language.percent(board.promises.kept_rate()),
        kept_rate_by_amount: language.percent(board.promised.as_ref().and_then(PromisedMoney::kept_rate)),
        unapplied: language.short(unapplied),
        unapplied_exact: language.amount(unapplied, currency),
        held: shown(held),
    }
}

/// Count-back DSO in words; `≥` where history is shorter than the debt.
fn count_back(value: CountBack, language: Language) -> String {
    match value {
        CountBack::Days(days) => language.days(days),
        CountBack::AtLeast(days) => format!("≥\u{a0}{}", language.days(days)),
    }
}

/// Today's count-back DSO against that of the last month's end; none where either is only a lower bound.
fn trend(board: &Board, language: Language) -> Option<(&'static str, String)> {
    let [.., before, now] = board.month_ends.as_slice() else { return None };
    let (CountBack::Days(then), CountBack::Days(today)) = (before.dso_count_back, now.dso_count_back) else {
        return None;
    };
    let change = rounded(today - then, DAYS_DIGITS);
    let (class, arrow) = match change.cmp(&Decimal::ZERO) {
        std::cmp::Ordering::Less => ("better", "▼"),
        std::cmp::Ordering::Equal => ("same", "="),
        std::cmp::Ordering::Greater => ("worse", "▲"),
    };
    let words = language.words();
    Some((class, format!("{arrow} {} {} {}", language.days(change.abs()), words.versus, language.month(before.month))))
}
