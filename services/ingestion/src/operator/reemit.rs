//! Everything that ingestion owns, told again (D12).
//!
//! The order is that of causes: whoever starts from nothing knows customers before invoices, invoices before what vouches for
//! them (sources) and before the promises that are judged by them. Versions are counted up under the locks that facts take:
//! objects, then accounts (`api/accept.rs`). Promises and withdrawals are facts and have none.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use contracts::ingestion::ApiKeyChanged;
use contracts::{SCHEMA_REV, stream};
use messaging::Outbox;
use runtime::Clock;
use runtime::reemit::{Moved, Selection, Table, Told, in_pages, raise_versions};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::api::accept::publish;
use crate::api::accept::resolve::Scope;
use crate::domain::ledger::AccountKey;
use crate::store;
use crate::store::receivables::ReceivableRow;

/// What can be told again, in this order.
pub const KINDS: [&str; 14] = [
    "tenant", "api_key", "customer", "contact", "invoice", "credit", "dispute", "hold", "issue", "consent", "attempt",
    "report", "source", "promise",
];

const API_KEYS: Table = Table { name: "api_keys", key: "key_id" };
const CUSTOMERS: Table = Table { name: "customers", key: "customer_id" };
const CONTACTS: Table = Table { name: "contacts", key: "contact_id" };
const RECEIVABLES: Table = Table { name: "receivables", key: "invoice_id" };
const CREDITS: Table = Table { name: "credits", key: "credit_id" };
const DISPUTES: Table = Table { name: "disputes", key: "dispute_id" };
const HOLDS: Table = Table { name: "holds", key: "hold_id" };
const ISSUES: Table = Table { name: "issues", key: "issue_id" };
const CONSENTS: Table = Table { name: "consents", key: "consent_id" };
const ATTEMPTS: Table = Table { name: "contact_attempts", key: "attempt_id" };
const REPORTS: Table = Table { name: "delivery_reports", key: "report_id" };
const SOURCES: Table = Table { name: "sources", key: "source_id" };
const PROMISES: Table = Table { name: "promises", key: "promise_id" };

/// Tells what is selected; the role may be running.
pub async fn reemit(pool: &PgPool, clock: Clock, selection: &Selection) -> anyhow::Result<Told> {
    let mut told = Told::new();
    for tenant_id in selection.tenants(pool).await? {
        for kind in KINDS.into_iter().filter(|kind| selection.wants(kind)) {
            *told.entry(kind).or_default() += of_tenant(pool, clock, tenant_id, kind).await?;
        }
    }
    Ok(told)
}

async fn of_tenant(pool: &PgPool, clock: Clock, tenant_id: Uuid, kind: &str) -> anyhow::Result<u64> {
    let told = Page { clock, tenant_id };
    match kind {
        "tenant" => tenant(pool, told).await,
        "api_key" => in_pages(pool, API_KEYS, tenant_id, async |conn, ids| told.api_keys(conn, ids).await).await,
        "customer" => in_pages(pool, CUSTOMERS, tenant_id, async |conn, ids| told.customers(conn, ids).await).await,
        "contact" => in_pages(pool, CONTACTS, tenant_id, async |conn, ids| told.contacts(conn, ids).await).await,
        "invoice" => in_pages(pool, RECEIVABLES, tenant_id, async |conn, ids| told.invoices(conn, ids).await).await,
        "credit" => in_pages(pool, CREDITS, tenant_id, async |conn, ids| told.credits(conn, ids).await).await,
        "dispute" => in_pages(pool, DISPUTES, tenant_id, async |conn, ids| told.disputes(conn, ids).await).await,
        "hold" => in_pages(pool, HOLDS, tenant_id, async |conn, ids| told.holds(conn, ids).await).await,
        "issue" => in_pages(pool, ISSUES, tenant_id, async |conn, ids| told.issues(conn, ids).await).await,
        "consent" => in_pages(pool, CONSENTS, tenant_id, async |conn, ids| told.consents(conn, ids).await).await,
        "attempt" => in_pages(pool, ATTEMPTS, tenant_id, async |conn, ids| told.attempts(conn, ids).await).await,
        "report" => in_pages(pool, REPORTS, tenant_id, async |conn, ids| told.reports(conn, ids).await).await,
        "source" => in_pages(pool, SOURCES, tenant_id, async |conn, ids| told.sources(conn, ids).await).await,
        "promise" => in_pages(pool, PROMISES, tenant_id, async |conn, ids| told.promises(conn, ids).await).await,
        _ => Ok(0),
    }
}

