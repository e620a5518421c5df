//! What ingestion decides, without I/O: what a fact says, which of two changes is newer, where money lies.

pub(crate) mod cash;
pub(crate) mod fact;
pub(crate) mod hold;
pub(crate) mod ledger;
pub(crate) mod order;
pub(crate) mod receivable;
pub(crate) mod settings;
pub(crate) mod standing;
pub(crate) mod text;
