//! A list on its way into the ledger, piece by piece.

use std::collections::{BTreeMap, HashSet};

use axum::body::Bytes;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use primitives::ids::{self, Kind};
use runtime::{Caller, Door, Problem};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::compare::{Difference, List, Moved, Parties, Standing};
use super::control::{Control, Drop, Totals};
use super::lines::{Form, Lines};
use crate::api::accept::{Verdict, accept};
use crate::api::reading::Finding;
use crate::api::reading::batch::Line;
use crate::api::reading::open_item::{Mentioned, OpenItem, open_item};
use crate::domain::ledger::CreditKind;
use crate::domain::order::moment;
use crate::store;
use crate::store::context::LegalEntityRow;
use crate::store::credits::CreditRow;
use crate::store::snapshots::{ListedRow, OpenRow};

/// Items that are compared and accepted in one transaction.
const PIECE: usize = 1_000;
/// A report names this many problems.
const MAX_PROBLEMS: usize = 100;

/// A line of the list that could not be used.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ListProblem)]
pub(in crate::api) struct LineProblem {
    line: usize,
    byte_offset: usize,
    code: &'static str,
    pointer: String,
    detail: String,
}

/// What the items of a list came to: `lines = unchanged + new + changed + refused`.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
#[schema(as = ListCounts)]
pub(in crate::api) struct Counts {
    lines: usize,
    unchanged: usize,
    new: usize,
    changed: usize,
    refused: usize,
    /// Of those changed: less, or more, is open than was known.
    reduced: usize,
    reopened: usize,
    /// More is open than the ledger can give back: Puntual knows of money that the list does not.
    disagreements: usize,
    /// Not in the list any more.
    closed: usize,
    facts: usize,
    /// Facts that were not accepted; `GET /v1/quarantine` has them.
    quarantined: usize,
}

pub(super) struct Application<'a> {
    door: &'a Door,
    caller: &'a Caller,
    source: &'a str,
    as_of: DateTime<Utc>,
    now: DateTime<Utc>,
    entities: Vec<LegalEntityRow>,
    time_zone: String,
    counts: Counts,
    listed: Totals,
    drop: Drop,
    /// Invoices and money on account that the list shows, readable or not.
    present: HashSet<Uuid>,
    /// Lines that stand for an invoice that a line before them shows.
    repeated: HashSet<usize>,
    /// A line might show an invoice and does not say which.
    has_unknown: bool,
    accepted_by: Option<String>,
    problems: Vec<LineProblem>,
}

/// An item with what its names mean.
struct Told {
    item: OpenItem,
    entity: String,
    zone: Tz,
    /// Of the invoice, or of the money on account.
    item_id: Uuid,
    parties: Parties,
}

impl<'a> Application<'a> {
    pub(super) async fn new(
        door: &'a Door,
        caller: &'a Caller,
        source: &'a str,
        as_of: DateTime<Utc>,
    ) -> Result<Self, Problem> {
        let mut tx = door.begin(caller.tenant_id).await?;
        let now = crate::api::accept::now(door, &mut tx).await?;
        let tenant = store::context::tenant(&mut tx, caller.tenant_id).await?;
        let entities = store::context::legal_entities(&mut tx, caller.tenant_id).await?;
        Ok(Self {
            door,
            caller,
            source,
            as_of,
            now,
            entities,
            time_zone: tenant.time_zone,
            counts: Counts::default(),
            listed: Totals::default(),
            drop: Drop::default(),
            present: HashSet::new(),
            repeated: HashSet::new(),
            has_unknown: false,
            accepted_by: None,
            problems: Vec::new(),
        })
    }

    /// Items that could be read.
    pub(super) fn items(&self) -> usize {
        self.listed.count
    }

    /// Reads the list to its end and compares it with its control totals.
    pub(super) async fn read(&mut self, form: &Form, list: &Bytes, control: &Control) -> Result<(), Problem> {
        self.accepted_by.clone_from(&control.accepted_by);
        let mut lines = Lines::open(form, list)?;
        while let Some(line) = lines.next()? {
            self.counts.lines += 1;
            match line {
                Err(unreadable) => {
                    self.mention(unreadable.mentioned.as_ref());
                    self.refuse(unreadable.line, unreadable.byte_offset, unreadable.finding);
                }
                Ok(line) => self.take_in(&line),
            }
            if self.counts.lines.is_multiple_of(PIECE) {
                tokio::task::yield_now().await;
            }
        }
        control.check(self.counts.lines, &self.listed)
    }

