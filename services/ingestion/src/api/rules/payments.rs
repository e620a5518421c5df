//! Payments that wait for a payer.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};
use primitives::ids::{self, Kind};
use runtime::{Caller, Door, Problem};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::api::accept::{self, Verdict, accept_decisions};
use crate::api::cash_rules;
use crate::api::reading::batch::Line;
use crate::api::reading::{hex, sha256};
use crate::domain::cash::Clues;
use crate::domain::cash::chain::Chain;
use crate::domain::cash::matching::{Candidate, Evidence, Family, Match, matches};
use crate::domain::ledger::AccountKey;
use crate::store;
use crate::store::cash::{Refused, UnidentifiedRow};
use crate::store::parties::CustomerRow;
use crate::store::receivables::ReceivableRow;

/// Payments that the rules are tried on after one acceptance.
const TRIED_AT_ONCE: i64 = 500;
/// Suggestions that are kept for a person.
const MAX_SUGGESTIONS: usize = 5;
/// Open invoices of one amount: where there are more, the amount says nothing.
const MAX_OF_AMOUNT: i64 = 10;

/// A decision on its way, and the state in which it was made.
struct Decided {
    credit_id: Uuid,
    fact: Value,
    state: Vec<u8>,
}

/// What a rule is certain of is accepted as a fact of its own; the rest is suggested.
pub(super) async fn apply(door: &Door, caller: &Caller) -> Result<(), Problem> {
    let tenant_id = caller.tenant_id;
    let mut tx = door.begin(tenant_id).await?;
    let mut waiting = store::cash::to_try(&mut tx, tenant_id, TRIED_AT_ONCE).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let now = accept::now(door, &mut tx).await?;
    if i64::try_from(waiting.len()).is_ok_and(|waiting| waiting == TRIED_AT_ONCE) {
        let ids: Vec<Uuid> = waiting.iter().map(|row| row.credit_id).collect();
        store::cash::tried(&mut tx, tenant_id, now, &ids).await?;
    }
    // The same payments in whatever requests they came are decided in the same order.
    waiting.sort_by(|one, other| {
        (one.value_date, &one.number, one.credit_id).cmp(&(other.value_date, &other.number, other.credit_id))
    });
    let chain = cash_rules::in_force(&mut tx, tenant_id, now.date_naive()).await?;
    let mut known = Known::load(&mut tx, tenant_id, &chain, &waiting).await?;
    let codes = known.codes(&mut tx, tenant_id).await?;
    let (mut decided, mut suggested) = (Vec::new(), Vec::new());
    for payment in &waiting {
        let Some(evidence) = known.evidence(payment) else { continue };
        let found = matches(&chain, &evidence);
        if let Some(certain) = found.first().filter(|found| found.is_certain())
            && let Some(decision) = decide(payment, certain, &chain, &evidence, &codes, now)
            && payment.refused_state.as_ref() != Some(&decision.state)
        {
            known.spend(payment, certain);
            decided.push(decision);
            continue;
        }
        let suggestions = found.iter().take(MAX_SUGGESTIONS).filter_map(|found| suggestion(found, &codes)).collect();
        let suggestions = Value::Array(suggestions);
        if suggestions != payment.suggestions {
            suggested.push((payment.credit_id, suggestions));
        }
    }
    store::cash::suggest(&mut tx, tenant_id, &suggested).await?;
    tx.commit().await?;
    if decided.is_empty() { Ok(()) } else { tell(door, caller, decided).await }
}

