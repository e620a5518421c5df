//! Questions about the ledger as a whole.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

/// One law in one currency.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ConservationRow {
    /// M1: amount = settled + open, of invoices. M2: amount = applied + on account + waiting + held, of credits. M7: the
    /// journal speaks of invoices and credits that exist. M8: whole = shares in other accounts + what is the payer's, of
    /// payments that have shares. M5: amount = what its parts were exchanged for, each at the ratio that is kept, of shares in
    /// another currency than their payment.
    pub(crate) law: String,
    pub(crate) currency: String,
    pub(crate) objects: i64,
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) total: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) settled: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) remaining: Decimal,
    /// Objects for which the law does not hold.
    pub(crate) broken: i64,
}

pub(crate) async fn conservation(
    conn: &mut PgConnection,
    tenant_id: Uuid,
) -> Result<Vec<ConservationRow>, sqlx::Error> {
    sqlx::query_as!(
        ConservationRow,
        r#"SELECT 'M1' AS "law!", currency AS "currency!", objects AS "objects!", total AS "total!", settled AS "settled!",
                  remaining AS "remaining!", broken AS "broken!"
           FROM conservation_receivables WHERE tenant_id = $1
           UNION ALL
           SELECT 'M2', currency, objects, total, settled, remaining, broken
           FROM conservation_credits WHERE tenant_id = $1
           UNION ALL
           SELECT 'M7', currency, objects, total, settled, remaining, broken
           FROM conservation_journal WHERE tenant_id = $1
           UNION ALL
           SELECT 'M8', currency, objects, total, settled, remaining, broken
           FROM conservation_shares WHERE tenant_id = $1
           UNION ALL
           SELECT 'M5', currency, objects, total, settled, remaining, broken
           FROM conservation_exchanges WHERE tenant_id = $1
           ORDER BY 1, 2"#,
        tenant_id
    )
    .fetch_all(conn)
    .await
}

/// Text of the ledger's state in parts, each hashed: the same for the same facts, in whatever order they came (I7).
/// Versions, recorded times and reversed entries are not in it (D8).
#[derive(Debug)]
pub(crate) struct PartDigest {
    pub(crate) part: String,
    pub(crate) lines: i64,
    pub(crate) sha256: Vec<u8>,
}