    fn take_in(&mut self, line: &Line) {
        match self.told(line) {
            Ok(told) if self.present.insert(told.item_id) => {
                self.listed.add(told.item.open_amount.currency().code(), told.item.open_amount.amount());
            }
            Ok(told) => {
                self.repeated.insert(line.number);
                let detail = format!("{} is in the list before", told.item.invoice);
                self.refuse(line.number, line.byte_offset, Finding::new("duplicate-item", "#/invoice", detail));
            }
            Err((mut findings, mentioned)) => {
                self.mention(mentioned.as_ref());
                let finding = findings.drain(..).next();
                let finding = finding.unwrap_or_else(|| Finding::new("refused", "#", "the line is refused"));
                self.refuse(line.number, line.byte_offset, finding);
            }
        }
    }

    /// A line that is refused still shows its invoice, where it says which.
    fn mention(&mut self, mentioned: Option<&Mentioned>) {
        match mentioned.and_then(|mentioned| self.items_of(mentioned)) {
            Some(ids) => self.present.extend(ids),
            None => self.has_unknown = true,
        }
    }

    fn told(&self, line: &Line) -> Result<Told, (Vec<Finding>, Option<Mentioned>)> {
        if let Some(finding) = line.refused() {
            return Err((vec![finding], None));
        }
        let item = open_item(&line.bytes, self.now.date_naive())?;
        let Some(entity) = self.entity(item.legal_entity.as_deref()) else {
            let unknown = Finding::new("unknown-legal-entity", "#/legal_entity", "the tenant has no such legal entity");
            return Err((vec![unknown], None));
        };
        let tenant_id = self.caller.tenant_id;
        let customer = |code: &str| ids::derive(tenant_id, Kind::Customer, &[code]);
        let parties = Parties {
            customer_id: customer(&item.customer),
            payer_id: customer(item.payer.as_ref().unwrap_or(&item.customer)),
        };
        let item_id = if item.open_amount.is_negative() {
            self.credit_id(&entity.code, &item.invoice)
        } else {
            ids::derive(tenant_id, Kind::Invoice, &[&entity.code, &item.invoice])
        };
        Ok(Told { item_id, zone: self.zone(entity), entity: entity.code.clone(), parties, item })
    }

    fn entity(&self, code: Option<&str>) -> Option<&LegalEntityRow> {
        match code {
            Some(code) => self.entities.iter().find(|entity| entity.code == code),
            None => self.entities.first(),
        }
    }

    fn zone(&self, entity: &LegalEntityRow) -> Tz {
        entity.time_zone.parse().or_else(|_| self.time_zone.parse()).unwrap_or(Tz::UTC)
    }

    /// What a line may be about of which only the number can be read.
    fn items_of(&self, mentioned: &Mentioned) -> Option<[Uuid; 2]> {
        let entity = self.entity(mentioned.legal_entity.as_deref())?;
        let invoice_id = ids::derive(self.caller.tenant_id, Kind::Invoice, &[&entity.code, &mentioned.invoice]);
        Some([invoice_id, self.credit_id(&entity.code, &mentioned.invoice)])
    }

    fn credit_id(&self, entity: &str, number: &str) -> Uuid {
        let number = self.list().credit_number(entity, number);
        ids::derive(self.caller.tenant_id, Kind::Credit, &[CreditKind::OnAccount.as_str(), self.source, &number])
    }

    fn refuse(&mut self, line: usize, byte_offset: usize, finding: Finding) {
        self.counts.refused += 1;
        if self.problems.len() < MAX_PROBLEMS {
            let Finding { code, pointer, detail } = finding;
            self.problems.push(LineProblem { line, byte_offset, code, pointer, detail: detail.into_owned() });
        }
    }

    /// What is open of the source now, and what of it the list would close.
    pub(super) async fn what_would_close(&mut self) -> Result<Drop, Problem> {
        let mut drop = Drop::default();
        let mut after = Uuid::nil();
        loop {
            let rows = self.open_after(after).await?;
            let Some(last) = rows.last() else { break };
            after = last.invoice_id;
            for row in &rows {
                drop.open.add(&row.currency, row.open_amount);
                if self.is_absent(row) {
                    drop.absent.add(&row.currency, row.open_amount);
                }
            }
        }
        self.drop = drop.clone();
        Ok(drop)
    }

