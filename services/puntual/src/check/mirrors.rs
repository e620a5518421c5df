//! Whether what a role keeps of another one's state is what its owner says. Both sides are written as (tenant, key, line),
//! digested in SQL without regard to order, and compared; only where the digests differ are lines fetched, to name a few.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::{Finding, Pools};
use crate::service::Service;
use crate::service::Service::{Ingestion, Promises, Reminders, Reporting, Scoring};

/// Differing keys that are named.
const EXAMPLES: usize = 3;
/// Lines of a tenant that are fetched to find them.
const FETCHED: i64 = 100_000;

/// What an owner tells, and what a reader keeps of it. Each side selects `tenant_id`, the key, and a `jsonb` of what must
/// be the same, the version first; amounts without trailing zeros, instants as seconds.
struct Mirror {
    what: &'static str,
    owner: Service,
    told: &'static str,
    reader: Service,
    known: &'static str,
}

const fn mirror(
    what: &'static str,
    (owner, told): (Service, &'static str),
    (reader, known): (Service, &'static str),
) -> Mirror {
    Mirror { what, owner, told, reader, known }
}

const TENANTS: &str =
    "SELECT t.tenant_id, t.tenant_id AS key, jsonb_build_array(t.version, t.slug, t.name, t.time_zone,
      t.send_hour, t.language, (SELECT count(*) FROM legal_entities e WHERE e.tenant_id = t.tenant_id)) AS line
    FROM tenants t";
const API_KEYS: &str = "SELECT tenant_id, key_id AS key,
      jsonb_build_array(version, revoked, scopes, encode(secret_sha256, 'hex')) AS line FROM api_keys";
const SOURCES: &str = "SELECT tenant_id, source_id AS key,
      jsonb_build_array(version, extract(epoch FROM covered_until)) AS line FROM sources";
const INVOICES_TOLD_TO_SCORING: &str = "SELECT tenant_id, invoice_id AS key, jsonb_build_array(version, customer_id, payer_id,
      currency, trim_scale(amount), trim_scale(open_amount), issue_date, due_date, settled_on) AS line FROM receivables";
const SCORES_TOLD: &str = "SELECT tenant_id, customer_id AS key, jsonb_build_array(score_version, trim_scale(p_late),
      trim_scale(mean_days_late), observations) AS line FROM published_scores WHERE score_version > 0";
const SEGMENTS_TOLD: &str = "SELECT tenant_id, customer_id AS key, jsonb_build_array(segment_version, segment) AS line
    FROM published_scores WHERE segment_version > 0";
const CONSENTS: &str =
    "SELECT tenant_id, consent_id AS key, jsonb_build_array(version, contact_id, customer_id, channel, status,
      cause, changed_on) AS line FROM consents";
// Whose message it was, reminders finds out itself.
const DELIVERY_REPORTS: &str =
    "SELECT tenant_id, report_id AS key, jsonb_build_array(0, message_id, channel, outcome, permanent,
      extract(epoch FROM reported_at)) AS line FROM delivery_reports";
const PROMISES_MADE: &str =
    "SELECT tenant_id, promise_id AS key, jsonb_build_array(0, customer_id, legal_entity_id, currency,
      trim_scale(amount), promised_date, made_on) AS line FROM promises";

