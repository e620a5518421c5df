//! I1: what was accepted is there, once, and its receipt says so.

use std::collections::BTreeSet;

use super::{Case, Findings, rows, tenant_of, text};
use crate::dice::Dice;

pub(super) async fn judge(case: &Case<'_>, findings: &mut Findings) -> anyhow::Result<()> {
    let fates = case.world.client.history.fates();
    for (index, fact) in case.schedule.facts.iter().enumerate() {
        let accepted = fates.get(&index).is_some_and(|fate| fate.accepted.is_some());
        findings.unless(accepted, "I1", || format!("{} of tenant {} was never told", fact.id, fact.tenant));
    }
    let told: BTreeSet<(usize, String, String)> =
        case.schedule.facts.iter().map(|fact| (fact.tenant, fact.source().to_owned(), fact.id.clone())).collect();
    let stored: Vec<(usize, String, String)> = rows(
        case.world,
        "ingestion",
        "SELECT f.tenant_id, s.code, f.external_id FROM facts f JOIN sources s USING (tenant_id, source_id)",
    )
    .await?
    .iter()
    .map(|row| (tenant_of(row), text(row, "code").to_owned(), text(row, "external_id").to_owned()))
    .collect();
    let kept: BTreeSet<_> = stored.iter().cloned().collect();
    findings.unless(kept.len() == stored.len(), "I1", || "a fact is stored twice".to_owned());
    for lost in told.difference(&kept) {
        findings.add("I1", format!("accepted and not there: {lost:?}"));
    }
    for foreign in kept.difference(&told) {
        findings.add("I1", format!("there and never told: {foreign:?}"));
    }
    let waiting = rows(case.world, "ingestion", "SELECT code, detail FROM quarantine").await?;
    findings.unless(waiting.is_empty(), "I1", || format!("in quarantine: {waiting:?}"));
    let mut dice = Dice::of(case.schedule.seed, 6);
    for _ in 0..6 {
        let fact = dice.pick(&case.schedule.facts);
        let path = format!("/v1/receipts/{}/{}", fact.source(), fact.id);
        match case.world.get(fact.tenant, "ingestion", &path).await {
            Ok(receipt) => findings.unless(receipt["fact_id"] == fact.id, "I1", || format!("{path}: {receipt}")),
            Err(error) => findings.add("I1", format!("no receipt: {error:#}")),
        }
    }
    Ok(())
}
