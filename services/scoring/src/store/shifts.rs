//! Changes of habit that were found.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::model::shift::Shift;
use crate::domain::model::statistics::days;
use crate::store::published::Shifted;

pub(crate) async fn save(conn: &mut PgConnection, tenant_id: Uuid, rows: &[(Uuid, Shift)]) -> Result<(), sqlx::Error> {
    let customers: Vec<Uuid> = rows.iter().map(|(customer_id, _)| *customer_id).collect();
    let found: Vec<NaiveDate> = rows.iter().map(|(_, shift)| shift.found_on).collect();
    let since: Vec<NaiveDate> = rows.iter().map(|(_, shift)| shift.since).collect();
    let before: Vec<Decimal> = rows.iter().map(|(_, shift)| days(shift.before)).collect();
    let after: Vec<Decimal> = rows.iter().map(|(_, shift)| days(shift.after)).collect();
    let count = |of: fn(&Shift) -> u32| -> Vec<i32> {
        rows.iter().map(|(_, shift)| i32::try_from(of(shift)).unwrap_or(i32::MAX)).collect()
    };
    sqlx::query!(
        "INSERT INTO pattern_shifts (tenant_id, customer_id, found_on, since, delay_before, delay_after, payments_before,
           payments_after)
         SELECT $1, u.* FROM unnest($2::uuid[], $3::date[], $4::date[], $5::numeric[], $6::numeric[], $7::integer[],
           $8::integer[]) AS u (customer_id, found_on, since, delay_before, delay_after, payments_before, payments_after)",
        tenant_id,
        &customers,
        &found,
        &since,
        &before,
        &after,
        &count(|shift| shift.payments_before),
        &count(|shift| shift.payments_after)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The last change of habit that was found of a customer.
pub(crate) async fn last(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customer_id: Uuid,
) -> Result<Option<Shifted>, sqlx::Error> {
    sqlx::query_as!(
        Shifted,
        "SELECT found_on, since, delay_before, delay_after, payments_before, payments_after FROM pattern_shifts
         WHERE tenant_id = $1 AND customer_id = $2 ORDER BY found_on DESC LIMIT 1",
        tenant_id,
        customer_id
    )
    .fetch_optional(conn)
    .await
}
