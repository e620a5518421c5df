//! What must hold before anything of a list counts.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use primitives::{Currency, Money};
use runtime::Problem;
use rust_decimal::Decimal;
use serde::Serialize;

use super::Said;
use crate::domain::text::{self, TEXT_CHARS};

/// A fall of what is open that no month end explains.
const MAX_DROP_PERCENT: u8 = 30;
/// Where less is open, a few payments are a large part.
const DROP_COUNTS_FROM: usize = 20;

#[derive(Debug, Default)]
pub(super) struct Control {
    count: Option<usize>,
    sums: BTreeMap<Currency, Decimal>,
    max_drop_percent: Decimal,
    /// Who agrees to any drop.
    pub(super) accepted_by: Option<String>,
}

/// Items and what is open of them, by currency.
#[derive(Debug, Default, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = ListTotals)]
pub(in crate::api) struct Totals {
    pub(super) count: usize,
    pub(super) sums: BTreeMap<String, Decimal>,
}

impl Totals {
    pub(super) fn add(&mut self, currency: &str, amount: Decimal) {
        self.count += 1;
        *self.sums.entry(currency.to_owned()).or_default() += amount;
    }
}

/// What is open before a list is applied, and what of it the list does not show.
#[derive(Debug, Default, Clone)]
pub(super) struct Drop {
    pub(super) open: Totals,
    pub(super) absent: Totals,
}

impl Control {
    pub(super) fn of(said: &Said) -> Result<Self, Problem> {
        let count = said
            .count
            .as_deref()
            .map(|count| count.parse().map_err(|_| Problem::parameter("count", "a whole number of lines is expected")));
        let percent = said.max_drop.as_deref().map(|percent| {
            let percent = percent.parse::<u8>().ok().filter(|percent| *percent <= 100);
            percent.ok_or_else(|| Problem::parameter("max_drop", "per cent, from 0 to 100, is expected"))
        });
        let accepted_by = said.accept_drop.as_deref().map(|name| {
            let name = text::text(name, TEXT_CHARS).map(str::to_owned);
            name.map_err(|error| Problem::parameter("accept_drop", error.to_string()))
        });
        Ok(Self {
            count: count.transpose()?,
            sums: sums(said.sums.as_deref().unwrap_or_default())?,
            max_drop_percent: percent.transpose()?.unwrap_or(MAX_DROP_PERCENT).into(),
            accepted_by: accepted_by.transpose()?,
        })
    }

    /// Compares the control totals with what was read.
    pub(super) fn check(&self, lines: usize, read: &Totals) -> Result<(), Problem> {
        let mut wrong = Vec::new();
        if let Some(count) = self.count.filter(|count| *count != lines) {
            wrong.push(format!("{count} lines were announced, {lines} came"));
        }
        for (currency, sum) in &self.sums {
            let found = read.sums.get(currency.code()).copied().unwrap_or_default();
            if found != *sum {
                wrong.push(format!("{sum} {currency} were announced as open, {found} could be read"));
            }
        }
        if wrong.is_empty() {
            return Ok(());
        }
        let problem = Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "control-total",
            "The list is not the one that was announced",
        );
        Err(problem.detail(wrong.join("; ")))
    }

    /// Why the list must not be applied unless somebody agrees.
    pub(super) fn forbids(&self, drop: &Drop, items: usize) -> Option<String> {
        if self.accepted_by.is_some() || drop.absent.count == 0 {
            return None;
        }
        if items == 0 {
            return Some(format!("the list is empty and {} items are open", drop.open.count));
        }
        if drop.open.count < DROP_COUNTS_FROM {
            return None;
        }
        let exceeds = |part: Decimal, whole: Decimal| part * Decimal::ONE_HUNDRED > whole * self.max_drop_percent;
        if exceeds(drop.absent.count.into(), drop.open.count.into()) {
            return Some(format!("{} of {} open items are not in it", drop.absent.count, drop.open.count));
        }
        drop.absent.sums.iter().find_map(|(currency, part)| {
            let whole = drop.open.sums.get(currency).copied().unwrap_or_default();
            exceeds(*part, whole).then(|| format!("{part} of {whole} {currency} that are open are not in it"))
        })
    }
}

/// `COP:1250000.00,USD:310.50`.
fn sums(text: &str) -> Result<BTreeMap<Currency, Decimal>, Problem> {
    let wrong = |detail: String| Problem::parameter("sums", detail);
    let mut sums = BTreeMap::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (code, amount) =
            part.split_once(':').ok_or_else(|| wrong("COP:1250000.00,USD:310.50 is expected".to_owned()))?;
        let currency = Currency::parse(code).map_err(|error| wrong(error.to_string()))?;
        let amount = Money::parse(amount, currency).map_err(|error| wrong(error.to_string()))?;
        if sums.insert(currency, amount.amount()).is_some() {
            return Err(wrong(format!("{code} is there twice")));
        }
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(count: usize, cop: u32) -> Totals {
        Totals { count, sums: BTreeMap::from([("COP".to_owned(), cop.into())]) }
    }

    fn control(said: &[(&str, &str)]) -> Result<Control, Problem> {
        let value = |name: &str| said.iter().find(|(told, _)| *told == name).map(|(_, value)| (*value).to_owned());
        Control::of(&Said {
            source: None,
            as_of: None,
            profile: None,
            count: value("count"),
            sums: value("sums"),
            max_drop: value("max_drop"),
            accept_drop: value("accept_drop"),
        })
    }

    #[test]
    fn announced_totals_must_be_found() {
        let control = control(&[("count", "3"), ("sums", "COP:150.00")]).unwrap();
        assert!(control.check(3, &totals(3, 150)).is_ok());
        assert!(control.check(2, &totals(2, 150)).is_err(), "a line is missing");
        assert!(control.check(3, &totals(3, 149)).is_err(), "an amount is another");
        assert!(
            super::sums("COP:1.005").is_err() && super::sums("COP").is_err() && super::sums("COP:1,COP:2").is_err()
        );
    }

    #[test]
    fn a_list_that_lost_its_half_closes_nothing() {
        let drop = |absent: usize, open: usize, absent_sum: u32, open_sum: u32| Drop {
            open: totals(open, open_sum),
            absent: totals(absent, absent_sum),
        };
        let strict = control(&[]).unwrap();
        assert!(strict.forbids(&drop(30, 100, 300, 1_000), 70).is_none(), "as much as may vanish");
        assert!(strict.forbids(&drop(31, 100, 300, 1_000), 69).is_some(), "too many");
        assert!(strict.forbids(&drop(5, 100, 301, 1_000), 95).is_some(), "few, but large");
        assert!(strict.forbids(&drop(9, 19, 900, 1_000), 10).is_none(), "a small portfolio");
        assert!(strict.forbids(&drop(1, 1, 1, 1), 0).is_some(), "an empty list is never believed");
        let seen = control(&[("accept_drop", "Ana, treasury")]).unwrap();
        assert!(seen.forbids(&drop(100, 100, 1, 1), 0).is_none());
    }
}
