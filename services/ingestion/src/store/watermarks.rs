//! Totals of what was accepted, by request.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

/// What is summed apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WatermarkKey {
    pub(crate) source_id: Uuid,
    pub(crate) day: NaiveDate,
    pub(crate) fact_type: &'static str,
    pub(crate) currency: String,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sum {
    pub(crate) facts: i64,
    pub(crate) amount: Decimal,
    pub(crate) ids_xor: i64,
    pub(crate) last_id: String,
}

#[derive(Debug, Clone)]
pub(crate) struct WatermarkRow {
    pub(crate) day: NaiveDate,
    pub(crate) fact_type: String,
    pub(crate) currency: String,
    pub(crate) facts: i64,
    pub(crate) amount: Decimal,
    pub(crate) ids_xor: i64,
    pub(crate) last_id: String,
    pub(crate) recorded_at: DateTime<Utc>,
}

/// Adds what one request brought.
pub(crate) async fn add(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    now: DateTime<Utc>,
    sums: &[(WatermarkKey, Sum)],
) -> Result<(), sqlx::Error> {
    if sums.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO watermarks (tenant_id, recorded_at, source_id, day, fact_type, currency, facts, amount, ids_xor, last_id)
         SELECT $1, $2, * FROM unnest($3::uuid[], $4::date[], $5::text[], $6::text[], $7::bigint[], $8::numeric[],
                                      $9::bigint[], $10::text[])",
        tenant_id,
        now,
        &sums.iter().map(|(key, _)| key.source_id).collect::<Vec<_>>(),
        &sums.iter().map(|(key, _)| key.day).collect::<Vec<_>>(),
        &sums.iter().map(|(key, _)| key.fact_type).collect::<Vec<_>>() as &[&str],
        &sums.iter().map(|(key, _)| key.currency.clone()).collect::<Vec<_>>(),
        &sums.iter().map(|(_, sum)| sum.facts).collect::<Vec<_>>(),
        &sums.iter().map(|(_, sum)| sum.amount).collect::<Vec<_>>(),
        &sums.iter().map(|(_, sum)| sum.ids_xor).collect::<Vec<_>>(),
        &sums.iter().map(|(_, sum)| sum.last_id.clone()).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The totals of a source by day, type and currency; `None` when there is no such source.
pub(crate) async fn of_source(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    code: &str,
    from: NaiveDate,
    through: NaiveDate,
) -> Result<Option<Vec<WatermarkRow>>, sqlx::Error> {
    let source =
        sqlx::query_scalar!("SELECT source_id FROM sources WHERE tenant_id = $1 AND code = $2", tenant_id, code);
    let Some(source_id) = source.fetch_optional(&mut *conn).await? else { return Ok(None) };
    let rows = sqlx::query_as!(
        WatermarkRow,
        r#"SELECT day, fact_type, currency, sum(facts)::bigint AS "facts!", sum(amount) AS "amount!",
                  bit_xor(ids_xor) AS "ids_xor!", (array_agg(last_id ORDER BY entry_no DESC))[1] AS "last_id!",
                  max(recorded_at) AS "recorded_at!"
           FROM watermarks WHERE tenant_id = $1 AND source_id = $2 AND day BETWEEN $3 AND $4
           GROUP BY day, fact_type, currency ORDER BY day, fact_type, currency"#,
        tenant_id,
        source_id,
        from,
        through
    )
    .fetch_all(conn)
    .await?;
    Ok(Some(rows))
}
