//! The judge: what the doors and the databases show, against the oracle, the history of the clients and the mail server's
//! own log. The letters are those of the invariants (I delivery, M money, R reminders, P promises).

mod delivery;
mod facts;
mod mails;
mod money;
mod projections;
mod promises;

use anyhow::Context;
use serde_json::Value;

use crate::oracle::{self, Truth};
use crate::schedule::Schedule;
use crate::world::World;

/// Kept with the evidence.
pub(crate) const TABLES: [(&str, &str, &str); 9] = [
    ("receivables", "ingestion", "SELECT * FROM receivables"),
    ("credits", "ingestion", "SELECT * FROM credits"),
    ("journal", "ingestion", "SELECT * FROM settlement_entries ORDER BY entry_no"),
    ("sources", "ingestion", "SELECT * FROM sources"),
    ("promises", "promises", "SELECT * FROM promises"),
    ("messages", "reminders", "SELECT * FROM messages"),
    ("decisions", "reminders", "SELECT * FROM decisions"),
    ("reminders_customers", "reminders", "SELECT * FROM customers"),
    ("dead_letters", "reporting", "SELECT event_id, stream, stream_seq, subject, reason FROM dead_letter"),
];

/// Findings while judging.
#[derive(Default)]
pub(crate) struct Findings(Vec<String>);

impl Findings {
    pub(crate) fn add(&mut self, invariant: &str, what: impl std::fmt::Display) {
        self.0.push(format!("{invariant}: {what}"));
    }

    pub(crate) fn unless(&mut self, holds: bool, invariant: &str, what: impl FnOnce() -> String) {
        if !holds {
            self.add(invariant, what());
        }
    }
}

/// What the judge knows.
pub(crate) struct Case<'a> {
    pub(crate) world: &'a World,
    pub(crate) schedule: &'a Schedule,
    pub(crate) truth: Truth,
}

pub(crate) async fn judge(world: &World, schedule: &Schedule) -> anyhow::Result<Vec<String>> {
    let case = Case { world, schedule, truth: oracle::fold(&schedule.facts) };
    let mut findings = Findings::default();
    // The last tick's events may still be on their way to those who consume them.
    delivery::settle(world).await.unwrap_or_else(|error| findings.add("I2", format!("never quiet: {error:#}")));
    facts::judge(&case, &mut findings).await.context("facts")?;
    delivery::judge(&case, &mut findings).await.context("delivery")?;
    money::judge(&case, &mut findings).await.context("money")?;
    projections::judge(&case, &mut findings).await.context("projections")?;
    promises::judge(&case, &mut findings).await.context("promises")?;
    mails::judge(&case, &mut findings).await.context("mails")?;
    Ok(findings.0)
}

/// The rows of a query in one of the databases, each as one JSON object.
pub(crate) async fn rows(world: &World, role: &str, sql: &str) -> anyhow::Result<Vec<Value>> {
    match rows_as_json(world, role, sql).await? {
        Value::Array(rows) => Ok(rows),
        _ => Ok(Vec::new()),
    }
}

pub(crate) async fn rows_as_json(world: &World, role: &str, sql: &str) -> anyhow::Result<Value> {
    let whole = format!("SELECT coalesce(json_agg(t), '[]'::json)::text FROM ({sql}) AS t");
    let text = world.ask(role, whole).await.with_context(|| format!("{role}: {sql}"))?;
    Ok(serde_json::from_str(&text)?)
}

pub(crate) fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

/// The number of a tenant in the workload.
pub(crate) fn tenant_of(row: &Value) -> usize {
    let id = text(row, "tenant_id");
    let known = crate::told::TENANTS.iter().position(|slug| primitives::ids::tenant(slug).to_string() == id);
    known.unwrap_or(usize::MAX)
}
