//! Dead letters that a person wants tried again: by the same handler, each in a transaction of its own.
//!
//! Whoever asks only marks rows (`dead_letter::request_redrive`), in whatever process; the role's consumers find the marks
//! within a second. A letter that is applied is deleted with its effects; one that is rejected again keeps its place, with
//! the new reason and without the mark. Either way `dead_letter_log` says so, for ever.

use std::time::Duration;

use contracts::Stream;
use sqlx::{Connection, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::consumer::{Delivery, Handler};
use crate::dead_letter::{self, Letter};
use crate::error::HandlerError;
use crate::poison::{self, Wanted};
use crate::relay::Wake;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Letters in one round; the next begins a moment later.
const ROUND: i64 = 200;

/// What a consumer lends for it.
pub(crate) struct Redrive<'a, H> {
    pub(crate) stream: Stream,
    pub(crate) service: &'static str,
    pub(crate) pool: &'a PgPool,
    pub(crate) handler: &'a H,
    pub(crate) wanted: &'a Wanted,
    pub(crate) wake: &'a Wake,
}

impl<H: Handler> Redrive<'_, H> {
    pub(crate) async fn run(&self, shutdown: &CancellationToken) {
        while !shutdown.is_cancelled() {
            match self.round().await {
                // As many as fit: there may be more.
                Ok(count) if count == ROUND => continue,
                Ok(_) => {}
                Err(error) => tracing::warn!(stream = self.stream.name, %error, "dead letters could not be looked at"),
            }
            tokio::select! { () = shutdown.cancelled() => {}, () = tokio::time::sleep(LOOK_EVERY) => {} }
        }
    }

    async fn round(&self) -> Result<i64, sqlx::Error> {
        let (waiting, requested) = dead_letter::count(&mut *self.pool.acquire().await?, self.stream).await?;
        metrics::gauge!("puntual_dead_letters", "stream" => self.stream.name, "service" => self.service)
            .set(f64::from(u32::try_from(waiting).unwrap_or(u32::MAX)));
        if requested == 0 {
            return Ok(0);
        }
        let mut tried = 0;
        for event_id in dead_letter::requested(&mut *self.pool.acquire().await?, self.stream, ROUND).await? {
            match self.again(event_id).await {
                Ok(()) => tried += 1,
                // The mark stays; the next round takes it up.
                Err(error) => {
                    tracing::warn!(stream = self.stream.name, %event_id, %error, "dead letter not tried again");
                }
            }
        }
        Ok(tried)
    }

    /// One letter, unless another replica has it.
    async fn again(&self, event_id: Uuid) -> Result<(), HandlerError> {
        let mut tx = self.pool.begin().await?;
        let Some(letter) = dead_letter::lock_requested(&mut tx, event_id).await? else { return Ok(()) };
        let outcome = match self.apply(&mut tx, &letter).await {
            Ok(()) => {
                dead_letter::applied(&mut tx, &letter).await?;
                "applied"
            }
            Err(HandlerError::Reject(reason)) => {
                dead_letter::rejected_again(&mut tx, &letter, &reason).await?;
                "rejected"
            }
            Err(error) => return Err(error),
        };
        tx.commit().await?;
        self.wake.notify();
        metrics::counter!("puntual_dead_letters_redriven_total", "stream" => self.stream.name,
            "service" => self.service, "outcome" => outcome)
        .increment(1);
        tracing::info!(stream = self.stream.name, %event_id, outcome, "dead letter tried again");
        Ok(())
    }

    async fn apply(&self, conn: &mut PgConnection, letter: &Letter) -> Result<(), HandlerError> {
        if let Some(reason) = self.wanted.unreadable(&letter.subject) {
            return Err(HandlerError::Reject(reason));
        }
        let delivery = Delivery::of_letter(letter);
        let mut savepoint = conn.begin().await?;
        let handled = match poison::handle(self.handler, &mut savepoint, &[delivery]).await {
            Ok(()) => dead_letter::check_constraints(&mut savepoint).await.map_err(HandlerError::from),
            Err(error) => Err(error),
        };
        match handled {
            Ok(()) => savepoint.commit().await?,
            Err(error) => {
                savepoint.rollback().await?;
                return Err(error);
            }
        }
        Ok(())
    }
}
