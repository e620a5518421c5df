//! Payments without a payer, and from which accounts payers pay.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::cash::Clues;
use crate::domain::fact::Reversal;

#[derive(Debug, Clone)]
pub(crate) struct UnidentifiedRow {
    pub(crate) credit_id: Uuid,
    pub(crate) source_id: Uuid,
    /// Code of the source, and who applies its cash.
    pub(crate) source: String,
    pub(crate) application_authority: String,
    pub(crate) legal_entity_id: Uuid,
    /// Code.
    pub(crate) legal_entity: String,
    pub(crate) number: String,
    pub(crate) currency: String,
    pub(crate) amount: Decimal,
    pub(crate) value_date: NaiveDate,
    pub(crate) received_date: Option<NaiveDate>,
    pub(crate) bank_reference: Option<String>,
    /// None once erased.
    pub(crate) clues: Option<Json<Clues>>,
    pub(crate) suggestions: Value,
    /// What its last decision by a rule was refused in, and why.
    pub(crate) refused_state: Option<Vec<u8>>,
    pub(crate) refusal: Option<Value>,
    pub(crate) source_order: String,
    pub(crate) recorded_at: DateTime<Utc>,
}

pub(crate) async fn by_ids(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<UnidentifiedRow>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        UnidentifiedRow,
        r#"SELECT p.credit_id, p.source_id, s.code AS source, s.application_authority, p.legal_entity_id,
                  l.code AS legal_entity, p.number, p.currency, p.amount, p.value_date, p.received_date, p.bank_reference,
                  p.clues AS "clues: Json<Clues>", p.suggestions, p.refused_state, p.refusal, p.source_order, p.recorded_at
           FROM unnest($2::uuid[]) AS k (credit_id) CROSS JOIN LATERAL (
               SELECT * FROM unidentified_payments WHERE tenant_id = $1 AND credit_id = k.credit_id OFFSET 0) p
           JOIN sources s ON s.tenant_id = $1 AND s.source_id = p.source_id
           JOIN legal_entities l ON l.tenant_id = $1 AND l.legal_entity_id = p.legal_entity_id"#,
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}

/// Those that wait for a payer, oldest first.
pub(crate) async fn open(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    limit: i64,
) -> Result<Vec<UnidentifiedRow>, sqlx::Error> {
    sqlx::query_as!(
        UnidentifiedRow,
        r#"SELECT p.credit_id, p.source_id, s.code AS source, s.application_authority, p.legal_entity_id,
                  l.code AS legal_entity, p.number, p.currency, p.amount, p.value_date, p.received_date, p.bank_reference,
                  p.clues AS "clues: Json<Clues>", p.suggestions, p.refused_state, p.refusal, p.source_order, p.recorded_at
           FROM unidentified_payments p
           JOIN sources s ON s.tenant_id = $1 AND s.source_id = p.source_id
           JOIN legal_entities l ON l.tenant_id = $1 AND l.legal_entity_id = p.legal_entity_id
           WHERE p.tenant_id = $1 AND p.status = 'open' ORDER BY p.recorded_at, p.credit_id LIMIT $2"#,
        tenant_id,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Writes payments as they are told.
pub(crate) async fn save(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rows: &[UnidentifiedRow],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let id = |of: fn(&UnidentifiedRow) -> Uuid| rows.iter().map(of).collect::<Vec<_>>();
    let text = |of: fn(&UnidentifiedRow) -> &str| rows.iter().map(of).collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO unidentified_payments (tenant_id, status, suggestions, credit_id, source_id, legal_entity_id, number,
             currency, amount, value_date, received_date, bank_reference, clues, source_order, recorded_at)
         SELECT $1, 'open', '[]', * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::numeric[],
             $8::date[], $9::date[], $10::text[], $11::jsonb[], $12::text[], $13::timestamptz[])
         ON CONFLICT (tenant_id, credit_id) DO UPDATE SET legal_entity_id = excluded.legal_entity_id,
             currency = excluded.currency, amount = excluded.amount, value_date = excluded.value_date,
             received_date = excluded.received_date, bank_reference = excluded.bank_reference, clues = excluded.clues,
             source_order = excluded.source_order",
        tenant_id,
        &id(|row| row.credit_id),
        &id(|row| row.source_id),
        &id(|row| row.legal_entity_id),
        &text(|row| &row.number) as &[&str],
        &text(|row| &row.currency) as &[&str],
        &rows.iter().map(|row| row.amount).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.value_date).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.received_date).collect::<Vec<_>>() as &[Option<NaiveDate>],
        &rows.iter().map(|row| row.bank_reference.as_deref()).collect::<Vec<_>>() as &[Option<&str>],
        &rows.iter().map(|row| row.clues.clone()).collect::<Vec<_>>() as &[Option<Json<Clues>>],
        &text(|row| &row.source_order) as &[&str],
        &rows.iter().map(|row| row.recorded_at).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Those on which the rules are to be tried, those that were not tried for longest first.
