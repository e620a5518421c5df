//! What invoices were foretold with on their issue date, to be judged when their labels settle.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Unreadable;
use crate::domain::close::Foretold;
use crate::domain::model::learner::Learner;
use crate::domain::model::memory::Scored;

/// Has the learner know what these invoices were foretold with.
pub(crate) async fn recall(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    invoices: &[Uuid],
    learner: &mut Learner,
) -> Result<(), sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT invoice_id, scored FROM foretold_invoices WHERE tenant_id = $1 AND invoice_id = ANY($2)",
        tenant_id,
        invoices
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let scored = Scored::read(&row.scored)
            .ok_or_else(|| Unreadable(format!("what invoice {} was foretold with", row.invoice_id)))?;
        learner.recall_scored(row.invoice_id, scored);
    }
    Ok(())
}

pub(crate) async fn save(conn: &mut PgConnection, tenant_id: Uuid, rows: &[Foretold]) -> Result<(), sqlx::Error> {
    let invoices: Vec<Uuid> = rows.iter().map(|row| row.invoice_id).collect();
    let days: Vec<NaiveDate> = rows.iter().map(|row| row.day).collect();
    let scored: Vec<Vec<u8>> = rows.iter().map(|row| row.scored.written()).collect();
    sqlx::query!(
        "INSERT INTO foretold_invoices (tenant_id, invoice_id, day, scored)
         SELECT $1, u.invoice_id, u.day, u.scored
         FROM unnest($2::uuid[], $3::date[], $4::bytea[]) AS u (invoice_id, day, scored)",
        tenant_id,
        &invoices,
        &days,
        &scored
    )
    .execute(conn)
    .await?;
    Ok(())
}
