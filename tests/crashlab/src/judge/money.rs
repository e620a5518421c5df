//! M1 to M4: the ledger is the fold of the accepted facts, to the cent; the figures are the sums of the ledger.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;

use super::{Case, Findings, rows, tenant_of, text};
use crate::told::TENANTS;

fn amount(row: &Value, name: &str) -> Decimal {
    text(row, name).parse().unwrap_or(Decimal::MIN)
}

pub(super) async fn judge(case: &Case<'_>, findings: &mut Findings) -> anyhow::Result<()> {
    invoices(case, findings).await?;
    credits(case, findings).await?;
    for tenant in 0..TENANTS.len() {
        let proof = case.world.get(tenant, "ingestion", "/v1/ledger/conservation").await?;
        findings.unless(proof["conserved"] == true, "M2", || format!("money appeared or vanished: {proof}"));
        aging(case, tenant, findings).await?;
    }
    Ok(())
}

async fn invoices(case: &Case<'_>, findings: &mut Findings) -> anyhow::Result<()> {
    let found = rows(
        case.world,
        "ingestion",
        "SELECT tenant_id, number, amount::text, open_amount::text AS open, disputed_amount::text AS disputed,
                effective_due_date::text AS effective,
                (SELECT coalesce(json_agg(json_build_array(j.day, j.sum) ORDER BY j.day), '[]') FROM (
                   SELECT value_date::text AS day, sum(CASE entry WHEN 'apply' THEN amount ELSE -amount END)::text AS sum
                   FROM settlement_entries e WHERE e.tenant_id = r.tenant_id AND e.invoice_id = r.invoice_id
                   GROUP BY value_date HAVING sum(CASE entry WHEN 'apply' THEN amount ELSE -amount END) <> 0) AS j
                ) AS settled FROM receivables r",
    )
    .await?;
    findings.unless(found.len() == case.truth.invoices.len(), "M1", || {
        format!("{} invoices, {} were told", found.len(), case.truth.invoices.len())
    });
    for row in &found {
        let key = (tenant_of(row), text(row, "number").to_owned());
        let Some(invoice) = case.truth.invoices.get(&key) else {
            findings.add("M1", format!("invoice {key:?} was never told"));
            continue;
        };
        let mut by_day: BTreeMap<NaiveDate, Decimal> = BTreeMap::new();
        for (day, sum) in &invoice.settled {
            *by_day.entry(*day).or_default() += *sum;
        }
        let settled: Vec<(String, Decimal)> =
            by_day.iter().map(|(day, sum)| (day.to_string(), sum.normalize())).collect();
        let posted: Vec<(String, Decimal)> = row["settled"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|pair| {
                let sum: Decimal = pair[1].as_str().and_then(|sum| sum.parse().ok()).unwrap_or_default();
                (pair[0].as_str().unwrap_or_default().to_owned(), sum.normalize())
            })
            .collect();
        let open = amount(row, "open");
        findings.unless(open >= Decimal::ZERO, "M4", || format!("invoice {key:?} is open by {open}"));
        findings.unless(
            amount(row, "amount") == invoice.amount
                && open == invoice.open
                && amount(row, "disputed") == invoice.disputed
                && text(row, "effective") == invoice.effective.to_string(),
            "M1",
            || format!("invoice {key:?} is {row}, should be {invoice:?}"),
        );
        findings.unless(posted == settled, "M1", || {
            format!("invoice {key:?} was settled by {posted:?}, should be {settled:?}")
        });
    }
    Ok(())
}

async fn credits(case: &Case<'_>, findings: &mut Findings) -> anyhow::Result<()> {
    let found = rows(
        case.world,
        "ingestion",
        "SELECT tenant_id, number, amount::text, applied::text, on_account::text, waiting::text, held::text FROM credits",
    )
    .await?;
    findings.unless(found.len() == case.truth.credits.len(), "M3", || {
        format!("{} payments and notes, {} were told", found.len(), case.truth.credits.len())
    });
    for row in &found {
        let key = (tenant_of(row), text(row, "number").to_owned());
        let Some(credit) = case.truth.credits.get(&key) else {
            findings.add("M3", format!("payment {key:?} was never told"));
            continue;
        };
        findings.unless(
            amount(row, "amount") == credit.amount
                && amount(row, "applied") == credit.applied
                && amount(row, "on_account") == credit.on_account
                && amount(row, "waiting") == credit.waiting
                && amount(row, "held").is_zero(),
            "M2",
            || format!("payment {key:?} is {row}, should be {credit:?}"),
        );
    }
    Ok(())
}

/// What is open, by currency and days past due, as reporting shows it.
async fn aging(case: &Case<'_>, tenant: usize, findings: &mut Findings) -> anyhow::Result<()> {
    let today = case.schedule.days[case.schedule.days.len() - 1];
    let mut expected: BTreeMap<(String, &str), (Decimal, i64)> = BTreeMap::new();
    let open = case.truth.invoices.iter().filter(|((of, _), invoice)| *of == tenant && !invoice.open.is_zero());
    for (_, invoice) in open {
        let bucket = match (today - invoice.due).num_days() {
            ..=0 => "not_due",
            1..=30 => "1-30",
            31..=60 => "31-60",
            _ => "later",
        };
        let sum = expected.entry((invoice.currency.clone(), bucket)).or_default();
        sum.0 += invoice.open;
        sum.1 += 1;
    }
    let shown = case.world.get(tenant, "reporting", &format!("/v1/aging?as_of={today}")).await?;
    let mut found: BTreeMap<(String, &str), (Decimal, i64)> = BTreeMap::new();
    for row in shown.as_array().into_iter().flatten() {
        let count = row["count"].as_i64().unwrap_or(0);
        if count > 0 {
            found.insert((text(row, "currency").to_owned(), text(row, "bucket")), (amount(row, "amount"), count));
        }
    }
    findings
        .unless(found == expected, "M1", || format!("aging of tenant {tenant} is {found:?}, should be {expected:?}"));
    unapplied(case, tenant, findings).await
}

async fn unapplied(case: &Case<'_>, tenant: usize, findings: &mut Findings) -> anyhow::Result<()> {
    let mut expected: BTreeMap<String, Decimal> = BTreeMap::new();
    for ((of, _), credit) in &case.truth.credits {
        if *of == tenant {
            *expected.entry(credit.currency.clone()).or_default() += credit.on_account + credit.waiting;
        }
    }
    expected.retain(|_, sum| !sum.is_zero());
    let sums = rows(
        case.world,
        "reporting",
        "SELECT tenant_id, currency, sum(on_account + waiting)::text AS sum FROM credits GROUP BY 1, 2
         HAVING sum(on_account + waiting) <> 0",
    )
    .await?;
    let found: BTreeMap<String, Decimal> = sums
        .iter()
        .filter(|row| tenant_of(row) == tenant)
        .map(|row| (text(row, "currency").to_owned(), amount(row, "sum")))
        .collect();
    findings
        .unless(found == expected, "M2", || format!("unapplied of tenant {tenant}: {found:?}, should be {expected:?}"));
    Ok(())
}