pub(crate) async fn digests(conn: &mut PgConnection, tenant_id: Uuid) -> Result<Vec<PartDigest>, sqlx::Error> {
    sqlx::query_as!(
        PartDigest,
        r#"SELECT part AS "part!", count(*) AS "lines!",
                  sha256(convert_to(string_agg(line, E'\n' ORDER BY line COLLATE "C"), 'UTF8')) AS "sha256!"
           FROM (
               SELECT 'customers' AS part, concat_ws(E'\x1f', customer_id, party_kind, name, country, time_zone, language, tier,
                          group_code, payer_id, trim_scale(credit_limit), credit_limit_currency, rating, tax_id,
                          preferred_channel, requires_submission, calendar, provisional) AS line
               FROM customers WHERE tenant_id = $1
               UNION ALL
               SELECT 'invoices', concat_ws(E'\x1f', invoice_id, customer_id, payer_id, currency, trim_scale(amount),
                          trim_scale(open_amount), trim_scale(expected_withholding), trim_scale(withheld_amount),
                          trim_scale(disputed_amount), issue_date, due_date, effective_due_date, delivered_date, settled_on,
                          document, corrects_invoice_id, standing)
               FROM receivables WHERE tenant_id = $1
               UNION ALL
               SELECT 'credits', concat_ws(E'\x1f', credit_id, payer_id, currency, trim_scale(amount), trim_scale(applied),
                          trim_scale(on_account), trim_scale(waiting), trim_scale(held), value_date,
                          trim_scale(paid_amount), paid_currency)
               -- A void that was taken back is as if it had never been, and so is a share of which nothing is left.
               FROM credits WHERE tenant_id = $1 AND NOT (amount = 0 AND (kind = 'void' OR (share_of IS NOT NULL AND coalesce(paid_amount, 0) = 0)))
               UNION ALL
               SELECT 'allocations', concat_ws(E'\x1f', settlement_id, invoice_id, credit_id, inferred, value_date, trim_scale(amount))
               FROM (
                   SELECT settlement_id, invoice_id, credit_id, inferred, value_date,
                          sum(CASE entry WHEN 'apply' THEN amount ELSE -amount END) AS amount
                   FROM settlement_entries WHERE tenant_id = $1
                   GROUP BY settlement_id, invoice_id, credit_id, inferred, value_date
               ) in_force WHERE amount <> 0
               UNION ALL
               SELECT 'disputes', concat_ws(E'\x1f', dispute_id, invoice_id, reason, trim_scale(amount), opened_on, resolved_on,
                          customer_id)
               FROM disputes WHERE tenant_id = $1
               UNION ALL
               SELECT 'promises', concat_ws(E'\x1f', p.promise_id, customer_id, invoices, trim_scale(amount), currency,
                          promised_date, made_on, coalesce(w.withdrawn_on::text, '-'), plan_id, instalment, instalments,
                          trim_scale(amount_before))
               FROM promises p
               LEFT JOIN promise_withdrawals w ON w.tenant_id = p.tenant_id AND w.promise_id = p.promise_id
               WHERE p.tenant_id = $1
               UNION ALL
               SELECT 'holds', concat_ws(E'\x1f', hold_id, kind, customer_id, invoice_ids::text, placed_on,
                          coalesce(until::text, '-'), coalesce(lifted_on::text, '-'))
               FROM holds WHERE tenant_id = $1
               UNION ALL
               SELECT 'issues', concat_ws(E'\x1f', issue_id, customer_id, invoice_ids::text, reason, raised_on, coalesce(owner, '-'),
                          coalesce(resolved_on::text, '-'), coalesce(outcome, '-'), dispute_id)
               FROM issues WHERE tenant_id = $1
               UNION ALL
               SELECT 'claims', concat_ws(E'\x1f', claim_id, answer, customer_id, invoice_ids::text,
                          coalesce(trim_scale(amount)::text, '-'), coalesce(currency, '-'), claimed_on,
                          coalesce(paid_on::text, '-'), coalesce(scheduled_for::text, '-'), document)
               FROM claims WHERE tenant_id = $1
               UNION ALL
               SELECT 'consents', concat_ws(E'\x1f', consent_id, contact_id, customer_id, channel, status, cause, changed_on)
               FROM consents WHERE tenant_id = $1
               UNION ALL
               SELECT 'attempts', concat_ws(E'\x1f', attempt_id, customer_id, contact_id, channel, outcome, logged_on, logged_by)
               FROM contact_attempts WHERE tenant_id = $1
               UNION ALL
               SELECT 'reports', concat_ws(E'\x1f', report_id, message_id, contact_id, channel, outcome, permanent,
                          extract(epoch FROM reported_at))
               FROM delivery_reports WHERE tenant_id = $1
           ) state
           GROUP BY part ORDER BY part"#,
        tenant_id
    )
    .fetch_all(conn)
    .await
}

/// Something that was accepted and waits for something that has not come.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ParkedFact)]
pub(crate) struct ParkedRow {
    /// `payment`, `credit_note`, `withholding`, `dispute`, `resolution`, `withdrawal`, `lift`, `issue_resolution`, `customer`;
    /// a word about an invoice: `voided`, `delivered`, `submitted`, `accepted`, `rejected`, `assigned` …; `instrument`,
    /// `expected_credit`.
    pub(crate) what: String,
    pub(crate) code: String,
    /// `invoice F-1`, `dispute D-1`, `promise P-1`, `hold H-1`, `issue I-1`, `master data`.
    pub(crate) waits_for: String,
}

