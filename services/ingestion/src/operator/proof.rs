//! Proofs about the whole ledger, for an operator: that no money appeared or vanished, and that what is stored is what the
//! fold makes of the facts (D8). Read in one snapshot, so that it holds while facts come in.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::api::accept::book::{credit, invoice};
use crate::domain::ledger::{AccountKey, AllocationKey, Allocations, CreditKind, Item, Opening, fold};
use crate::store;
use crate::store::accounts::stored_currency;
use crate::store::credits::CreditRow;
use crate::store::receivables::ReceivableRow;

/// Accounts that are read together.
const PAGE: usize = 200;
/// Beyond that, more of the same says nothing new.
const MAX_FOUND: usize = 20;

/// What was looked at, and what is wrong with it.
#[derive(Debug, Clone, Default)]
pub struct Proof {
    pub looked_at: u64,
    pub found: Vec<String>,
}

/// M1, M2 and M8 of every tenant and currency.
pub async fn conservation(pool: &PgPool) -> anyhow::Result<Proof> {
    let mut conn = pool.acquire().await?;
    let mut proof = Proof::default();
    for tenant_id in tenants(&mut conn).await? {
        for row in store::proofs::conservation(&mut conn, tenant_id).await? {
            proof.looked_at += row.objects.unsigned_abs();
            if row.broken != 0 || row.total != row.settled + row.remaining {
                proof.found.push(format!(
                    "{} of tenant {tenant_id} in {}: {} is not {} settled and {} remaining; {} objects are wrong",
                    row.law, row.currency, row.total, row.settled, row.remaining, row.broken
                ));
            }
        }
    }
    Ok(proof)
}

/// Folds every account anew and compares.
pub async fn recomputation(pool: &PgPool) -> anyhow::Result<Proof> {
    let mut tx = pool.begin().await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *tx).await?;
    let mut proof = Proof::default();
    for tenant_id in tenants(&mut tx).await? {
        let keys = account_keys(&mut tx, tenant_id).await?;
        for page in keys.chunks(PAGE) {
            let mut accounts: BTreeMap<AccountKey, Account> =
                page.iter().map(|key| (*key, Account::default())).collect();
            for row in store::receivables::all(&mut tx, tenant_id, page).await? {
                accounts.entry(row.account()?).or_default().invoices.push(row);
            }
            for row in store::credits::all(&mut tx, tenant_id, page).await? {
                accounts.entry(row.account()?).or_default().credits.push(row);
            }
            let in_force = store::settlements::in_force(&mut tx, tenant_id, page).await?;
            let nothing = Allocations::new();
            for (key, account) in accounts {
                proof.looked_at += 1;
                let wrong = account.compare(in_force.get(&key).unwrap_or(&nothing))?;
                let room = MAX_FOUND.saturating_sub(proof.found.len());
                proof.found.extend(wrong.into_iter().take(room).map(|wrong| format!("tenant {tenant_id}: {wrong}")));
            }
        }
    }
    Ok(proof)
}

#[derive(Debug, Default)]
struct Account {
    invoices: Vec<ReceivableRow>,
    credits: Vec<CreditRow>,
}

impl Account {
    /// What differs between the rows and the fold of what they tell.
    fn compare(&self, in_force: &Allocations) -> Result<Vec<String>, sqlx::Error> {
        let mut items: Vec<Item> = self.invoices.iter().map(|row| Item::Invoice(invoice(row))).collect();
        for row in self.credits.iter().filter(|row| row.kind != CreditKind::Void.as_str()) {
            items.push(Item::Credit(credit(row).map_err(|_| undecodable(row))?));
        }
        let outcome = fold(Opening::default(), items);
        let mut wrong = Vec::new();
        let keys: BTreeSet<&AllocationKey> = in_force.keys().chain(outcome.allocations.keys()).collect();
        for key in keys {
            let amount_in = |allocations: &Allocations| allocations.get(key).copied().unwrap_or_default();
            let (posted, folded) = (amount_in(in_force), amount_in(&outcome.allocations));
            if posted != folded {
                let (credit_id, invoice_id) = (key.credit_id, key.invoice_id);
                wrong.push(format!(
                    "credit {credit_id} settles {posted} of invoice {invoice_id}, folded it is {folded}"
                ));
            }
        }
        for row in &self.invoices {
            let folded = outcome.open.get(&row.invoice_id).copied().unwrap_or_default();
            if row.open_amount != folded {
                wrong.push(format!("invoice {} has {} open, folded it is {folded}", row.invoice_id, row.open_amount));
            }
        }
        for row in &self.credits {
            let Some(folded) = outcome.credits.get(&row.credit_id).map(|folded| folded.balance) else { continue };
            let stored = (row.applied, row.on_account, row.waiting, row.held);
            if stored != (folded.applied, folded.on_account, folded.waiting, folded.held) {
                wrong.push(format!("credit {} lies as {stored:?}, folded it is {folded:?}", row.credit_id));
            }
        }
        Ok(wrong)
    }
}

fn undecodable(row: &CreditRow) -> sqlx::Error {
    sqlx::Error::Decode(format!("credit {} has kind {}", row.credit_id, row.kind).into())
}

async fn tenants(conn: &mut PgConnection) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!("SELECT tenant_id FROM tenants ORDER BY tenant_id").fetch_all(conn).await
}

async fn account_keys(conn: &mut PgConnection, tenant_id: Uuid) -> Result<Vec<AccountKey>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT legal_entity_id, payer_id, currency FROM accounts WHERE tenant_id = $1
         ORDER BY legal_entity_id, payer_id, currency",
        tenant_id
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = stored_currency(&row.currency)?;
            Ok(AccountKey { legal_entity_id: row.legal_entity_id, payer_id: row.payer_id, currency })
        })
        .collect()
}