const MIRRORS: [Mirror; 34] = [
    mirror("tenants", (Ingestion, TENANTS), (Scoring, TENANTS)),
    mirror("tenants", (Ingestion, TENANTS), (Promises, TENANTS)),
    mirror("tenants", (Ingestion, TENANTS), (Reminders, TENANTS)),
    mirror("tenants", (Ingestion, TENANTS), (Reporting, TENANTS)),
    mirror("API keys", (Ingestion, API_KEYS), (Scoring, API_KEYS)),
    mirror("API keys", (Ingestion, API_KEYS), (Promises, API_KEYS)),
    mirror("API keys", (Ingestion, API_KEYS), (Reminders, API_KEYS)),
    mirror("API keys", (Ingestion, API_KEYS), (Reporting, API_KEYS)),
    mirror("sources", (Ingestion, SOURCES), (Scoring, SOURCES)),
    mirror("sources", (Ingestion, SOURCES), (Promises, SOURCES)),
    mirror("sources", (Ingestion, SOURCES), (Reminders, SOURCES)),
    mirror(
        "customers",
        (
            Ingestion,
            "SELECT tenant_id, customer_id AS key, jsonb_build_array(version, code, country) AS line FROM customers",
        ),
        (
            Scoring,
            "SELECT tenant_id, customer_id AS key, jsonb_build_array(version, code, country) AS line FROM customers
             WHERE version > 0",
        ),
    ),
    mirror(
        "customers",
        (
            Ingestion,
            "SELECT tenant_id, customer_id AS key, jsonb_build_array(version, code, name, time_zone, provisional) AS line
             FROM customers",
        ),
        (
            Reminders,
            "SELECT tenant_id, customer_id AS key, jsonb_build_array(version, code, name, time_zone, provisional) AS line
             FROM customers WHERE version > 0",
        ),
    ),
    mirror(
        "customers",
        (
            Ingestion,
            "SELECT tenant_id, customer_id AS key,
               jsonb_build_array(version, code, party_kind, name, country, payer_id) AS line FROM customers",
        ),
        (
            Reporting,
            "SELECT tenant_id, customer_id AS key,
               jsonb_build_array(version, code, party_kind, name, country, payer_id) AS line FROM customers",
        ),
    ),
    mirror(
        "contacts",
        (
            Ingestion,
            "SELECT tenant_id, contact_id AS key, jsonb_build_array(version, customer_id, role, name, email, active) AS line
             FROM contacts",
        ),
        (
            Reminders,
            "SELECT tenant_id, contact_id AS key, jsonb_build_array(version, customer_id, role, name, email, active) AS line
             FROM contacts",
        ),
    ),
    mirror(
        "invoices",
        (Ingestion, INVOICES_TOLD_TO_SCORING),
        (
            Scoring,
            "SELECT tenant_id, invoice_id AS key, jsonb_build_array(version, customer_id, payer_id, currency,
               trim_scale(amount), trim_scale(open_amount), issue_date, due_date, settled_on) AS line FROM invoice_facts",
        ),
    ),
    mirror(
        "invoices",
        (
            Ingestion,
            "SELECT tenant_id, invoice_id AS key, jsonb_build_array(version, currency, trim_scale(amount),
               trim_scale(CASE WHEN standing ? 'voided' THEN 0 ELSE amount - open_amount END),
               (standing #>> '{voided,on}')::date) AS line FROM receivables",
        ),
        (
            Promises,
            "SELECT tenant_id, invoice_id AS key, jsonb_build_array(version, currency, trim_scale(amount),
               trim_scale(coalesce((SELECT sum((s ->> 'amount')::numeric) FROM jsonb_array_elements(settled) AS s), 0)),
               voided_on) AS line
             FROM invoices WHERE version > 0",
        ),
    ),
    mirror(
        "invoices",
        (
            Ingestion,
            "SELECT tenant_id, invoice_id AS key, jsonb_build_array(version, customer_id, currency, trim_scale(amount),
               trim_scale(open_amount), trim_scale(disputed_amount), issue_date, due_date, effective_due_date,
               CASE WHEN open_amount = 0 THEN 'settled' ELSE 'open' END, delivered_date, standing ? 'voided',
               standing ? 'assigned', trim_scale(least(coalesce((standing ->> 'instruments')::numeric, 0), open_amount)))
               AS line FROM receivables",
        ),
        (
            Reminders,
            "SELECT tenant_id, invoice_id AS key, jsonb_build_array(version, customer_id, currency, trim_scale(amount),
               trim_scale(open_amount), trim_scale(disputed_amount), issue_date, due_date, effective_due_date, status,
               delivered_date, voided, assigned, trim_scale(covered_amount)) AS line
             FROM invoices",
        ),
    ),
    mirror(
        "invoices",
        (
            Ingestion,
            "SELECT tenant_id, invoice_id AS key, jsonb_build_array(version, customer_id, payer_id, currency,
               trim_scale(amount), trim_scale(open_amount), trim_scale(disputed_amount), due_date, effective_due_date) AS line
             FROM receivables",
        ),
        (
            Reporting,
            "SELECT i.tenant_id, i.invoice_id AS key, jsonb_build_array(i.version, i.customer_id, i.payer_id, i.currency,
               trim_scale(i.amount), trim_scale(i.amount - coalesce(s.settled, 0)), trim_scale(i.disputed_amount), i.due_date,
               i.effective_due_date) AS line
             FROM invoices i LEFT JOIN (SELECT tenant_id, invoice_id, sum(amount) AS settled FROM invoice_settlements
                                        GROUP BY tenant_id, invoice_id) s USING (tenant_id, invoice_id)",
        ),
    ),
    mirror(
        "credits",
        (
            Ingestion,
            "SELECT tenant_id, credit_id AS key, jsonb_build_array(version, payer_id, kind, currency, trim_scale(amount),
               trim_scale(applied), trim_scale(on_account), trim_scale(waiting), trim_scale(held), value_date) AS line
             FROM credits",
        ),
        (
            Reporting,
            "SELECT tenant_id, credit_id AS key, jsonb_build_array(version, payer_id, kind, currency, trim_scale(amount),
               trim_scale(applied), trim_scale(on_account), trim_scale(waiting), trim_scale(held), value_date) AS line
             FROM credits",
        ),
    ),
    // A dispute that was moved to an invoice that has not come is told when it comes: until then only its version is old.
    mirror(
        "disputes",
        (
            Ingestion,
            "SELECT tenant_id, dispute_id AS key, jsonb_build_array(version) AS line FROM disputes WHERE version > 0",
        ),
        (Reporting, "SELECT tenant_id, dispute_id AS key, jsonb_build_array(version) AS line FROM disputes"),
    ),
    mirror(
        "holds",
        (
            Ingestion,
            "SELECT tenant_id, hold_id AS key, jsonb_build_array(version, customer_id, kind, placed_on, until, lifted_on,
               to_jsonb(ARRAY(SELECT unnest(invoice_ids) AS id ORDER BY id))) AS line FROM holds",
        ),
        (
            Reminders,
            "SELECT h.tenant_id, h.hold_id AS key, jsonb_build_array(version, customer_id, kind, placed_on, until, lifted_on,
               to_jsonb(ARRAY(SELECT i.invoice_id FROM hold_invoices i WHERE i.tenant_id = h.tenant_id
                 AND i.hold_id = h.hold_id ORDER BY i.invoice_id))) AS line FROM holds h",
        ),
    ),
    mirror("consents", (Ingestion, CONSENTS), (Reminders, CONSENTS)),
    mirror("delivery reports", (Ingestion, DELIVERY_REPORTS), (Reminders, DELIVERY_REPORTS)),
    mirror("promises made", (Ingestion, PROMISES_MADE), (Promises, PROMISES_MADE)),
    mirror(
        "promises made",
        (
            Ingestion,
            "SELECT tenant_id, promise_id AS key, jsonb_build_array(0, promised_date) AS line FROM promises",
        ),
        (
            Reminders,
            "SELECT tenant_id, promise_id AS key, jsonb_build_array(0, promised_date) AS line FROM promises",
        ),
    ),
    mirror(
        "withdrawals",
        (
            Ingestion,
            "SELECT w.tenant_id, w.promise_id AS key, jsonb_build_array(0, w.withdrawn_on) AS line
             FROM promise_withdrawals w JOIN promises p USING (tenant_id, promise_id)",
        ),
        (
            Promises,
            "SELECT tenant_id, promise_id AS key, jsonb_build_array(0, withdrawn_on) AS line FROM promise_words
             WHERE withdrawn_on IS NOT NULL",
        ),
    ),
    mirror(
        "promises",
        (
            Promises,
            "SELECT tenant_id, promise_id AS key, jsonb_build_array(version, status) AS line FROM promises WHERE version > 0",
        ),
        (
            Reminders,
            "SELECT tenant_id, promise_id AS key, jsonb_build_array(version, status) AS line FROM promises WHERE version > 0",
        ),
    ),
    mirror(
        "promises",
        (
            Promises,
            "SELECT tenant_id, promise_id AS key, jsonb_build_array(version, customer_id, currency, trim_scale(amount),
               trim_scale(paid_amount), made_on, promised_date, status) AS line FROM promises WHERE version > 0",
        ),
        (
            Reporting,
            "SELECT tenant_id, promise_id AS key, jsonb_build_array(version, customer_id, currency, trim_scale(amount),
               trim_scale(paid_amount), made_on, promised_date, status) AS line FROM promises",
        ),
    ),
    mirror(
        "alerts",
        (
            Promises,
            "SELECT tenant_id, alert_id AS key, jsonb_build_array(version, kind, status, currency, trim_scale(amount)) AS line
             FROM alerts",
        ),
        (
            Reporting,
            "SELECT tenant_id, alert_id AS key, jsonb_build_array(version, kind, status, currency, trim_scale(amount)) AS line
             FROM alerts",
        ),
    ),
    // Only ends are always told: that a message is claimed is nobody else's business.
    mirror(
        "messages",
        (
            Reminders,
            "SELECT tenant_id, message_id AS key, jsonb_build_array(version, status, reason, day, level) AS line FROM messages
             WHERE status IN ('sent', 'suppressed', 'failed', 'uncertain')",
        ),
        (
            Reporting,
            "SELECT tenant_id, message_id AS key, jsonb_build_array(version, status, reason, day, level) AS line FROM messages
             WHERE status IN ('sent', 'suppressed', 'failed', 'uncertain')",
        ),
    ),
    mirror(
        "decisions",
        (
            Reminders,
            "SELECT d.tenant_id, d.decision_id AS key, jsonb_build_array(0, d.outcome, d.reason, d.invoice_id, d.step) AS line
             FROM decisions d JOIN messages m USING (tenant_id, message_id)
             WHERE d.outcome <> 'send' OR m.status IN ('sent', 'failed', 'uncertain')",
        ),
        (
            Reporting,
            "SELECT tenant_id, decision_id AS key, jsonb_build_array(0, outcome, reason, invoice_id, step) AS line
             FROM decisions",
        ),
    ),
    mirror(
        "scores",
        (Scoring, SCORES_TOLD),
        (
            Reporting,
            "SELECT tenant_id, customer_id AS key, jsonb_build_array(version, trim_scale(p_late), trim_scale(mean_days_late),
               observations) AS line FROM customer_scores",
        ),
    ),
    mirror(
        "segments",
        (Scoring, SEGMENTS_TOLD),
        (
            Reporting,
            "SELECT tenant_id, customer_id AS key, jsonb_build_array(version, segment) AS line FROM customer_segments",
        ),
    ),
];

