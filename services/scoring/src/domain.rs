//! What scoring knows without a database: which days may be closed, what an invoice says about its payer and on which
//! day, the learned state, and the decisions made from it. Pure and deterministic.

pub(crate) mod assessment;
pub(crate) mod calendar;
pub(crate) mod close;
pub(crate) mod evidence;
pub(crate) mod features;
pub(crate) mod model;
pub(crate) mod outlook;
pub(crate) mod rates;
pub(crate) mod reason;
pub(crate) mod receivable;
pub(crate) mod rules;
pub(crate) mod segment;
pub(crate) mod standing;
pub(crate) mod state;

#[cfg(test)]
mod confluence;