pub(crate) async fn parked(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    limit: i64,
) -> Result<Vec<ParkedRow>, sqlx::Error> {
    sqlx::query_as!(
        ParkedRow,
        r#"SELECT what AS "what!", code AS "code!", waits_for AS "waits_for!" FROM (
               SELECT CASE c.kind WHEN 'cash' THEN 'payment' ELSE c.kind END AS what, c.number AS code,
                      coalesce('rate ' || r.currency || '/' || c.currency || ' ' || c.value_date,
                               'invoice ' || (p.part ->> 'invoice')) AS waits_for
               FROM credits c CROSS JOIN LATERAL jsonb_array_elements(c.parts) AS p (part)
               LEFT JOIN receivables r ON r.tenant_id = c.tenant_id AND r.invoice_id = (p.part ->> 'invoice_id')::uuid
                    AND r.currency <> c.currency
               WHERE c.tenant_id = $1 AND c.waiting > 0 AND p.part ->> 'waiting' IS NOT NULL
               UNION ALL
               SELECT 'dispute', code, 'invoice ' || invoice_number FROM disputes WHERE tenant_id = $1 AND customer_id IS NULL
               UNION ALL
               SELECT 'expected_credit', e.number, 'invoice ' || e.invoice_number FROM expected_credits e
               WHERE e.tenant_id = $1 AND e.amount > 0 AND NOT EXISTS (
                   SELECT FROM receivables r WHERE r.tenant_id = e.tenant_id AND r.invoice_id = e.invoice_id)
               UNION ALL
               SELECT 'instrument', s.number, 'instrument ' || s.number FROM instrument_states s
               WHERE s.tenant_id = $1 AND NOT EXISTS (
                   SELECT FROM instruments i WHERE i.tenant_id = s.tenant_id AND i.credit_id = s.credit_id)
               UNION ALL
               SELECT m.word, m.invoice_number, 'invoice ' || m.invoice_number FROM invoice_marks m
               WHERE m.tenant_id = $1 AND NOT EXISTS (
                   SELECT FROM receivables r WHERE r.tenant_id = m.tenant_id AND r.invoice_id = m.invoice_id)
               UNION ALL
               SELECT 'resolution', r.code, 'dispute ' || r.code FROM dispute_resolutions r
               WHERE r.tenant_id = $1 AND NOT EXISTS (
                   SELECT FROM disputes d WHERE d.tenant_id = r.tenant_id AND d.dispute_id = r.dispute_id)
               UNION ALL
               SELECT 'withdrawal', w.code, 'promise ' || w.code FROM promise_withdrawals w
               WHERE w.tenant_id = $1 AND NOT EXISTS (
                   SELECT FROM promises p WHERE p.tenant_id = w.tenant_id AND p.promise_id = w.promise_id)
               UNION ALL
               SELECT 'withdrawal', w.code, 'plan ' || w.code FROM plan_withdrawals w
               WHERE w.tenant_id = $1 AND NOT EXISTS (
                   SELECT FROM promises p WHERE p.tenant_id = w.tenant_id AND p.plan_id = w.plan_id)
               UNION ALL
               SELECT 'lift', l.code, 'hold ' || l.code FROM hold_lifts l
               WHERE l.tenant_id = $1 AND NOT EXISTS (
                   SELECT FROM holds h WHERE h.tenant_id = l.tenant_id AND h.hold_id = l.hold_id)
               UNION ALL
               SELECT 'issue_resolution', r.code, 'issue ' || r.code FROM issue_resolutions r
               WHERE r.tenant_id = $1 AND NOT EXISTS (
                   SELECT FROM issues i WHERE i.tenant_id = r.tenant_id AND i.issue_id = r.issue_id)
               UNION ALL
               SELECT 'issue_resolution', r.code, 'dispute ' || r.dispute FROM issue_resolutions r
               WHERE r.tenant_id = $1 AND r.dispute_id IS NOT NULL AND NOT EXISTS (
                   SELECT FROM disputes d WHERE d.tenant_id = r.tenant_id AND d.dispute_id = r.dispute_id)
               UNION ALL
               SELECT 'customer', code, 'master data' FROM customers WHERE tenant_id = $1 AND provisional
           ) waiting
           ORDER BY what COLLATE "C", code COLLATE "C", waits_for COLLATE "C" LIMIT $2"#,
        tenant_id,
        limit
    )
    .fetch_all(conn)
    .await
}

/// What belongs to a payer and settles nothing.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = UnappliedMoney)]
pub(crate) struct UnappliedRow {
    pub(crate) payer: String,
    pub(crate) currency: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) on_account: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) waiting: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) held: Decimal,
    /// Of the oldest of it, since its value date.
    pub(crate) age_days: i32,
}

pub(crate) async fn unapplied(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    today: NaiveDate,
    limit: i64,
) -> Result<Vec<UnappliedRow>, sqlx::Error> {
    sqlx::query_as!(
        UnappliedRow,
        r#"SELECT u.code AS payer, c.currency, sum(c.on_account) AS "on_account!", sum(c.waiting) AS "waiting!",
                  sum(c.held) AS "held!", greatest($3::date - min(c.value_date), 0) AS "age_days!"
           FROM credits c JOIN customers u ON u.tenant_id = c.tenant_id AND u.customer_id = c.payer_id
           WHERE c.tenant_id = $1 AND c.applied < c.amount
           GROUP BY u.code, c.currency ORDER BY u.code COLLATE "C", c.currency LIMIT $2"#,
        tenant_id,
        limit,
        today
    )
    .fetch_all(conn)
    .await
}
