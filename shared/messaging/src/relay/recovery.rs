//! When the broker has lost data: noticed before anything new is published, repaired without an operator.
//!
//! | what is seen | what was lost | the relay goes back to |
//! |---|---|---|
//! | no stream, but there was one | everything | the start of the outbox |
//! | a stream made at another time | everything | the start of the outbox |
//! | sequences inside the stream without a message | those | the start of the outbox |
//! | the stream ends before what was acknowledged | its tail | the row after the last event still there |
//!
//! Every time the epoch grows, first in the database, then in the stream's metadata, and only then is anything published:
//! consumers make their durables anew, and the inbox swallows what was applied before. Rewinding too far is harmless, not
//! far enough is not: rows of which it is not certain that they are there are published again.

use contracts::{Stream, header};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::cursor::{Cursor, window};
use super::{Relay, RelayError};
use crate::topology::{self, Found};

/// A stream that is made anew begins this far above the lost one: no position in it means something else than before.
const SEQUENCE_GAP: i64 = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    StreamGone,
    StreamReplaced,
    MessagesMissing,
    TailLost,
}

impl Loss {
    fn as_str(self) -> &'static str {
        match self {
            Self::StreamGone => "stream_gone",
            Self::StreamReplaced => "stream_replaced",
            Self::MessagesMissing => "messages_missing",
            Self::TailLost => "tail_lost",
        }
    }
}

/// What was lost, as far as the stream and the memory of it tell.
fn loss(cursor: &Cursor, found: Option<&Found>) -> Option<Loss> {
    match (found, cursor.stream_created) {
        (None, Some(_)) => Some(Loss::StreamGone),
        (Some(found), Some(created)) if found.created != created => Some(Loss::StreamReplaced),
        // Made by somebody else, or by us right before a crash: fine when it is what we were about to make.
        (Some(found), None) if found.epoch > 1 && u32::try_from(cursor.epoch) != Ok(found.epoch) => {
            Some(Loss::StreamReplaced)
        }
        (Some(found), None) if found.last_seq > 0 && cursor.stream_seq == 0 => Some(Loss::StreamReplaced),
        (Some(found), _) if found.last_seq < cursor.stream_seq() => Some(Loss::TailLost),
        (Some(found), _) if i64::try_from(found.missing).unwrap_or(i64::MAX) > cursor.stream_missing => {
            Some(Loss::MessagesMissing)
        }
        // As it was; or the very first start, or a crash right before the stream was made.
        (Some(_), _) | (None, None) => None,
    }
}

/// Compares the stream with what is known of it and repairs what differs; true when the cursor was moved.
pub(super) async fn reconcile(relay: &Relay, conn: &mut PgConnection, cursor: &mut Cursor) -> Result<bool, RelayError> {
    let found = topology::find_stream(&relay.jetstream, relay.stream).await?;
    let lost = loss(cursor, found.as_ref());
    if let Some(loss) = lost {
        let survivor = match (loss, &found) {
            (Loss::TailLost, Some(found)) => last_survivor(relay, found).await?,
            _ => None,
        };
        let stream_seq = match &found {
            Some(found) => i64::try_from(found.last_seq).unwrap_or(i64::MAX),
            None => cursor.stream_seq + SEQUENCE_GAP,
        };
        let known_epoch = found.as_ref().and_then(|found| i32::try_from(found.epoch).ok()).unwrap_or(0);
        let rows = rewind(conn, relay.stream, cursor, survivor, known_epoch, stream_seq).await?;
        metrics::counter!("puntual_stream_recoveries_total", "stream" => relay.stream.name, "cause" => loss.as_str())
            .increment(1);
        metrics::counter!("puntual_events_republished_total", "stream" => relay.stream.name)
            .increment(u64::try_from(rows).unwrap_or(0));
        tracing::warn!(
            stream = relay.stream.name,
            cause = loss.as_str(),
            epoch = cursor.epoch,
            stream_seq,
            rows,
            "the broker lost data: publishing again from the outbox"
        );
    }
    let epoch = u32::try_from(cursor.epoch).unwrap_or(0);
    let found = match found {
        Some(found) => {
            if found.epoch != epoch {
                topology::mark_epoch(&relay.jetstream, relay.stream, epoch).await?;
            }
            found
        }
        None => {
            topology::create_stream(&relay.jetstream, relay.stream, relay.replicas, epoch, cursor.stream_seq()).await?
        }
    };
    remember(conn, relay.stream, cursor, &found).await?;
    Ok(lost.is_some())
}

/// The id of the last event that the stream still holds.
async fn last_survivor(relay: &Relay, found: &Found) -> Result<Option<Uuid>, RelayError> {
    if found.last_seq < found.first_seq {
        return Ok(None);
    }
    let tail = |cause: String| RelayError::Tail { stream: relay.stream.name, cause };
    let stream = relay.jetstream.get_stream(relay.stream.name).await.map_err(|error| tail(error.to_string()))?;
    // A tail that cannot be read is a tail that is lost.
    let message = stream.get_raw_message(found.last_seq).await.ok();
    Ok(message.and_then(|message| message.headers.get(header::ID)?.as_str().parse().ok()))
}

