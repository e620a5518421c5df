//! The role's own settings, as they stand in `config.default.toml`.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use primitives::{BusinessCalendar, Currency};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::domain::policy::{Policy, Roll};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Bank days.
    pub tolerance_days: u32,
    /// Percent of the promised amount, 0 to 100.
    pub tolerance_percent: Decimal,
    /// For each currency.
    pub tolerance_amounts: BTreeMap<String, Decimal>,
    roll: Roll,
    /// Bank days.
    pub unconfirmed_cap_days: u32,
    pub bank_holidays: Vec<NaiveDate>,
    /// Rows in one transaction.
    pub batch: u32,
}

impl Settings {
    pub(crate) fn policy(&self) -> anyhow::Result<Policy> {
        anyhow::ensure!(self.batch > 0, "batch is 0");
        let percent = self.tolerance_percent;
        anyhow::ensure!(
            (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(&percent),
            "tolerance_percent {percent} is not between 0 and 100"
        );
        let mut amounts = BTreeMap::new();
        for (code, amount) in &self.tolerance_amounts {
            let currency = Currency::parse(&code.to_uppercase())
                .map_err(|error| anyhow::anyhow!("tolerance_amounts: {code} is {error}"))?;
            anyhow::ensure!(*amount >= Decimal::ZERO, "tolerance_amounts: {code} is negative");
            amounts.insert(currency, *amount);
        }
        Ok(Policy {
            tolerance_days: self.tolerance_days,
            tolerance_percent: percent,
            tolerance_amounts: amounts,
            roll: self.roll,
            unconfirmed_cap_days: self.unconfirmed_cap_days,
            calendar: BusinessCalendar::new(self.bank_holidays.iter().copied()),
        })
    }
}