async fn tenant(pool: &PgPool, page: Page) -> anyhow::Result<u64> {
    let mut tx = pool.begin().await?;
    let event = store::tenants::next_version(&mut tx, page.tenant_id).await?;
    let mut outbox = page.outbox(&mut tx).await?.1;
    outbox.push(&event);
    outbox.save(&mut tx).await?;
    tx.commit().await?;
    Ok(1)
}

/// How the rows of a page are told.
#[derive(Debug, Clone, Copy)]
struct Page {
    clock: Clock,
    tenant_id: Uuid,
}

impl Page {
    async fn outbox(self, conn: &mut PgConnection) -> Result<(Scope, Outbox), sqlx::Error> {
        let now: DateTime<Utc> = super::now(conn, self.clock).await?;
        Ok((Scope::of_stored(self.tenant_id, now), Outbox::new(stream::INGESTION, now)))
    }

    async fn api_keys(self, conn: &mut PgConnection, ids: &[Uuid]) -> anyhow::Result<u64> {
        let rows = sqlx::query!(
            "UPDATE api_keys SET version = version + 1 WHERE tenant_id = $1 AND key_id = ANY($2)
             RETURNING key_id, version, name, secret_sha256, scopes, revoked",
            self.tenant_id,
            ids
        )
        .fetch_all(&mut *conn)
        .await?;
        let mut outbox = self.outbox(conn).await?.1;
        for row in rows {
            outbox.push(&ApiKeyChanged {
                schema_rev: SCHEMA_REV,
                tenant_id: self.tenant_id.to_string(),
                key_id: row.key_id.to_string(),
                version: row.version.unsigned_abs(),
                secret_sha256: row.secret_sha256,
                scopes: row.scopes,
                revoked: row.revoked,
                name: row.name,
            });
        }
        save(outbox, conn).await
    }

    async fn customers(self, conn: &mut PgConnection, ids: &[Uuid]) -> anyhow::Result<u64> {
        store::locks::take(conn, self.tenant_id, ids).await?;
        raise_versions(conn, CUSTOMERS, self.tenant_id, ids).await?;
        let (scope, mut outbox) = self.outbox(conn).await?;
        for row in store::parties::customers(conn, self.tenant_id, ids).await? {
            outbox.push(&publish::customer(&scope, &row));
        }
        save(outbox, conn).await
    }

    async fn contacts(self, conn: &mut PgConnection, ids: &[Uuid]) -> anyhow::Result<u64> {
        store::locks::take(conn, self.tenant_id, ids).await?;
        raise_versions(conn, CONTACTS, self.tenant_id, ids).await?;
        let (scope, mut outbox) = self.outbox(conn).await?;
        for row in store::parties::contacts(conn, self.tenant_id, ids).await? {
            outbox.push(&publish::contact(&scope, &row));
        }
        save(outbox, conn).await
    }

    async fn invoices(self, conn: &mut PgConnection, ids: &[Uuid]) -> anyhow::Result<u64> {
        self.lock_accounts_of(conn, ids).await?;
        raise_versions(conn, RECEIVABLES, self.tenant_id, ids).await?;
        let settlements = store::settlements::of_invoices(conn, self.tenant_id, ids).await?;
        let (scope, mut outbox) = self.outbox(conn).await?;
        for row in sorted(store::receivables::by_ids(conn, self.tenant_id, ids).await?) {
            let settled = settlements.get(&row.invoice_id).map_or(&[][..], Vec::as_slice);
            outbox.push(&publish::invoice(&scope, &row, settled));
        }
        save(outbox, conn).await
    }

