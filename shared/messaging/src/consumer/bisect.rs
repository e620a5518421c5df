//! What is done about a batch that was rejected: its cause is found and set aside, alone.

use contracts::subject;
use sqlx::{Connection, PgConnection};

use super::{Consumer, Delivery, Handler, unseen};
use crate::error::HandlerError;
use crate::{dead_letter, poison};

impl<H: Handler> Consumer<H> {
    /// Applies what can be applied, in one transaction; each event that cannot becomes a dead letter of its own.
    pub(super) async fn bisect(&self, batch: &[Delivery]) -> Result<(), HandlerError> {
        let mut tx = self.pool.begin().await?;
        let (new, unreadable) = self.wanted.part(unseen(&mut tx, batch).await?);
        let mut dead = self.set_aside(&mut tx, unreadable).await?;
        self.apply_range(&mut tx, &new, &mut dead).await?;
        tx.commit().await?;
        self.announce(dead).await;
        Ok(())
    }

    /// Records what the handler cannot be given.
    pub(super) async fn set_aside(
        &self,
        conn: &mut PgConnection,
        unreadable: Vec<(Delivery, String)>,
    ) -> Result<Vec<String>, sqlx::Error> {
        let mut dead = Vec::with_capacity(unreadable.len());
        for (delivery, reason) in unreadable {
            dead_letter::record(conn, self.stream, &delivery, &reason).await?;
            dead.push(format!("{}: {reason}", delivery.event_id));
        }
        Ok(dead)
    }

    pub(super) async fn announce(&self, dead: Vec<String>) {
        for reason in dead {
            metrics::counter!("puntual_dead_letters_total", "stream" => self.stream.name, "service" => self.service)
                .increment(1);
            tracing::error!(stream = self.stream.name, %reason, "event set aside as a dead letter");
            let client = self.jetstream.client();
            let told = client.publish_with_headers(
                subject::dead_letter(self.service),
                async_nats::HeaderMap::new(),
                reason.into(),
            );
            if let Err(error) = told.await {
                tracing::warn!(%error, "dead letter not announced; the table has it");
            }
        }
    }

    async fn apply_range(
        &self,
        conn: &mut PgConnection,
        range: &[Delivery],
        dead: &mut Vec<String>,
    ) -> Result<(), HandlerError> {
        let mut savepoint = conn.begin().await?;
        let handled = match poison::handle(&self.handler, &mut savepoint, range).await {
            // What is checked at commit only would fail there for the whole batch: check it here, for this range.
            Ok(()) => dead_letter::check_constraints(&mut savepoint).await.map_err(HandlerError::from),
            Err(error) => Err(error),
        };
        match handled {
            Ok(()) => {
                savepoint.commit().await?;
                return Ok(());
            }
            Err(HandlerError::Reject(reason)) => {
                savepoint.rollback().await?;
                if let [poison] = range {
                    dead_letter::record(conn, self.stream, poison, &reason).await?;
                    dead.push(format!("{}: {reason}", poison.event_id));
                    return Ok(());
                }
            }
            Err(error) => return Err(error),
        }
        let (left, right) = range.split_at(range.len() / 2);
        Box::pin(self.apply_range(conn, left, dead)).await?;
        Box::pin(self.apply_range(conn, right, dead)).await
    }
}