/// Begins a new epoch: moves the cursor back to the row after `survivor`, or to the start of the outbox; returns how many
/// rows will be published again.
async fn rewind(
    conn: &mut PgConnection,
    stream: Stream,
    cursor: &mut Cursor,
    survivor: Option<Uuid>,
    known_epoch: i32,
    stream_seq: i64,
) -> Result<i64, sqlx::Error> {
    let mut tx = conn.begin().await?;
    sqlx::query("SET LOCAL synchronous_commit = on").execute(&mut *tx).await?;
    // The survivor is near the end. Rows after it have a higher id, or, in a later window, a higher xid.
    let lo: Option<String> = sqlx::query_scalar(
        "WITH survivor AS (SELECT id, xid FROM outbox WHERE event_id = $1 ORDER BY id DESC LIMIT 1)
         SELECT least(s.xid, (SELECT min(o.xid) FROM outbox o WHERE o.id > s.id))::text FROM survivor s",
    )
    .bind(survivor)
    .fetch_optional(&mut *tx)
    .await?;
    let lo = lo.unwrap_or_else(|| "0".to_owned());
    let (first, rows) = window(&mut tx, &lo, &cursor.hi).await?;
    *cursor = Cursor {
        epoch: cursor.epoch.max(known_epoch) + 1,
        lo,
        hi: cursor.hi.clone(),
        last_id: first.unwrap_or(0) - 1,
        stream_seq,
        stream_created: None,
        stream_missing: 0,
    };
    sqlx::query(
        "UPDATE relay_state SET epoch = $2, lo = $3::text::xid8, last_id = $4, stream_seq = $5, stream_created = NULL,
           stream_missing = 0
         WHERE stream = $1",
    )
    .bind(stream.name)
    .bind(cursor.epoch)
    .bind(&cursor.lo)
    .bind(cursor.last_id)
    .bind(cursor.stream_seq)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(rows)
}

async fn remember(
    conn: &mut PgConnection,
    stream: Stream,
    cursor: &mut Cursor,
    found: &Found,
) -> Result<(), sqlx::Error> {
    let missing = i64::try_from(found.missing).unwrap_or(i64::MAX);
    if cursor.stream_created == Some(found.created) && cursor.stream_missing == missing {
        return Ok(());
    }
    cursor.stream_created = Some(found.created);
    cursor.stream_missing = missing;
    let mut tx = conn.begin().await?;
    sqlx::query("SET LOCAL synchronous_commit = on").execute(&mut *tx).await?;
    sqlx::query("UPDATE relay_state SET stream_created = $2, stream_missing = $3 WHERE stream = $1")
        .bind(stream.name)
        .bind(cursor.stream_created)
        .bind(cursor.stream_missing)
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn cursor(epoch: i32, stream_seq: i64, created: Option<i64>) -> Cursor {
        Cursor {
            epoch,
            lo: "0".into(),
            hi: "0".into(),
            last_id: 0,
            stream_seq,
            stream_created: created.and_then(DateTime::from_timestamp_secs),
            stream_missing: 2,
        }
    }

    fn found(epoch: u32, last_seq: u64, missing: u64, created: i64) -> Found {
        Found { created: DateTime::from_timestamp_secs(created).unwrap(), epoch, first_seq: 1, last_seq, missing }
    }

    #[test]
    fn every_loss_has_its_sign() {
        let cases = [
            ("first start", cursor(1, 0, None), None, None),
            ("first start, the stream is there and empty", cursor(1, 0, None), Some(found(1, 0, 0, 7)), None),
            ("crash between the row and the stream", cursor(2, 1_000_050, None), None, None),
            ("crash right after making it", cursor(2, 1_000_050, None), Some(found(2, 1_000_050, 0, 7)), None),
            ("nothing happened", cursor(1, 50, Some(7)), Some(found(1, 50, 2, 7)), None),
            ("notes of the cursor were lost", cursor(1, 50, Some(7)), Some(found(1, 60, 2, 7)), None),
            ("deleted", cursor(1, 50, Some(7)), None, Some(Loss::StreamGone)),
            ("made anew by hand", cursor(1, 50, Some(7)), Some(found(0, 0, 0, 8)), Some(Loss::StreamReplaced)),
            ("an older copy, of before", cursor(2, 50, Some(9)), Some(found(1, 70, 0, 7)), Some(Loss::StreamReplaced)),
            (
                "an older copy, met after a crash",
                cursor(3, 50, None),
                Some(found(2, 50, 0, 7)),
                Some(Loss::StreamReplaced),
            ),
            ("the database forgot", cursor(1, 0, None), Some(found(1, 50, 0, 7)), Some(Loss::StreamReplaced)),
            ("an older copy", cursor(1, 50, Some(7)), Some(found(1, 40, 2, 7)), Some(Loss::TailLost)),
            ("a block is gone", cursor(1, 50, Some(7)), Some(found(1, 50, 3, 7)), Some(Loss::MessagesMissing)),
        ];
        for (what, cursor, found, expected) in cases {
            assert_eq!(loss(&cursor, found.as_ref()), expected, "{what}");
        }
    }
}