async fn tell(door: &Door, caller: &Caller, decided: Vec<Decided>) -> Result<(), Problem> {
    let lines = (1..).zip(&decided).map(|(number, decided)| Line::new(number, 0, decided.fact.to_string().into()));
    let verdicts = accept_decisions(door, caller, &lines.collect::<Vec<_>>()).await?;
    let mut refused = Vec::new();
    for (decided, verdict) in decided.into_iter().zip(verdicts) {
        let refusal = match verdict {
            Verdict::Refused(findings) => {
                let finding = findings.into_iter().next();
                finding.map(|finding| json!({"code": finding.code, "detail": finding.detail}))
            }
            Verdict::Accepted(receipt) if receipt.status == "stale" => {
                Some(json!({"code": "stale", "detail": "a later word about the payment is known"}))
            }
            Verdict::Accepted(_) | Verdict::Replayed(_) => None,
        };
        match refusal {
            Some(refusal) => refused.push(Refused { credit_id: decided.credit_id, state: decided.state, refusal }),
            None => metrics::counter!("puntual_ingestion_payments_identified_total").increment(1),
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    // Not tried again before something has changed: a refusal is no news the second time.
    let mut tx = door.begin(caller.tenant_id).await?;
    store::cash::refuse(&mut tx, caller.tenant_id, &refused).await?;
    Ok(tx.commit().await?)
}

fn decide(
    payment: &UnidentifiedRow,
    found: &Match,
    chain: &Chain,
    evidence: &Evidence,
    codes: &BTreeMap<Uuid, String>,
    now: DateTime<Utc>,
) -> Option<Decided> {
    let part = |(invoice, amount): &(String, Option<Decimal>)| {
        let told = evidence.remitted.iter().map(|(told, _)| told).find(|told| told.invoice == *invoice);
        let mut part = json!({"invoice": invoice});
        if let (Some(amount), Some(members)) = (amount, part.as_object_mut()) {
            members.insert("amount".to_owned(), json!(amount.to_string()));
        }
        if let (Some(told), Some(members)) = (told.filter(|_| found.rule == "remittance"), part.as_object_mut()) {
            let deduction = told.deduction.map(|amount| ("deduction".to_owned(), json!(amount.to_string())));
            let reason = told.reason.as_ref().map(|reason| ("reason".to_owned(), json!(reason)));
            members.extend(deduction.into_iter().chain(reason));
        }
        part
    };
    let data = json!({
        "payment": payment.number,
        "payer": codes.get(&found.payer_id)?,
        "currency": payment.currency,
        "invoices": found.parts.iter().map(part).collect::<Vec<_>>(),
        "rule": found.rule,
    });
    let state = sha256(format!("{} {data} {evidence:?}", chain.version).as_bytes());
    let fact = json!({
        "id": format!("rule {} {} {}", found.rule, payment.credit_id, hex(&state).get(..16)?),
        "source": payment.source,
        "type": "payment.allocated",
        "time": now.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        "source_version": now.timestamp_micros(),
        "legal_entity": payment.legal_entity,
        "actor": "puntual",
        "approval": approval(chain),
        "data": data,
    });
    Some(Decided { credit_id: payment.credit_id, fact, state: state.to_vec() })
}

/// Which rules allowed it.
pub(super) fn approval(chain: &Chain) -> String {
    format!("cash rules {}", chain.version)
}

fn suggestion(found: &Match, codes: &BTreeMap<Uuid, String>) -> Option<Value> {
    Some(json!({
        "payer": codes.get(&found.payer_id)?,
        "rule": found.rule,
        "confidence": found.confidence.to_string(),
        "reason": found.reason,
        "invoices": found.parts.iter().map(|(number, _)| number).collect::<Vec<_>>(),
    }))
}

/// What bears on the payments that wait.
#[derive(Default)]
struct Known {
    invoices: BTreeMap<Uuid, ReceivableRow>,
    /// Invoices by what a payment says: (legal entity, number).
    named: BTreeMap<(Uuid, String), Uuid>,
    by_account: BTreeMap<String, BTreeSet<Uuid>>,
    by_name: BTreeMap<String, BTreeSet<Uuid>>,
    of_account: BTreeMap<AccountKey, Vec<Uuid>>,
    of_amount: BTreeMap<Uuid, Vec<Uuid>>,
    families: BTreeMap<Uuid, Family>,
}

fn clues_of(row: &UnidentifiedRow) -> Option<&Clues> {
    row.clues.as_deref()
}

impl Known {
    async fn load(
        conn: &mut PgConnection,
        tenant_id: Uuid,
        chain: &Chain,
        waiting: &[UnidentifiedRow],
    ) -> Result<Self, sqlx::Error> {
        let mut known = Self::default();
        let (mut accounts, mut names) = (Vec::new(), Vec::new());
        for row in waiting {
            let Some(clues) = clues_of(row) else { continue };
            accounts.extend(clues.account.clone());
            names.extend(clues.name.clone());
            let remitted = clues.remittance.iter().map(|part| part.invoice.clone());
            for number in clues.referenced().into_iter().chain(clues.in_text()).chain(remitted) {
                let invoice_id = ids::derive(tenant_id, Kind::Invoice, &[&row.legal_entity, &number]);
                known.named.insert((row.legal_entity_id, number), invoice_id);
            }
        }
        let told: Vec<Uuid> = known.named.values().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let aliases = store::references::resolve(conn, tenant_id, &told).await?;
        for invoice_id in known.named.values_mut() {
            *invoice_id = aliases.get(invoice_id).copied().unwrap_or(*invoice_id);
        }
        known.by_account = store::cash::payers_of_accounts(conn, tenant_id, &accounts).await?;
        known.by_name = store::cash::payers_of_names(conn, tenant_id, &names).await?;
        let mut ids: BTreeSet<Uuid> = known.named.values().copied().collect();
        if chain.amounts().is_some() {
            let keys: Vec<_> =
                waiting.iter().map(|row| (row.legal_entity_id, row.currency.clone(), row.amount)).collect();
            for (at, invoice_id) in store::receivables::of_amounts(conn, tenant_id, &keys, MAX_OF_AMOUNT).await? {
                let Some(row) = waiting.get(at) else { continue };
                known.of_amount.entry(row.credit_id).or_default().push(invoice_id);
                ids.insert(invoice_id);
            }
        }
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let mentioned = store::receivables::by_ids(conn, tenant_id, &ids).await?;
        let mut keys = BTreeSet::new();
        for row in waiting {
            keys.extend(known.keys(row)?);
        }
        let open = store::receivables::open(conn, tenant_id, &keys).await?;
        for row in open {
            known.of_account.entry(row.account()?).or_default().push(row.invoice_id);
            known.invoices.insert(row.invoice_id, row);
        }
        known.invoices.extend(mentioned.into_iter().map(|row| (row.invoice_id, row)));
        Ok(known)
    }

    fn payers(&self, row: &UnidentifiedRow) -> (BTreeSet<Uuid>, BTreeSet<Uuid>) {
        let found = |payers: &BTreeMap<String, BTreeSet<Uuid>>, told: Option<&String>| {
            told.and_then(|told| payers.get(told)).cloned().unwrap_or_default()
        };
        let clues = clues_of(row);
        (
            found(&self.by_account, clues.and_then(|clues| clues.account.as_ref())),
            found(&self.by_name, clues.and_then(|clues| clues.name.as_ref())),
        )
    }

    fn keys(&self, row: &UnidentifiedRow) -> Result<Vec<AccountKey>, sqlx::Error> {
        let currency = store::accounts::stored_currency(&row.currency)?;
        let (by_account, by_name) = self.payers(row);
        let key = |payer_id: &Uuid| AccountKey { legal_entity_id: row.legal_entity_id, payer_id: *payer_id, currency };
        Ok(by_account.union(&by_name).map(key).collect())
    }

    /// Codes of everybody who may have paid; whom these belong to is known from then on.
    async fn codes(&mut self, conn: &mut PgConnection, tenant_id: Uuid) -> Result<BTreeMap<Uuid, String>, sqlx::Error> {
        let found = self.by_account.values().chain(self.by_name.values()).flatten().copied();
        let payers: BTreeSet<Uuid> = found.chain(self.invoices.values().map(|row| row.payer_id)).collect();
        let mut rows = store::parties::customers(conn, tenant_id, &payers.iter().copied().collect::<Vec<_>>()).await?;
        let behind: BTreeSet<Uuid> = rows.iter().map(|row| row.payer_id).filter(|id| !payers.contains(id)).collect();
        if !behind.is_empty() {
            let behind: Vec<Uuid> = behind.into_iter().collect();
            rows.extend(store::parties::customers(conn, tenant_id, &behind).await?);
        }
        let family = |row: &CustomerRow| Family { payer_id: row.payer_id, group: row.group_code.clone() };
        self.families = rows.iter().map(|row| (row.customer_id, family(row))).collect();
        Ok(rows.into_iter().map(|row| (row.customer_id, row.code)).collect())
    }

    /// None of a payment whose clues were erased.
    fn evidence(&self, payment: &UnidentifiedRow) -> Option<Evidence> {
        let clues = clues_of(payment)?;
        let invoice = |number: &String| {
            let invoice_id = self.named.get(&(payment.legal_entity_id, number.clone()))?;
            self.invoices.get(invoice_id).filter(|row| row.currency == payment.currency)
        };
        let open = |numbers: BTreeSet<String>| {
            let open: BTreeMap<Uuid, Candidate> = numbers
                .iter()
                .filter_map(|number| Some((invoice(number)?.invoice_id, candidate(invoice(number)?)?)))
                .collect();
            open.into_values().collect()
        };
        let (payers_by_account, payers_by_name) = self.payers(payment);
        let keys = self.keys(payment).ok()?;
        let of_payers = keys.iter().filter_map(|key| self.of_account.get(key)).flatten();
        let of_amount = self.of_amount.get(&payment.credit_id).into_iter().flatten();
        let still_open = |id: &Uuid| self.invoices.get(id).and_then(candidate);
        Some(Evidence {
            amount: payment.amount,
            remitted: clues
                .remittance
                .iter()
                .map(|part| (part.clone(), invoice(&part.invoice).map(|row| row.payer_id)))
                .collect(),
            referenced: open(clues.referenced()),
            in_text: open(clues.in_text()),
            payers_by_account,
            payers_by_name,
            of_payers: of_payers.filter_map(still_open).collect(),
            // What a payment before this one was applied to has another amount now.
            of_amount: of_amount.filter_map(still_open).filter(|open| open.open_amount == payment.amount).collect(),
            families: self.families.clone(),
        })
    }

    /// The payments that follow find what this one leaves, as if they had come later.
    fn spend(&mut self, payment: &UnidentifiedRow, found: &Match) {
        let mut left = payment.amount;
        let mut ids: Vec<(Uuid, Option<Decimal>)> = found
            .parts
            .iter()
            .filter_map(|(number, amount)| {
                let known = self.named.get(&(payment.legal_entity_id, number.clone())).copied();
                let of_number = || {
                    let same =
                        |row: &&ReceivableRow| row.number == *number && row.legal_entity_id == payment.legal_entity_id;
                    self.invoices.values().find(same).map(|row| row.invoice_id)
                };
                Some((known.filter(|id| self.invoices.contains_key(id)).or_else(of_number)?, *amount))
            })
            .collect();
        if ids.is_empty() {
            let mut oldest: Vec<&ReceivableRow> = self
                .invoices
                .values()
                .filter(|row| row.payer_id == found.payer_id && row.currency == payment.currency)
                .filter(|row| row.legal_entity_id == payment.legal_entity_id)
                .collect();
            oldest.sort_by(|one, other| {
                (one.effective_due_date, &one.number).cmp(&(other.effective_due_date, &other.number))
            });
            ids = oldest.into_iter().map(|row| (row.invoice_id, None)).collect();
        }
        for (invoice_id, amount) in ids {
            let Some(row) = self.invoices.get_mut(&invoice_id) else { continue };
            let spent = amount.unwrap_or(left).min(left).min(row.open_amount);
            row.open_amount -= spent;
            left -= spent;
        }
    }
}

fn candidate(row: &ReceivableRow) -> Option<Candidate> {
    (!row.open_amount.is_zero()).then(|| Candidate {
        number: row.number.clone(),
        payer_id: row.payer_id,
        open_amount: row.open_amount,
        due_date: row.effective_due_date,
    })
}
