//! The two charts, and the tables that say the same.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::super::chart::{self, Axes, Bar, Point, Tick};
use super::count_back;
use crate::api::page::words::Language;
use crate::domain::aging::AgingRow;
use crate::domain::figure::ratio;
use crate::domain::series::MonthEnd;

pub(super) struct AgingPicture {
    pub(super) bars: Vec<AgingBar>,
}

pub(super) struct AgingBar {
    pub(super) shape: Bar,
    /// Class of its colour, by age.
    pub(super) class: String,
    pub(super) label: String,
    pub(super) short: String,
    pub(super) exact: String,
    pub(super) share: String,
    pub(super) items: String,
}

pub(super) fn aging(rows: &[AgingRow], language: Language) -> AgingPicture {
    let total: Decimal = rows.iter().map(|row| row.amount).sum();
    let amounts: Vec<Decimal> = rows.iter().map(|row| row.amount).collect();
    let bars = rows
        .iter()
        .zip(chart::bars(&amounts))
        .enumerate()
        .map(|(age, (row, shape))| AgingBar {
            shape,
            class: format!("age{age}"),
            label: language.term(row.bucket.code()),
            short: language.short(row.amount),
            exact: language.amount(row.amount, &row.currency),
            share: language.percent(ratio(row.amount, total)),
            items: language.number(Decimal::from(row.items), 0),
        })
        .collect();
    AgingPicture { bars }
}

pub(super) struct DsoPicture {
    pub(super) ticks: Vec<Tick>,
    pub(super) months: Vec<DsoMonth>,
    pub(super) simple_path: String,
    pub(super) count_back_path: String,
}

pub(super) struct DsoMonth {
    pub(super) x: i64,
    pub(super) label: String,
    pub(super) full_label: String,
    pub(super) simple: String,
    pub(super) count_back: String,
    pub(super) simple_point: Option<Point>,
    pub(super) count_back_point: Option<Point>,
    pub(super) receivable: String,
    pub(super) sales: String,
}

/// In the first days of a month hardly anything is sold, and the simple method divides by it: the line leaves out a
/// month that is not over, the table shows its figure.
pub(super) fn dso(ends: &[MonthEnd], today: NaiveDate, language: Language) -> DsoPicture {
    let whole = |end: &MonthEnd| end.month.last_day() <= today;
    let simple: Vec<Option<Decimal>> = ends.iter().map(|end| end.dso_simple.filter(|_| whole(end))).collect();
    let counted: Vec<Option<Decimal>> = ends.iter().map(|end| Some(end.dso_count_back.days())).collect();
    let highest = simple.iter().chain(&counted).flatten().copied().max().unwrap_or_default();
    let axes = Axes::new(ends.len(), highest);
    let (simple, counted) = (axes.points(&simple), axes.points(&counted));
    let months = ends
        .iter()
        .zip(simple.iter().zip(&counted))
        .zip(0_i64..)
        .map(|((end, (simple_point, count_back_point)), slot)| DsoMonth {
            x: axes.x(slot),
            label: language.month(end.month),
            full_label: language.month_and_year(end.month),
            simple: end.dso_simple.map_or_else(|| "–".to_owned(), |days| language.days(days)),
            count_back: count_back(end.dso_count_back, language),
            simple_point: *simple_point,
            count_back_point: *count_back_point,
            receivable: language.amount(end.receivable, &end.currency),
            sales: language.amount(end.sales, &end.currency),
        })
        .collect();
    DsoPicture { months, simple_path: chart::path(&simple), count_back_path: chart::path(&counted), ticks: axes.ticks }
}

/// A share as a whole number of percent, 0 without one.
pub(super) fn whole_percent(share: Option<Decimal>) -> i64 {
    share.and_then(|share| (share * Decimal::ONE_HUNDRED).round().to_i64()).unwrap_or(0)
}