    /// Brings the ledger to what the items show.
    pub(super) async fn apply_items(&mut self, form: &Form, list: &Bytes) -> Result<(), Problem> {
        let mut lines = Lines::open(form, list)?;
        let mut piece = Vec::with_capacity(PIECE);
        while let Some(line) = lines.next()? {
            let Ok(line) = line else { continue };
            if self.repeated.contains(&line.number) {
                continue;
            }
            if let Ok(told) = self.told(&line) {
                piece.push(told);
            }
            if piece.len() == PIECE {
                self.apply(std::mem::take(&mut piece)).await?;
            }
        }
        self.apply(piece).await
    }

    async fn apply(&mut self, piece: Vec<Told>) -> Result<(), Problem> {
        let tenant_id = self.caller.tenant_id;
        let mut tx = self.door.begin(tenant_id).await?;
        let ids_of = |negative: bool| -> Vec<Uuid> {
            let told = piece.iter().filter(|told| told.item.open_amount.is_negative() == negative);
            told.map(|told| told.item_id).collect()
        };
        let invoice_ids = ids_of(false);
        let mut customer_ids: Vec<Uuid> = piece.iter().map(|told| told.parties.customer_id).collect();
        customer_ids.sort();
        customer_ids.dedup();
        let invoices = store::receivables::by_ids(&mut tx, tenant_id, &invoice_ids).await?;
        let customers = store::parties::customers(&mut tx, tenant_id, &customer_ids).await?;
        let settlements = store::settlements::of_invoices(&mut tx, tenant_id, &invoice_ids).await?;
        let unexplained = settlements.values().flatten().filter(|settlement| settlement.kind == "unexplained");
        let clearing_ids: Vec<Uuid> = unexplained.clone().map(|settlement| settlement.credit_id).collect();
        let clearings = store::credits::by_ids(&mut tx, tenant_id, &clearing_ids).await?;
        let on_account = store::credits::by_ids(&mut tx, tenant_id, &ids_of(true)).await?;
        tx.rollback().await?;

        let on_account: BTreeMap<Uuid, &CreditRow> = on_account.iter().map(|row| (row.credit_id, row)).collect();
        let invoices: BTreeMap<Uuid, _> = invoices.iter().map(|row| (row.invoice_id, row)).collect();
        let customers: BTreeMap<Uuid, _> = customers.iter().map(|row| (row.customer_id, row)).collect();
        let clearings: BTreeMap<Uuid, &CreditRow> = clearings.iter().map(|row| (row.credit_id, row)).collect();
        let mut facts = Vec::new();
        let mut described = HashSet::new();
        for told in &piece {
            let customer = customers.get(&told.parties.customer_id).copied();
            let place = (told.entity.as_str(), told.zone);
            if told.item.open_amount.is_negative() {
                let known = on_account.get(&told.item_id).copied();
                let difference = self.list().compare_credit(&told.item, place, told.parties, customer, known);
                self.count(&difference);
                facts.extend(of_new_customers(difference.facts, told.parties.customer_id, &mut described));
                continue;
            }
            let in_force = settlements.get(&told.item_id).map_or(&[][..], Vec::as_slice);
            let mut cleared: Vec<(&CreditRow, Decimal)> = in_force
                .iter()
                .filter_map(|settlement| Some((*clearings.get(&settlement.credit_id)?, settlement.amount)))
                .collect();
            cleared
                .sort_by(|(one, _), (other, _)| (other.value_date, &other.number).cmp(&(one.value_date, &one.number)));
            let standing = Standing { invoice: invoices.get(&told.item_id).copied(), customer, clearings: cleared };
            let difference = self.list().compare(&told.item, place, told.parties, &standing);
            self.count(&difference);
            facts.extend(of_new_customers(difference.facts, told.parties.customer_id, &mut described));
        }
        self.tell(facts).await
    }

    fn count(&mut self, difference: &Difference) {
        let changes = difference.has_other_terms || difference.moved.is_some();
        self.counts.new += usize::from(difference.is_new);
        self.counts.changed += usize::from(changes && !difference.is_new);
        self.counts.unchanged += usize::from(!changes && !difference.is_new);
        self.counts.reduced += usize::from(difference.moved == Some(Moved::Reduced) && !difference.is_new);
        self.counts.reopened += usize::from(difference.moved == Some(Moved::Reopened));
        self.counts.disagreements += usize::from(!difference.disagreement.is_zero());
    }

