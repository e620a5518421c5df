//! What was said about promises: withdrawals, and the lock under which they meet what they are about.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::domain::promise::PromiseKey;
use crate::store::columns;

/// Keeps the earliest withdrawal of each promise and locks the promises' words until the transaction ends, whether the
/// promises have come or not (D13).
pub(crate) async fn save_and_lock(
    conn: &mut PgConnection,
    words: &BTreeMap<PromiseKey, Option<NaiveDate>>,
) -> Result<(), sqlx::Error> {
    if words.is_empty() {
        return Ok(());
    }
    let (tenant_ids, promise_ids) = columns(words.keys());
    let withdrawn: Vec<_> = words.values().copied().collect();
    sqlx::query!(
        "INSERT INTO promise_words (tenant_id, promise_id, withdrawn_on)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::date[])
         ON CONFLICT (tenant_id, promise_id) DO UPDATE SET withdrawn_on = excluded.withdrawn_on
         WHERE excluded.withdrawn_on < coalesce(promise_words.withdrawn_on, 'infinity')",
        &tenant_ids,
        &promise_ids,
        &withdrawn as &[Option<NaiveDate>],
    )
    .execute(conn)
    .await?;
    Ok(())
}