pub(super) async fn compare(pools: &Pools) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for Mirror { what, owner, told, reader, known } in MIRRORS {
        let (Some(owner), Some(mirror)) = (pools.get(&owner), pools.get(&reader)) else { continue };
        let (told_digests, known_digests) = tokio::try_join!(digests(owner, told), digests(mirror, known))?;
        let mut found = Vec::new();
        let tenants: BTreeSet<Uuid> = told_digests.keys().chain(known_digests.keys()).copied().collect();
        for tenant_id in tenants {
            if told_digests.get(&tenant_id) != known_digests.get(&tenant_id) {
                let (told, known) = tokio::try_join!(lines(owner, told, tenant_id), lines(mirror, known, tenant_id))?;
                found.push(format!("tenant {tenant_id}: {}", difference(&told, &known)));
            }
        }
        let looked_at = told_digests.values().map(|(count, _)| count.unsigned_abs()).sum();
        findings.push(Finding::of("projection", format!("{what} in {}", reader.name()), looked_at, found));
    }
    Ok(findings)
}

/// By tenant, how many lines there are and the sum of their hashes.
async fn digests(pool: &PgPool, side: &'static str) -> Result<BTreeMap<Uuid, (i64, String)>, sqlx::Error> {
    let rows: Vec<(Uuid, i64, String)> = sqlx::query_as(AssertSqlSafe(format!(
        "SELECT tenant_id, count(*), sum(('x' || left(md5(key::text || line::text), 15))::bit(60)::bigint)::text
         FROM ({side}) AS side GROUP BY tenant_id"
    )))
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|(tenant_id, count, digest)| (tenant_id, (count, digest))).collect())
}

