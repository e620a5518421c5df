//! SQL, set-based: load many, save many. Rows become domain values here, and what is malformed is caught here.
#![allow(
    clippy::as_conversions,
    reason = "`as` inside a query macro names the type of a nullable array, it converts nothing"
)]

use primitives::MoneyError;

use crate::domain::promise::{PromiseKey, UnknownStatus};

pub(crate) mod alerts;
pub(crate) mod facts;
pub(crate) mod invoices;
pub(crate) mod plans;
pub(crate) mod promise_list;
pub(crate) mod promises;
pub(crate) mod sources;
pub(crate) mod words;

#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error("promise {promise}: {cause}", promise = .key.promise_id)]
    Amount { key: PromiseKey, cause: MoneyError },
    #[error("promise {promise}: {cause}", promise = .key.promise_id)]
    Status { key: PromiseKey, cause: UnknownStatus },
    #[error("promise {promise}: {zone:?} is not a time zone", promise = .key.promise_id)]
    Zone { key: PromiseKey, zone: String },
}

/// Two columns of the keys of promises.
pub(crate) fn columns<'a>(keys: impl IntoIterator<Item = &'a PromiseKey>) -> (Vec<uuid::Uuid>, Vec<uuid::Uuid>) {
    keys.into_iter().map(|key| (key.tenant_id, key.promise_id)).unzip()
}