    async fn credits(self, conn: &mut PgConnection, ids: &[Uuid]) -> anyhow::Result<u64> {
        let found = store::credits::by_ids(conn, self.tenant_id, ids).await?;
        let before: BTreeSet<AccountKey> =
            found.iter().map(store::credits::CreditRow::account).collect::<Result<_, _>>()?;
        store::accounts::lock(conn, self.tenant_id, &before).await?;
        raise_versions(conn, CREDITS, self.tenant_id, ids).await?;
        let mut rows = store::credits::by_ids(conn, self.tenant_id, ids).await?;
        rows.sort_by_key(|row| row.credit_id);
        let (scope, mut outbox) = self.outbox(conn).await?;
        for row in &rows {
            anyhow::ensure!(before.contains(&row.account()?), Moved);
            outbox.push(&publish::credit(&scope, row));
        }
        save(outbox, conn).await
    }

    /// Those that were ever told: a dispute is told once its invoice is known.
    async fn disputes(self, conn: &mut PgConnection, ids: &[Uuid]) -> anyhow::Result<u64> {
        let of = |rows: &[store::disputes::DisputeRow]| rows.iter().map(|row| row.invoice_id).collect::<BTreeSet<_>>();
        let before = of(&store::disputes::load(conn, self.tenant_id, ids, &[]).await?);
        let invoice_ids: Vec<Uuid> = before.iter().copied().collect();
        self.lock_accounts_of(conn, &invoice_ids).await?;
        let rows = store::disputes::load(conn, self.tenant_id, ids, &[]).await?;
        anyhow::ensure!(of(&rows) == before, Moved);
        let invoices = store::receivables::by_ids(conn, self.tenant_id, &invoice_ids).await?;
        let invoices: BTreeMap<Uuid, ReceivableRow> = invoices.into_iter().map(|row| (row.invoice_id, row)).collect();
        let (scope, mut outbox) = self.outbox(conn).await?;
        let mut told = Vec::new();
        for mut row in rows.into_iter().filter(|row| row.version > 0 && row.customer_id.is_some()) {
            let Some(invoice) = invoices.get(&row.invoice_id) else { continue };
            row.version += 1;
            told.push(row.dispute_id);
            outbox.push(&publish::dispute(&scope, &row, invoice));
        }
        raise_versions(conn, DISPUTES, self.tenant_id, &told).await?;
        save(outbox, conn).await
    }

    /// Whoever changes a hold holds the lock of what it comes from.
    async fn holds(self, conn: &mut PgConnection, ids: &[Uuid]) -> anyhow::Result<u64> {
        let found = store::holds::load(conn, self.tenant_id, ids).await?;
        let locked: BTreeSet<Uuid> = found.iter().map(|row| row.origin_id.unwrap_or(row.hold_id)).collect();
        store::locks::take(conn, self.tenant_id, &locked.into_iter().collect::<Vec<_>>()).await?;
        raise_versions(conn, HOLDS, self.tenant_id, ids).await?;
        let (scope, mut outbox) = self.outbox(conn).await?;
        for row in store::holds::load(conn, self.tenant_id, ids).await? {
            outbox.push(&publish::hold(&scope, &row));
        }
        save(outbox, conn).await
    }

    async fn issues(self, conn: &mut PgConnection, ids: &[Uuid]) -> anyhow::Result<u64> {
        store::locks::take(conn, self.tenant_id, ids).await?;
        raise_versions(conn, ISSUES, self.tenant_id, ids).await?;
        let (scope, mut outbox) = self.outbox(conn).await?;
        for row in store::issues::load(conn, self.tenant_id, ids).await? {
            outbox.push(&publish::issue(&scope, &row));
        }
        save(outbox, conn).await
    }