async fn lines(pool: &PgPool, side: &'static str, tenant_id: Uuid) -> Result<BTreeMap<Uuid, String>, sqlx::Error> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(AssertSqlSafe(format!(
        "SELECT key, line::text FROM ({side}) AS side WHERE tenant_id = $1 ORDER BY key LIMIT $2"
    )))
    .bind(tenant_id)
    .bind(FETCHED)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().collect())
}

fn difference(told: &BTreeMap<Uuid, String>, known: &BTreeMap<Uuid, String>) -> String {
    let keys: BTreeSet<&Uuid> = told.keys().chain(known.keys()).collect();
    let differing: Vec<&Uuid> = keys.into_iter().filter(|key| told.get(key) != known.get(key)).collect();
    let said = |line: Option<&String>| line.map_or("nothing", String::as_str).to_owned();
    let examples = differing.iter().take(EXAMPLES);
    let examples = examples.map(|key| format!("{key} is told {}, known {}", said(told.get(key)), said(known.get(key))));
    format!("{} of {} differ: {}", differing.len(), told.len(), examples.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_names_what_is_told_and_what_is_known() {
        let side = |lines: &[(u128, &str)]| -> BTreeMap<Uuid, String> {
            lines.iter().map(|(key, line)| (Uuid::from_u128(*key), (*line).to_owned())).collect()
        };
        let text = difference(&side(&[(1, "[1]"), (2, "[2]")]), &side(&[(1, "[1]"), (2, "[1]"), (3, "[1]")]));
        assert!(text.starts_with("2 of 2 differ: "), "{text}");
        assert!(text.contains("is told [2], known [1]") && text.contains("is told nothing, known [1]"), "{text}");
    }
}
