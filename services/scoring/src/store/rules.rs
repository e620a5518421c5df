//! Versions of a tenant's rules, and since which day each decides.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::Unreadable;
use crate::domain::calendar::Span;
use crate::domain::features::Family;
use crate::domain::rules::{Document, Rules, STANDARD};

/// A version as it was written.
#[derive(Debug)]
pub(crate) struct RulesRow {
    pub version: i32,
    pub document: Json<Document>,
    pub created_by: String,
    pub created_at: DateTime<Utc>,
}

/// A version that began to decide.
#[derive(Debug, Clone)]
pub(crate) struct ActivationRow {
    pub activation: i32,
    /// `None`: the house's own.
    pub version: Option<i32>,
    pub active_from: Option<NaiveDate>,
    pub reason: String,
    pub activated_by: String,
    pub activated_at: DateTime<Utc>,
}

/// Who did it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Actor<'a> {
    pub name: &'a str,
    pub key_id: Uuid,
    pub at: DateTime<Utc>,
}

/// How people call a version.
pub(crate) fn name(version: Option<i32>) -> String {
    version.map_or_else(|| STANDARD.to_owned(), |version| format!("rules-{version}"))
}

/// Says that a name is none of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoVersion;

/// The version of a name; `None`: the house's own.
pub(crate) fn named(name: &str) -> Result<Option<i32>, NoVersion> {
    if name == STANDARD {
        return Ok(None);
    }
    let version = name.strip_prefix("rules-").and_then(|version| version.parse().ok());
    version.filter(|version| *version > 0).map(Some).ok_or(NoVersion)
}

/// Adds a version; the tenant is locked.
pub(crate) async fn add(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    document: &Document,
    rules: &Rules,
    actor: Actor<'_>,
) -> Result<RulesRow, sqlx::Error> {
    sqlx::query_as!(
        RulesRow,
        r#"INSERT INTO segmentation_rules (tenant_id, version, document, families, created_by, created_by_key, created_at)
           SELECT $1, 1 + coalesce(max(version), 0), $2, $3, $4, $5, $6 FROM segmentation_rules WHERE tenant_id = $1
           RETURNING version, document AS "document: Json<Document>", created_by, created_at"#,
        tenant_id,
        Json(document) as _,
        &names(rules),
        actor.name,
        actor.key_id,
        actor.at
    )
    .fetch_one(conn)
    .await
}

fn names(rules: &Rules) -> Vec<String> {
    rules.families().into_iter().map(|family| family.as_str().to_owned()).collect()
}

