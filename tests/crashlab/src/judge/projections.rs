//! I7: whatever the order and the repetitions, each role knows what its upstream says.

use std::collections::BTreeSet;

use super::{Case, Findings, rows};

const INVOICES: &str = "SELECT tenant_id, invoice_id, version, trim_scale(amount) AS amount,
    trim_scale(open_amount) AS open, currency FROM";

const PROMISES_INVOICES: &str = "SELECT tenant_id, invoice_id, version, trim_scale(amount) AS amount,
    trim_scale(amount - coalesce((SELECT sum((e->>'amount')::numeric) FROM jsonb_array_elements(settled) AS e), 0)) AS open,
    currency FROM invoices WHERE version > 0";

const REPORTING_INVOICES: &str = "SELECT tenant_id, invoice_id, version, trim_scale(amount) AS amount,
    trim_scale(amount - coalesce((SELECT sum(s.amount) FROM invoice_settlements s
      WHERE s.tenant_id = i.tenant_id AND s.invoice_id = i.invoice_id), 0)) AS open, currency FROM invoices i";

const CREDITS: &str = "SELECT tenant_id, credit_id, version, kind, currency, trim_scale(amount) AS amount,
    trim_scale(applied) AS applied, trim_scale(on_account) AS on_account, trim_scale(waiting) AS waiting FROM credits";

const SOURCES: &str = "SELECT tenant_id, source_id, version, covered_until FROM sources";
const CUSTOMERS: &str = "SELECT tenant_id, customer_id, version, code FROM customers";
const CONTACTS: &str = "SELECT tenant_id, contact_id, version, email, active FROM contacts";
const PROMISE_STATES: &str =
    "SELECT tenant_id, promise_id, version, status, trim_scale(paid_amount) AS paid FROM promises WHERE version > 0";
const PROMISE_WORDS: &str = "SELECT tenant_id, promise_id, version, status FROM promises WHERE version > 0";
const MESSAGES: &str = "SELECT tenant_id, message_id, version, status, day FROM messages";

/// A role and what to ask it.
type Side<'a> = (&'a str, &'a str);

pub(super) async fn judge(case: &Case<'_>, findings: &mut Findings) -> anyhow::Result<()> {
    let receivables = format!("{INVOICES} receivables");
    let pairs: [(&str, Side<'_>, Side<'_>); 19] = [
        ("invoices", ("ingestion", &receivables), ("scoring", &format!("{INVOICES} invoice_facts"))),
        ("invoices", ("ingestion", &receivables), ("promises", PROMISES_INVOICES)),
        ("invoices", ("ingestion", &receivables), ("reminders", &format!("{INVOICES} invoices"))),
        ("invoices", ("ingestion", &receivables), ("reporting", REPORTING_INVOICES)),
        ("credits", ("ingestion", CREDITS), ("reporting", CREDITS)),
        ("sources", ("ingestion", SOURCES), ("scoring", SOURCES)),
        ("sources", ("ingestion", SOURCES), ("promises", SOURCES)),
        ("sources", ("ingestion", SOURCES), ("reminders", SOURCES)),
        ("customers", ("ingestion", CUSTOMERS), ("scoring", CUSTOMERS)),
        ("customers", ("ingestion", CUSTOMERS), ("reminders", CUSTOMERS)),
        ("customers", ("ingestion", CUSTOMERS), ("reporting", CUSTOMERS)),
        ("contacts", ("ingestion", CONTACTS), ("reminders", CONTACTS)),
        (
            "disputes",
            (
                "ingestion",
                "SELECT tenant_id, dispute_id, version, CASE WHEN resolved_on IS NULL THEN 'open' ELSE 'resolved' END AS status
                 FROM disputes WHERE version > 0",
            ),
            ("reporting", "SELECT tenant_id, dispute_id, version, status FROM disputes"),
        ),
        (
            "promises made",
            ("ingestion", "SELECT tenant_id, promise_id, trim_scale(amount) AS amount FROM promises"),
            ("promises", "SELECT tenant_id, promise_id, trim_scale(amount) AS amount FROM promises"),
        ),
        ("promises", ("promises", PROMISE_STATES), ("reporting", PROMISE_STATES)),
        ("promises", ("promises", PROMISE_WORDS), ("reminders", PROMISE_WORDS)),
        (
            "alerts",
            ("promises", "SELECT tenant_id, alert_id, version, status FROM alerts"),
            ("reporting", "SELECT tenant_id, alert_id, version, status FROM alerts"),
        ),
        ("messages", ("reminders", MESSAGES), ("reporting", MESSAGES)),
        (
            "segments",
            (
                "scoring",
                "SELECT tenant_id, customer_id, segment_version AS version, segment FROM published_scores
                 WHERE segment_version > 0",
            ),
            ("reminders", "SELECT tenant_id, customer_id, segment_version AS version, segment FROM customers WHERE segment <> ''"),
        ),
    ];
    for (what, (owner, expected), (reader, found)) in pairs {
        let expected = set(case, owner, expected).await?;
        let found = set(case, reader, found).await?;
        let only_owner: Vec<_> = expected.difference(&found).take(3).collect();
        let only_reader: Vec<_> = found.difference(&expected).take(3).collect();
        findings.unless(only_owner.is_empty() && only_reader.is_empty(), "I7", || {
            format!("{what}: {owner} says {only_owner:?}, {reader} knows {only_reader:?}")
        });
    }
    Ok(())
}

async fn set(case: &Case<'_>, role: &str, sql: &str) -> anyhow::Result<BTreeSet<String>> {
    Ok(rows(case.world, role, sql).await?.iter().map(ToString::to_string).collect())
}