    /// Closes what the list does not show any more, unless one of its lines may be about it.
    pub(super) async fn close_absent(&mut self) -> Result<(), Problem> {
        let mut after = Uuid::nil();
        while !self.has_unknown {
            let rows = self.open_after(after).await?;
            let Some(last) = rows.last() else { break };
            after = last.invoice_id;
            let absent = rows.iter().filter(|row| self.is_absent(row));
            let facts: Vec<Value> = absent
                .map(|row| {
                    let zone = self.entity(Some(&row.legal_entity)).map_or(Tz::UTC, |entity| self.zone(entity));
                    self.list().close(row, zone)
                })
                .collect();
            self.counts.closed += facts.len();
            self.tell(facts).await?;
        }
        let mut after = Uuid::nil();
        while !self.has_unknown {
            let rows = self.listed_after(after).await?;
            let Some(last) = rows.last() else { break };
            after = last.credit_id;
            let absent = rows.iter().filter(|row| !self.present.contains(&row.credit_id));
            let facts: Vec<Value> = absent.map(|row| self.list().close_credit(row)).collect();
            self.counts.closed += facts.len();
            self.tell(facts).await?;
        }
        Ok(())
    }

    async fn listed_after(&self, after: Uuid) -> Result<Vec<ListedRow>, Problem> {
        let mut tx = self.door.begin(self.caller.tenant_id).await?;
        let (tenant_id, until) = (self.caller.tenant_id, moment(self.as_of));
        let limit = i64::try_from(PIECE).unwrap_or(i64::MAX);
        Ok(store::snapshots::listed_of_source(&mut tx, tenant_id, self.source, &until, after, limit).await?)
    }

    /// The list is all that its source knows up to its moment (L4).
    pub(super) async fn cover(&mut self, families: &[String]) -> Result<(), Problem> {
        if families.is_empty() || self.has_unknown {
            return Ok(());
        }
        let covered = self.list().covered();
        self.tell(vec![covered]).await
    }

    async fn open_after(&self, after: Uuid) -> Result<Vec<OpenRow>, Problem> {
        let mut tx = self.door.begin(self.caller.tenant_id).await?;
        let (tenant_id, until) = (self.caller.tenant_id, moment(self.as_of));
        let limit = i64::try_from(PIECE).unwrap_or(i64::MAX);
        Ok(store::snapshots::open_of_source(&mut tx, tenant_id, self.source, &until, after, limit).await?)
    }

    fn is_absent(&self, row: &OpenRow) -> bool {
        !self.present.contains(&row.invoice_id)
    }

    fn list(&self) -> List<'a> {
        List { tenant_id: self.caller.tenant_id, source: self.source, as_of: self.as_of }
    }

    async fn tell(&mut self, facts: Vec<Value>) -> Result<(), Problem> {
        if facts.is_empty() {
            return Ok(());
        }
        let lines: Vec<Line> =
            (1..).zip(facts).map(|(number, fact)| Line::new(number, 0, fact.to_string().into())).collect();
        let batch_id =
            ids::derive(self.caller.tenant_id, Kind::Snapshot, &[self.source, &self.as_of.to_rfc3339(), "facts"]);
        let verdicts = accept(self.door, self.caller, &lines, Some(batch_id)).await?;
        self.counts.facts += verdicts.len();
        self.counts.quarantined += verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Refused(_))).count();
        Ok(())
    }

    pub(super) fn report(&self, snapshot_id: Uuid, status: &str) -> Value {
        let closing = if self.has_unknown { "nothing: a line cannot be read" } else { "what is absent" };
        json!({
            "snapshot_id": snapshot_id,
            "source": self.source,
            "as_of": self.as_of,
            "status": status,
            "items": self.counts,
            "listed": self.listed,
            "open_before": self.drop.open,
            "absent": self.drop.absent,
            "closes": closing,
            "accepted_by": self.accepted_by,
            "problems": self.problems,
        })
    }
}

/// A customer of many items is described once.
fn of_new_customers(
    facts: Vec<Value>,
    customer_id: Uuid,
    described: &mut HashSet<Uuid>,
) -> impl Iterator<Item = Value> {
    facts.into_iter().filter(move |fact| fact["type"] != "customer.upserted" || described.insert(customer_id))
}
