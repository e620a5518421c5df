//! Facts about what debtors promise.

use chrono::NaiveDate;
use chrono_tz::Tz;
use primitives::Money;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PromiseMade {
    pub(crate) promise: String,
    pub(crate) customer: String,
    pub(crate) invoices: Vec<String>,
    pub(crate) amount: Money,
    pub(crate) promised_date: NaiveDate,
    pub(crate) made_on: NaiveDate,
    pub(crate) channel: String,
    pub(crate) replaces: Option<String>,
    pub(crate) time_zone: Option<Tz>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PromiseWithdrawn {
    pub(crate) promise: String,
    pub(crate) withdrawn_on: NaiveDate,
}

/// A debtor pays by instalments: a promise for each.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlanAgreed {
    pub(crate) plan: String,
    pub(crate) customer: String,
    pub(crate) invoices: Vec<String>,
    /// What the instalments sum to.
    pub(crate) amount: Money,
    /// One after the other; at least one.
    pub(crate) instalments: Vec<Instalment>,
    pub(crate) agreed_on: NaiveDate,
    pub(crate) channel: String,
    pub(crate) time_zone: Option<Tz>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Instalment {
    pub(crate) promised_date: NaiveDate,
    pub(crate) amount: Money,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlanWithdrawn {
    pub(crate) plan: String,
    pub(crate) withdrawn_on: NaiveDate,
}