    /// Whoever changes a consent holds the lock of the contact or customer that gave it.
    async fn consents(self, conn: &mut PgConnection, ids: &[Uuid]) -> anyhow::Result<u64> {
        let found = store::reach::consents(conn, self.tenant_id, ids).await?;
        let givers: BTreeSet<Uuid> = found.iter().filter_map(|row| row.contact_id.or(row.customer_id)).collect();
        store::locks::take(conn, self.tenant_id, &givers.into_iter().collect::<Vec<_>>()).await?;
        raise_versions(conn, CONSENTS, self.tenant_id, ids).await?;
        let contacts: Vec<Uuid> = found.iter().filter_map(|row| row.contact_id).collect();
        let contacts = store::parties::contacts(conn, self.tenant_id, &contacts).await?;
        let owners: BTreeMap<Uuid, Uuid> = contacts.into_iter().map(|row| (row.contact_id, row.customer_id)).collect();
        let (scope, mut outbox) = self.outbox(conn).await?;
        for row in store::reach::consents(conn, self.tenant_id, ids).await? {
            let owner = row.contact_id.and_then(|contact_id| owners.get(&contact_id).copied());
            outbox.push(&publish::consent(&scope, &row, owner));
        }
        save(outbox, conn).await
    }

    async fn attempts(self, conn: &mut PgConnection, ids: &[Uuid]) -> anyhow::Result<u64> {
        let (scope, mut outbox) = self.outbox(conn).await?;
        for row in store::reach::attempts(conn, self.tenant_id, ids).await? {
            outbox.push(&publish::attempt(&scope, &row));
        }
        save(outbox, conn).await
    }

    async fn reports(self, conn: &mut PgConnection, ids: &[Uuid]) -> anyhow::Result<u64> {
        let (scope, mut outbox) = self.outbox(conn).await?;
        for row in store::reach::reports(conn, self.tenant_id, ids).await? {
            outbox.push(&publish::report(&scope, &row));
        }
        save(outbox, conn).await
    }

    async fn sources(self, conn: &mut PgConnection, ids: &[Uuid]) -> anyhow::Result<u64> {
        let mut rows = store::sources::lock(conn, self.tenant_id, ids).await?;
        raise_versions(conn, SOURCES, self.tenant_id, ids).await?;
        let mut outbox = self.outbox(conn).await?.1;
        for row in &mut rows {
            row.version += 1;
            outbox.push(&publish::source(self.tenant_id, row));
        }
        save(outbox, conn).await
    }

    async fn promises(self, conn: &mut PgConnection, ids: &[Uuid]) -> anyhow::Result<u64> {
        let mut rows = store::promises::load(conn, self.tenant_id, ids).await?;
        rows.sort_by_key(|row| row.promise_id);
        let withdrawals = store::promises::withdrawals(conn, self.tenant_id, ids).await?;
        let withdrawals: BTreeMap<Uuid, _> = withdrawals.into_iter().map(|row| (row.promise_id, row)).collect();
        let (scope, mut outbox) = self.outbox(conn).await?;
        for row in &rows {
            outbox.push(&publish::promise_made(&scope, row));
            if let Some(withdrawal) = withdrawals.get(&row.promise_id) {
                outbox.push(&publish::promise_withdrawn(&scope, row, withdrawal));
            }
        }
        save(outbox, conn).await
    }

    /// Locks the accounts in which these invoices are settled: whoever changes an invoice holds its account.
    async fn lock_accounts_of(self, conn: &mut PgConnection, ids: &[Uuid]) -> anyhow::Result<()> {
        let before = accounts(&store::receivables::by_ids(conn, self.tenant_id, ids).await?)?;
        store::accounts::lock(conn, self.tenant_id, &before).await?;
        let now = accounts(&store::receivables::by_ids(conn, self.tenant_id, ids).await?)?;
        anyhow::ensure!(now.is_subset(&before), Moved);
        Ok(())
    }
}

fn accounts(rows: &[ReceivableRow]) -> Result<BTreeSet<AccountKey>, sqlx::Error> {
    rows.iter().map(ReceivableRow::account).collect()
}

fn sorted(mut rows: Vec<ReceivableRow>) -> Vec<ReceivableRow> {
    rows.sort_by_key(|row| row.invoice_id);
    rows
}

/// Saves what is to be told, last in its transaction.
async fn save(outbox: Outbox, conn: &mut PgConnection) -> anyhow::Result<u64> {
    let count = u64::try_from(outbox.len())?;
    outbox.save(conn).await?;
    Ok(count)
}
