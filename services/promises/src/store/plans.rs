//! Payment plans: what their instalments share, and what one of them means to the others.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::store::promises::AT_ONCE;

/// An instalment that was judged anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judged {
    pub tenant_id: Uuid,
    pub plan_id: Uuid,
    pub instalment: i32,
}

/// Has the instalments after these looked at behind the next barrier: whether those before them hold is part of what they are
/// judged by. Returns how many there are.
pub(crate) async fn wake_later(conn: &mut PgConnection, judged: &[Judged]) -> Result<u64, sqlx::Error> {
    if judged.is_empty() {
        return Ok(0);
    }
    let woken = sqlx::query!(
        "UPDATE promises p SET judge_at = $4
         FROM (SELECT later.tenant_id, later.promise_id
               FROM unnest($1::uuid[], $2::uuid[], $3::integer[]) AS judged (tenant_id, plan_id, instalment)
               JOIN promises later ON later.tenant_id = judged.tenant_id AND later.plan_id = judged.plan_id
                AND later.instalment > judged.instalment
               ORDER BY later.tenant_id, later.promise_id FOR NO KEY UPDATE OF later) AS wanted
         WHERE p.tenant_id = wanted.tenant_id AND p.promise_id = wanted.promise_id",
        &judged.iter().map(|judged| judged.tenant_id).collect::<Vec<_>>(),
        &judged.iter().map(|judged| judged.plan_id).collect::<Vec<_>>(),
        &judged.iter().map(|judged| judged.instalment).collect::<Vec<_>>(),
        AT_ONCE,
    )
    .execute(conn)
    .await?;
    Ok(woken.rows_affected())
}

/// An instalment as a person sees it, with what it shares with its plan.
#[derive(Debug)]
pub(crate) struct Listed {
    pub plan_id: Uuid,
    pub plan_code: String,
    pub customer_id: Uuid,
    pub legal_entity_id: Uuid,
    pub currency: String,
    pub made_on: NaiveDate,
    pub invoice_ids: Vec<Uuid>,
    pub instalment: i32,
    pub instalments: i32,
    pub promise_id: Uuid,
    pub amount: Decimal,
    pub paid_amount: Decimal,
    pub promised_date: NaiveDate,
    pub status: String,
}

/// The instalments of a page of one tenant's plans, plan by plan in the order of their ids, from the one after `after` on.
pub(crate) async fn page(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    customer_id: Option<Uuid>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Listed>, sqlx::Error> {
    sqlx::query_as!(
        Listed,
        r#"SELECT p.plan_id AS "plan_id!", p.plan_code AS "plan_code!", p.customer_id, p.legal_entity_id, p.currency, p.made_on,
                  p.instalment AS "instalment!", p.instalments AS "instalments!", p.promise_id, p.amount, p.paid_amount,
                  p.promised_date, p.status,
                  ARRAY (SELECT pi.invoice_id FROM promise_invoices pi
                         WHERE pi.tenant_id = p.tenant_id AND pi.promise_id = p.promise_id
                         ORDER BY pi.invoice_id) AS "invoice_ids!"
           FROM (SELECT DISTINCT plan_id FROM promises
                 WHERE tenant_id = $1 AND plan_id > coalesce($3, '00000000-0000-0000-0000-000000000000'::uuid)
                   AND ($2::uuid IS NULL OR customer_id = $2) AND version > 0
                 ORDER BY plan_id LIMIT $4) AS page
           JOIN promises p ON p.tenant_id = $1 AND p.plan_id = page.plan_id
           WHERE p.version > 0
           ORDER BY p.plan_id, p.instalment"#,
        tenant_id,
        customer_id,
        after,
        limit,
    )
    .fetch_all(conn)
    .await
}