pub(crate) async fn to_try(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    limit: i64,
) -> Result<Vec<UnidentifiedRow>, sqlx::Error> {
    sqlx::query_as!(
        UnidentifiedRow,
        r#"SELECT p.credit_id, p.source_id, s.code AS source, s.application_authority, p.legal_entity_id,
                  l.code AS legal_entity, p.number, p.currency, p.amount, p.value_date, p.received_date, p.bank_reference,
                  p.clues AS "clues: Json<Clues>", p.suggestions, p.refused_state, p.refusal, p.source_order, p.recorded_at
           FROM unidentified_payments p
           JOIN sources s ON s.tenant_id = $1 AND s.source_id = p.source_id
           JOIN legal_entities l ON l.tenant_id = $1 AND l.legal_entity_id = p.legal_entity_id
           WHERE p.tenant_id = $1 AND p.status = 'open'
           ORDER BY p.tried_at NULLS FIRST, p.recorded_at, p.credit_id LIMIT $2"#,
        tenant_id,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Puts payments behind those that were not tried yet.
pub(crate) async fn tried(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    now: DateTime<Utc>,
    ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE unidentified_payments SET tried_at = $2 WHERE tenant_id = $1 AND credit_id = ANY($3)",
        tenant_id,
        now,
        ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A decision that was refused.
pub(crate) struct Refused {
    pub(crate) credit_id: Uuid,
    pub(crate) state: Vec<u8>,
    /// {code, detail}
    pub(crate) refusal: Value,
}

/// Remembers what was refused of payments that still wait.
pub(crate) async fn refuse(conn: &mut PgConnection, tenant_id: Uuid, refused: &[Refused]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE unidentified_payments p SET refused_state = n.state, refusal = n.refusal
         FROM unnest($2::uuid[], $3::bytea[], $4::jsonb[]) AS n (credit_id, state, refusal)
         WHERE p.tenant_id = $1 AND p.credit_id = n.credit_id AND p.status = 'open'",
        tenant_id,
        &refused.iter().map(|refused| refused.credit_id).collect::<Vec<_>>(),
        &refused.iter().map(|refused| refused.state.clone()).collect::<Vec<_>>(),
        &refused.iter().map(|refused| refused.refusal.clone()).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps what the rules suggest for each of the payments.
pub(crate) async fn suggest(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    suggestions: &[(Uuid, Value)],
) -> Result<(), sqlx::Error> {
    if suggestions.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE unidentified_payments p SET suggestions = n.suggestions
         FROM unnest($2::uuid[], $3::jsonb[]) AS n (credit_id, suggestions)
         WHERE p.tenant_id = $1 AND p.credit_id = n.credit_id AND p.status = 'open'",
        tenant_id,
        &suggestions.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        &suggestions.iter().map(|(_, suggested)| suggested.clone()).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The rule of a decision that no rule has made.
pub(crate) const BY_PERSON: &str = "person";

/// A payment that is somebody's now.
pub(crate) struct Identified<'a> {
    pub(crate) credit_id: Uuid,
    pub(crate) payer_id: Uuid,
    pub(crate) rule: &'a str,
}

/// The payments are in the ledger now; their payers pay from their accounts.
pub(crate) async fn allocated(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    payments: &[Identified<'_>],
) -> Result<(), sqlx::Error> {
    if payments.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = payments.iter().map(|payment| payment.credit_id).collect();
    count_outcomes(conn, tenant_id, payments).await?;
    sqlx::query!(
        "UPDATE unidentified_payments p SET status = 'allocated', rule = n.rule
         FROM unnest($2::uuid[], $3::text[]) AS n (credit_id, rule)
         WHERE p.tenant_id = $1 AND p.credit_id = n.credit_id",
        tenant_id,
        &ids,
        &payments.iter().map(|payment| payment.rule).collect::<Vec<_>>() as &[&str]
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO payer_accounts (tenant_id, account, payer_id)
         SELECT $1, p.clues ->> 'account', n.payer_id
         FROM unnest($2::uuid[], $3::uuid[]) AS n (credit_id, payer_id)
         JOIN unidentified_payments p ON p.tenant_id = $1 AND p.credit_id = n.credit_id
         WHERE p.clues ->> 'account' IS NOT NULL ON CONFLICT DO NOTHING",
        tenant_id,
        &ids,
        &payments.iter().map(|payment| payment.payer_id).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts suggestions that a person has agreed with or not, once for each payment.
async fn count_outcomes(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    payments: &[Identified<'_>],
) -> Result<(), sqlx::Error> {
    let decided: Vec<&Identified<'_>> = payments.iter().filter(|payment| payment.rule == BY_PERSON).collect();
    if decided.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO suggestion_outcomes AS o (tenant_id, rule, confidence, decided, agreed)
         SELECT $1, s.told ->> 'rule', (s.told ->> 'confidence')::numeric, count(*),
                count(*) FILTER (WHERE c.code = s.told ->> 'payer')
         FROM unnest($2::uuid[], $3::uuid[]) AS n (credit_id, payer_id)
         JOIN unidentified_payments p ON p.tenant_id = $1 AND p.credit_id = n.credit_id AND p.status = 'open'
         CROSS JOIN LATERAL jsonb_array_elements(p.suggestions) AS s (told)
         LEFT JOIN customers c ON c.tenant_id = $1 AND c.customer_id = n.payer_id
         GROUP BY s.told ->> 'rule', (s.told ->> 'confidence')::numeric
         ON CONFLICT (tenant_id, rule, confidence)
             DO UPDATE SET decided = o.decided + excluded.decided, agreed = o.agreed + excluded.agreed",
        tenant_id,
        &decided.iter().map(|payment| payment.credit_id).collect::<Vec<_>>(),
        &decided.iter().map(|payment| payment.payer_id).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How often persons agreed with the suggestions of a rule.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = SuggestionOutcome)]
pub(crate) struct OutcomeRow {
    pub(crate) rule: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub(crate) confidence: Decimal,
    /// Suggestions of payments that a person has decided since.
    pub(crate) decided: i64,
    /// Of those, where the person chose the payer that was suggested.
    pub(crate) agreed: i64,
}

/// By rule, the surest first.
pub(crate) async fn outcomes(conn: &mut PgConnection, tenant_id: Uuid) -> Result<Vec<OutcomeRow>, sqlx::Error> {
    sqlx::query_as!(
        OutcomeRow,
        r#"SELECT rule, confidence, decided, agreed FROM suggestion_outcomes WHERE tenant_id = $1
           ORDER BY rule COLLATE "C", confidence DESC"#,
        tenant_id
    )
    .fetch_all(conn)
    .await
}

/// What was taken back of one payment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reversals {
    pub(crate) amount: Decimal,
    /// One of them took all.
    pub(crate) has_whole: bool,
}

/// Remembers reversals; returns those that were not known.
pub(crate) async fn reversed(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    told: &[(Uuid, &Reversal)],
    now: DateTime<Utc>,
) -> Result<BTreeSet<(Uuid, String)>, sqlx::Error> {
    if told.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows = sqlx::query!(
        "INSERT INTO payment_reversals (tenant_id, recorded_at, credit_id, reversal, amount, reversed_on, reason)
         SELECT $1, $2, * FROM unnest($3::uuid[], $4::text[], $5::numeric[], $6::date[], $7::text[])
         ON CONFLICT DO NOTHING RETURNING credit_id, reversal",
        tenant_id,
        now,
        &told.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        &told.iter().map(|(_, reversal)| reversal.reversal.clone()).collect::<Vec<_>>(),
        &told.iter().map(|(_, reversal)| reversal.amount.map(|amount| amount.amount())).collect::<Vec<_>>()
            as &[Option<Decimal>],
        &told.iter().map(|(_, reversal)| reversal.reversed_on).collect::<Vec<_>>(),
        &told.iter().map(|(_, reversal)| reversal.reason.as_deref()).collect::<Vec<_>>() as &[Option<&str>]
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.credit_id, row.reversal)).collect())
}

pub(crate) async fn reversals(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, Reversals>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        r#"SELECT r.credit_id, coalesce(sum(r.amount), 0) AS "amount!", bool_or(r.amount IS NULL) AS "has_whole!"
           FROM unnest($2::uuid[]) AS k (credit_id) CROSS JOIN LATERAL (
               SELECT credit_id, amount FROM payment_reversals WHERE tenant_id = $1 AND credit_id = k.credit_id OFFSET 0) r
           GROUP BY r.credit_id"#,
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await?;
    let sums = |amount, has_whole| Reversals { amount, has_whole };
    Ok(rows.into_iter().map(|row| (row.credit_id, sums(row.amount, row.has_whole))).collect())
}

/// Payments that are gone before anybody knew whose they were wait for nobody.
pub(crate) async fn close_reversed(conn: &mut PgConnection, tenant_id: Uuid, ids: &[Uuid]) -> Result<(), sqlx::Error> {
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE unidentified_payments p SET status = 'reversed'
         WHERE p.tenant_id = $1 AND p.credit_id = ANY($2) AND p.status = 'open'
           AND (SELECT bool_or(r.amount IS NULL) OR sum(r.amount) >= p.amount FROM payment_reversals r
                WHERE r.tenant_id = $1 AND r.credit_id = p.credit_id)",
        tenant_id,
        ids
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who has paid from each of the accounts.
pub(crate) async fn payers_of_accounts(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    accounts: &[String],
) -> Result<BTreeMap<String, BTreeSet<Uuid>>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT account, payer_id FROM payer_accounts WHERE tenant_id = $1 AND account = ANY($2)",
        tenant_id,
        accounts
    )
    .fetch_all(conn)
    .await?;
    let mut payers: BTreeMap<String, BTreeSet<Uuid>> = BTreeMap::new();
    for row in rows {
        payers.entry(row.account).or_default().insert(row.payer_id);
    }
    Ok(payers)
}

/// Customers by name as it was asked for: letters and digits count, capitals do not.
pub(crate) async fn payers_of_names(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    names: &[String],
) -> Result<BTreeMap<String, BTreeSet<Uuid>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT k.name AS "name!", c.payer_id
           FROM unnest($2::text[]) AS k (name) JOIN customers c
             ON c.tenant_id = $1 AND c.name <> ''
            AND upper(regexp_replace(c.name, '[^[:alnum:]]', '', 'g')) = upper(regexp_replace(k.name, '[^[:alnum:]]', '', 'g'))
           WHERE regexp_replace(k.name, '[^[:alnum:]]', '', 'g') <> ''"#,
        tenant_id,
        names
    )
    .fetch_all(conn)
    .await?;
    let mut payers: BTreeMap<String, BTreeSet<Uuid>> = BTreeMap::new();
    for row in rows {
        payers.entry(row.name).or_default().insert(row.payer_id);
    }
    Ok(payers)
}
