//! What a handler is not given, and what becomes of one that breaks.

use std::any::Any;
use std::collections::{BTreeSet, HashSet};
use std::panic::AssertUnwindSafe;

use contracts::{Stream, subject};
use futures::FutureExt;
use sqlx::PgConnection;

use crate::consumer::{Delivery, Handler};
use crate::error::HandlerError;

/// The subjects of a handler.
#[derive(Debug)]
pub(crate) struct Wanted(HashSet<&'static str>);

impl Wanted {
    pub(crate) fn of<H: Handler>(handler: &H) -> Self {
        Self(handler.subjects().into_iter().collect())
    }

    /// Whether the event is to be read: also in a major version that nobody here can read (D2).
    pub(crate) fn wants(&self, subject: &str) -> bool {
        self.0.contains(subject) || self.unreadable(subject).is_some()
    }

    /// What of `stream` has to be delivered: what is wanted, in whichever major version, and the marks of barriers.
    pub(crate) fn filters(&self, stream: Stream) -> BTreeSet<String> {
        let fence = subject::fence_raised(stream.service);
        let subjects = self.0.iter().copied().chain([fence.as_str()]);
        subjects.filter_map(|subject| subject.rsplit_once(".v")).map(|(stem, _)| format!("{stem}.*")).collect()
    }

    /// Why an event that is wanted cannot be read: it is of another major version than the one that is known.
    pub(crate) fn unreadable(&self, subject: &str) -> Option<String> {
        if self.0.contains(subject) {
            return None;
        }
        let (stem, major) = subject.rsplit_once(".v")?;
        let known = self.0.iter().filter_map(|known| known.rsplit_once(".v")).find(|(known, _)| *known == stem);
        known.map(|(_, known)| format!("version {major} of {stem} cannot be read here, only version {known}"))
    }

    /// Parts a batch into what the handler can read, and the rest with the reasons.
    pub(crate) fn part(&self, batch: Vec<Delivery>) -> (Vec<Delivery>, Vec<(Delivery, String)>) {
        let mut unreadable = Vec::new();
        let readable = batch
            .into_iter()
            .filter_map(|delivery| match self.unreadable(&delivery.subject) {
                Some(reason) => {
                    unreadable.push((delivery, reason));
                    None
                }
                None => Some(delivery),
            })
            .collect();
        (readable, unreadable)
    }
}

/// Gives events to the handler. A panic rejects them: it says something about an event, and must not end the consumer.
pub(crate) async fn handle<H: Handler>(
    handler: &H,
    conn: &mut PgConnection,
    batch: &[Delivery],
) -> Result<(), HandlerError> {
    if batch.is_empty() {
        return Ok(());
    }
    match AssertUnwindSafe(handler.handle(conn, batch)).catch_unwind().await {
        Ok(result) => result,
        Err(panic) => Err(HandlerError::reject(format!("the handler panicked: {}", words(panic.as_ref())))),
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_major_version_is_wanted_and_cannot_be_read() {
        let wanted = Wanted(HashSet::from(["puntual.ingestion.invoice.changed.v1"]));
        for (subject, wants, is_readable) in [
            ("puntual.ingestion.invoice.changed.v1", true, true),
            ("puntual.ingestion.invoice.changed.v2", true, false),
            ("puntual.ingestion.invoice.changed.v10", true, false),
            ("puntual.ingestion.customer.changed.v1", false, true),
            ("puntual.ingestion.fence.raised.v1", false, true),
            ("puntual", false, true),
        ] {
            assert_eq!(
                (wanted.wants(subject), wanted.unreadable(subject).is_none()),
                (wants, is_readable),
                "{subject}"
            );
        }
    }
}
