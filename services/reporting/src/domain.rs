//! What the figures mean. Pure: every function answers from its arguments, money and days are exact decimals.
//!
//! Formulas and their test vectors: the page of key figures in the README; each function names its own.

pub(crate) mod aging;
pub(crate) mod cei;
pub(crate) mod contacts;
pub(crate) mod dso;
pub(crate) mod figure;
pub(crate) mod month;
pub(crate) mod promise;
pub(crate) mod receivable;
pub(crate) mod series;
