//! The model of scoring.md §3: how likely an invoice is paid late, how late, and why. The one module that calculates with
//! floats.
//!
//! What is learned must not depend on the machine or on the order of arrival (D9). So sums are made in a fixed order, by
//! (day, invoice), and everything is made of + − × ÷ and square roots: IEEE 754 defines those to the last bit, which it
//! does not for `exp` and `ln`. Nothing is set for one tenant: what differs between tenants is learned.
//!
//! | file | |
//! |---|---|
//! | `statistics` | decayed cells |
//! | `arithmetic` | exp, ln and what is made of them |
//! | `pace` | what is remembered of how a customer, a group or a tenant pays |
//! | `inputs` | the inputs of the regression for one invoice, by name and family |
//! | `regression` | their weights, learned label by label |
//! | `forecast` | the days, from what was seen and the probability |
//! | `payment_run` | what of a delay is the payer's calendar |
//! | `dispute` | what a dispute of the invoice itself says |
//! | `shift` | whether somebody has begun to pay differently |
//! | `record` | how well all this has foretold |
//! | `memory` | what of it is written down, and how |
//! | `reasons` | what a collector is told of it |
//! | `learner` | a tenant as a whole: the close of a day |
#![allow(
    clippy::float_arithmetic,
    reason = "scores are statistics, not money; this module is the only place where floats meet"
)]

mod arithmetic;
mod dispute;
pub(crate) mod forecast;
pub(crate) mod inputs;
pub(crate) mod learner;
pub(crate) mod memory;
pub(crate) mod pace;
mod payment_run;
mod reasons;
pub(crate) mod record;
mod regression;
pub(crate) mod shift;
pub(crate) mod statistics;