/// The last `limit` versions, the newest first.
pub(crate) async fn list(conn: &mut PgConnection, tenant_id: Uuid, limit: i64) -> Result<Vec<RulesRow>, sqlx::Error> {
    sqlx::query_as!(
        RulesRow,
        r#"SELECT version, document AS "document: Json<Document>", created_by, created_at
           FROM segmentation_rules WHERE tenant_id = $1 ORDER BY version DESC LIMIT $2"#,
        tenant_id,
        limit
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn find(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    version: i32,
) -> Result<Option<RulesRow>, sqlx::Error> {
    sqlx::query_as!(
        RulesRow,
        r#"SELECT version, document AS "document: Json<Document>", created_by, created_at
           FROM segmentation_rules WHERE tenant_id = $1 AND version = $2"#,
        tenant_id,
        version
    )
    .fetch_optional(conn)
    .await
}

/// The last `limit` activations, the newest first.
pub(crate) async fn activations(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    limit: i64,
) -> Result<Vec<ActivationRow>, sqlx::Error> {
    sqlx::query_as!(
        ActivationRow,
        "SELECT activation, version, active_from, reason, activated_by, activated_at
         FROM rule_activations WHERE tenant_id = $1 ORDER BY activation DESC LIMIT $2",
        tenant_id,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Has a version decide from the last closed day on; the tenant is locked. Returns the new activation.
pub(crate) async fn activate(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    version: Option<i32>,
    reason: &str,
    actor: Actor<'_>,
) -> Result<ActivationRow, sqlx::Error> {
    sqlx::query_as!(
        ActivationRow,
        "INSERT INTO rule_activations (tenant_id, activation, version, active_from, families, reason, activated_by,
           activated_by_key, activated_at)
         SELECT $1, 1 + coalesce(max(a.activation), 0), $2, (SELECT closed_through FROM learning WHERE tenant_id = $1),
           coalesce((SELECT families FROM segmentation_rules WHERE tenant_id = $1 AND version = $2), '{}'), $3, $4, $5, $6
         FROM rule_activations a WHERE a.tenant_id = $1
         RETURNING activation, version, active_from, reason, activated_by, activated_at",
        tenant_id,
        version,
        reason,
        actor.name,
        actor.key_id,
        actor.at
    )
    .fetch_one(conn)
    .await
}

/// Rules with the day at whose close they began to decide.
#[derive(Debug)]
pub(crate) struct InForce {
    pub rules: Rules,
    pub since: Option<NaiveDate>,
}

/// The rules that decide at the close of `day`.
pub(crate) async fn in_force(conn: &mut PgConnection, tenant_id: Uuid, day: NaiveDate) -> Result<InForce, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT a.version, a.active_from, r.document AS "document?: Json<Document>"
           FROM rule_activations a
           LEFT JOIN segmentation_rules r ON r.tenant_id = a.tenant_id AND r.version = a.version
           WHERE a.tenant_id = $1 AND (a.active_from IS NULL OR a.active_from <= $2)
           ORDER BY a.activation DESC LIMIT 1"#,
        tenant_id,
        day
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(InForce { rules: Rules::standard().clone(), since: None }) };
    let rules = match row.document {
        Some(document) => compiled(&document, row.version)?,
        None => Rules::standard().clone(),
    };
    Ok(InForce { rules, since: row.active_from })
}

/// The version activated last; `None`: the house's own.
pub(crate) async fn current(conn: &mut PgConnection, tenant_id: Uuid) -> Result<Option<i32>, sqlx::Error> {
    let activations = activations(conn, tenant_id, 1).await?;
    Ok(activations.first().and_then(|activation| activation.version))
}

/// A document that was checked when it was written.
pub(crate) fn compiled(document: &Document, version: Option<i32>) -> Result<Rules, Unreadable> {
    let version = name(version);
    document.compile(&version).map_err(|findings| Unreadable(format!("segmentation rules {version}: {findings:?}")))
}

/// Shortens a span so that one set of rules decides in all of it: a day on which rules begin to decide stands alone, as does
/// every day whose decisions rest on more than habits.
pub(crate) async fn under_one_set(conn: &mut PgConnection, tenant_id: Uuid, span: Span) -> Result<Span, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT min(active_from) FILTER (WHERE active_from >= $2) AS begins,
             coalesce((SELECT families && ARRAY['book', 'master', 'conduct', 'group'] FROM rule_activations
               WHERE tenant_id = $1 AND (active_from IS NULL OR active_from <= $2)
               ORDER BY activation DESC LIMIT 1), false) AS "day_by_day!"
           FROM rule_activations WHERE tenant_id = $1 AND active_from <= $3"#,
        tenant_id,
        span.from,
        span.through
    )
    .fetch_one(conn)
    .await?;
    let through = match row.begins {
        _ if row.day_by_day => span.from,
        Some(begins) if begins == span.from => span.from,
        Some(begins) => begins.pred_opt().unwrap_or(span.from).min(span.through),
        None => span.through,
    };
    Ok(Span { through, ..span })
}

/// Something told of a closed day that only rules of one family ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Told {
    pub tenant_id: Uuid,
    pub family: Family,
    pub day: NaiveDate,
}

/// The first day of each tenant whose decisions are altered by what was told. Without rules that ask for it there is none,
/// and before they began to decide it made no difference.
pub(crate) async fn altered(
    conn: &mut PgConnection,
    told: impl Iterator<Item = Told>,
) -> Result<BTreeMap<Uuid, NaiveDate>, sqlx::Error> {
    let mut first: BTreeMap<(Uuid, Family), NaiveDate> = BTreeMap::new();
    for Told { tenant_id, family, day } in told {
        first.entry((tenant_id, family)).and_modify(|first| *first = day.min(*first)).or_insert(day);
    }
    if first.is_empty() {
        return Ok(BTreeMap::new());
    }
    let tenants: Vec<Uuid> = first.keys().map(|(tenant_id, _)| *tenant_id).collect();
    let families: Vec<String> = first.keys().map(|(_, family)| family.as_str().to_owned()).collect();
    let days: Vec<NaiveDate> = first.into_values().collect();
    let rows = sqlx::query!(
        r#"SELECT u.tenant_id AS "tenant_id!", min(greatest(u.day, a.active_from)) AS "day!"
           FROM unnest($1::uuid[], $2::text[], $3::date[]) AS u (tenant_id, family, day)
           JOIN rule_activations a ON a.tenant_id = u.tenant_id AND u.family = ANY(a.families)
           GROUP BY u.tenant_id"#,
        &tenants,
        &families,
        &days
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.day)).collect())
}

/// Those of the tenants that have ever activated rules which ask for this family.
pub(crate) async fn asking_for(
    conn: &mut PgConnection,
    tenants: &[Uuid],
    family: Family,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT DISTINCT tenant_id FROM rule_activations WHERE tenant_id = ANY($1) AND $2::text = ANY(families)",
        tenants,
        family.as_str()
    )
    .fetch_all(conn)
    .await
}
