//! What the names in a fact mean to this tenant, and what is refused because they mean nothing.

mod currencies;
mod names;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, Utc};
use chrono_tz::Tz;
use primitives::ids::{self, Kind};
use runtime::Caller;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::reading::{Finding, Parsed};
use super::{
    Trouble, Verdict, cash, conduct, exchanges, expected_credits, instruments, promises, reach, references, verdicts,
};
use crate::domain::cash::chain::Chain;
use crate::domain::fact::{Body, Fact};
use crate::store;
use crate::store::context::{LegalEntityRow, SourceRow};
use crate::store::facts::{NewFact, ReceiptRow};
use crate::store::receivables::Owed;
pub(crate) use names::quarantine_id;

/// A source that claims to have told the future would switch the freshness gate off (L4).
const MAX_COVERAGE_AHEAD_DAYS: u64 = 2;

/// The tenant for whom facts are accepted, and when.
pub(crate) struct Scope {
    pub(crate) tenant_id: Uuid,
    pub(crate) now: DateTime<Utc>,
    slug: String,
    time_zone: String,
    caller: String,
    legal_entities: Vec<LegalEntityRow>,
    sources: BTreeMap<String, Uuid>,
    /// Invoices by another number: the id that an invoice of that number would have -> the invoice.
    aliases: BTreeMap<Uuid, Uuid>,
    /// What credits name and nobody knows, neither as a number nor as another one.
    unknown: BTreeSet<Uuid>,
    /// Currency and payer of the invoices that facts name, as far as these were known before any lock.
    pub(super) accounts: BTreeMap<Uuid, Owed>,
    /// The rules in force, where facts pay invoices of another currency, or such as nobody knows.
    pub(super) exchanging: Option<Chain>,
}

/// A fact whose names are resolved.
pub(super) struct Known<'a> {
    /// Index of its line.
    pub(super) line: usize,
    pub(super) parsed: &'a Parsed,
    pub(super) fact_id: Uuid,
    pub(super) source_id: Uuid,
    pub(super) legal_entity_id: Uuid,
    /// Code of the legal entity.
    pub(super) legal_entity: String,
}

impl Scope {
    /// For telling what is stored already: it knows no names.
    pub(crate) fn of_stored(tenant_id: Uuid, now: DateTime<Utc>) -> Self {
        Self {
            tenant_id,
            now,
            slug: String::new(),
            time_zone: String::new(),
            caller: String::new(),
            legal_entities: Vec::new(),
            sources: BTreeMap::new(),
            aliases: BTreeMap::new(),
            unknown: BTreeSet::new(),
            accounts: BTreeMap::new(),
            exchanging: None,
        }
    }

    pub(super) async fn load(
        conn: &mut PgConnection,
        caller: &Caller,
        now: DateTime<Utc>,
        read: &[Result<Parsed, Vec<Finding>>],
    ) -> Result<Self, Trouble> {
        let tenant_id = caller.tenant_id;
        let mut codes: Vec<String> = read.iter().flatten().map(|parsed| parsed.fact.source.clone()).collect();
        codes.sort();
        codes.dedup();
        let tenant = store::context::tenant(conn, tenant_id).await?;
        let legal_entities = store::context::legal_entities(conn, tenant_id).await?;
        let sources = store::context::sources(conn, tenant_id, &codes).await?;
        Ok(Self {
            tenant_id,
            now,
            slug: tenant.slug,
            time_zone: tenant.time_zone,
            caller: caller.name.clone(),
            legal_entities,
            sources: sources.into_iter().map(|SourceRow { source_id, code }| (code, source_id)).collect(),
            aliases: BTreeMap::new(),
            unknown: BTreeSet::new(),
            accounts: BTreeMap::new(),
            exchanging: None,
        })
    }

    /// The facts that mean something, in the order of their lines; the others get their verdict.
    pub(super) async fn resolve<'a>(
        &mut self,
        conn: &mut PgConnection,
        read: &'a [Result<Parsed, Vec<Finding>>],
        answers: &mut [Option<Verdict>],
    ) -> Result<Vec<Known<'a>>, Trouble> {
        let mut known = Vec::with_capacity(read.len());
        for (line, parsed) in read.iter().enumerate() {
            match parsed {
                Err(findings) => verdicts::set(answers, line, Verdict::Refused(findings.clone())),
                Ok(parsed) => match self.know(line, parsed) {
                    Ok(fact) => known.push(fact),
                    Err(finding) => verdicts::refuse(answers, line, finding),
                },
            }
        }
        let numbers: BTreeSet<Uuid> = known.iter().flat_map(|fact| fact.numbered(self)).collect();
        let numbers: Vec<Uuid> = numbers.into_iter().collect();
        self.aliases = store::references::resolve(conn, self.tenant_id, &numbers).await?;
        let mut refused = references::conflicts(conn, self, &known).await?;
        self.aliases.extend(references::of_facts(self, &known, &refused));
        refused.extend(self.currency_mismatches(conn, &known).await?);
        refused.extend(promises::conflicts(conn, self, &known).await?);
        refused.extend(cash::misfits(conn, self, &known).await?);
        self.spare_stored(conn, &known, &mut refused).await?;
        known.retain(|fact| !refused.contains_key(&fact.line));
        for (line, finding) in refused {
            verdicts::refuse(answers, line, finding);
        }
        Ok(known)
    }

    /// What was accepted before keeps its receipt, whatever has become known since (I5).
    async fn spare_stored(
        &self,
        conn: &mut PgConnection,
        known: &[Known<'_>],
        refused: &mut BTreeMap<usize, Finding>,
    ) -> Result<(), Trouble> {
        if refused.is_empty() {
            return Ok(());
        }
        let suspects: BTreeMap<usize, Uuid> = known
            .iter()
            .filter(|fact| refused.contains_key(&fact.line))
            .map(|fact| (fact.line, fact.fact_id))
            .collect();
        let ids: Vec<Uuid> = suspects.values().copied().collect();
        let receipts = store::facts::receipts(conn, self.tenant_id, &ids).await?;
        let stored: BTreeSet<Uuid> = receipts.into_iter().map(|receipt| receipt.fact_id).collect();
        refused.retain(|line, _| suspects.get(line).is_none_or(|fact_id| !stored.contains(fact_id)));
        Ok(())
    }

    fn know<'a>(&self, line: usize, parsed: &'a Parsed) -> Result<Known<'a>, Finding> {
        let fact = &parsed.fact;
        if fact.tenant.as_ref().is_some_and(|tenant| *tenant != self.slug) {
            return Err(Finding::new("tenant-mismatch", "#/tenant", "the key belongs to another tenant"));
        }
        let source_id = self.sources.get(&fact.source).copied();
        let source_id =
            source_id.ok_or_else(|| Finding::new("unknown-source", "#/source", "no such source is registered"))?;
        let entity = match &fact.legal_entity {
            Some(code) => self.legal_entities.iter().find(|entity| entity.code == *code),
            None => self.legal_entities.first(),
        };
        let entity = entity.ok_or_else(|| {
            Finding::new("unknown-legal-entity", "#/legal_entity", "the tenant has no such legal entity")
        })?;
        if let Body::Covered { until } = fact.body
            && self.now.checked_add_days(Days::new(MAX_COVERAGE_AHEAD_DAYS)).is_some_and(|latest| until > latest)
        {
            let detail = format!("more than {MAX_COVERAGE_AHEAD_DAYS} days in the future");
            return Err(Finding::new("date-range", "#/data/covered_until", detail));
        }
        Ok(Known {
            line,
            parsed,
            fact_id: ids::derive(self.tenant_id, Kind::Fact, &[&fact.source, &fact.id]),
            source_id,
            legal_entity_id: entity.legal_entity_id,
            legal_entity: entity.code.clone(),
        })
    }

    /// Zone of a debtor about whom nothing is known.
    pub(super) fn zone(&self, legal_entity_id: Uuid) -> &str {
        let entity = self.legal_entities.iter().find(|entity| entity.legal_entity_id == legal_entity_id);
        entity
            .map(|entity| entity.time_zone.as_str())
            .filter(|zone| zone.parse::<Tz>().is_ok())
            .unwrap_or(&self.time_zone)
    }

    /// Invoices by their other numbers, as far as facts name them.
    pub(super) fn aliases(&self) -> impl Iterator<Item = (Uuid, Uuid)> + '_ {
        self.aliases.iter().map(|(id, invoice_id)| (*id, *invoice_id))
    }

    /// What credits name and nobody knows: locked, so that an invoice that goes by it and a payment that names it meet.
    pub(super) fn unknown_names(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.unknown.iter().copied()
    }

    /// Looks again for names that nobody knew before their locks were held.
    pub(super) async fn learn_names(&mut self, conn: &mut PgConnection) -> Result<(), Trouble> {
        let unknown: Vec<Uuid> = self.unknown.iter().copied().collect();
        self.aliases.extend(store::references::resolve(conn, self.tenant_id, &unknown).await?);
        Ok(())
    }
}

impl Known<'_> {
    pub(super) const fn fact(&self) -> &Fact {
        &self.parsed.fact
    }

    /// What must not change under the fact's feet.
    pub(super) fn objects(&self, scope: &Scope) -> Vec<Uuid> {
        match &self.fact().body {
            Body::Customer(fact) => vec![scope.customer(&fact.customer)],
            Body::Contact(fact) => vec![scope.contact(&fact.contact)],
            Body::Invoice(fact) => {
                let mut objects = references::told_ids(scope, self);
                objects.push(scope.invoice(&self.legal_entity, &fact.invoice));
                objects
            }
            Body::Extended(fact) => vec![scope.invoice(&self.legal_entity, &fact.invoice)],
            Body::Said(fact) => vec![scope.invoice(&self.legal_entity, &fact.invoice)],
            Body::WithholdingExpected(fact) => vec![scope.invoice(&self.legal_entity, &fact.invoice)],
            Body::Credit(fact) => vec![scope.credit(fact.kind, &self.fact().source, &fact.number)],
            Body::Instrument(fact) => {
                let invoices = fact.parts.iter().map(|part| scope.invoice(&self.legal_entity, &part.invoice));
                invoices.chain([instruments::credit_id(scope, self, &fact.instrument)]).collect()
            }
            Body::InstrumentChanged(fact) => vec![instruments::credit_id(scope, self, &fact.instrument)],
            Body::ExpectedCredit(fact) => {
                vec![expected_credits::expected_id(scope, self, fact), scope.invoice(&self.legal_entity, &fact.invoice)]
            }
            Body::Unidentified(fact) => vec![cash::credit_id(scope, self, &fact.number)],
            Body::Allocated(fact) => vec![cash::credit_id(scope, self, &fact.payment)],
            Body::Reversed(fact) => vec![cash::credit_id(scope, self, &fact.payment)],
            Body::RatePublished(fact) => exchanges::rate_ids(scope, fact),
            Body::DisputeOpened(fact) => {
                vec![scope.dispute(&fact.dispute), scope.invoice(&self.legal_entity, &fact.invoice)]
            }
            Body::DisputeResolved(fact) => vec![scope.dispute(&fact.dispute)],
            Body::PromiseMade(fact) => vec![scope.promise(&fact.promise)],
            Body::PromiseWithdrawn(fact) => vec![scope.promise(&fact.promise)],
            Body::PlanAgreed(fact) => vec![scope.plan(&fact.plan)],
            Body::PlanWithdrawn(fact) => vec![scope.plan(&fact.plan)],
            Body::Conduct(fact) => conduct::objects(scope, fact),
            Body::Reach(fact) => reach::objects(scope, fact),
            Body::Covered { .. } => Vec::new(),
        }
    }

    /// The ids that invoices of the numbers in it would have.
    fn numbered(&self, scope: &Scope) -> Vec<Uuid> {
        let numbers = self.fact().body.invoice_numbers();
        numbers.into_iter().map(|number| scope.numbered(&self.legal_entity, number)).collect()
    }

    pub(super) fn dispute_id(&self, scope: &Scope) -> Option<Uuid> {
        match &self.fact().body {
            Body::DisputeOpened(fact) => Some(scope.dispute(&fact.dispute)),
            Body::DisputeResolved(fact) => Some(scope.dispute(&fact.dispute)),
            _ => None,
        }
    }

    pub(super) fn row<'a>(&'a self, scope: &'a Scope) -> NewFact<'a> {
        let fact = self.fact();
        let Parsed { data, impersonal, sha256, .. } = self.parsed;
        NewFact {
            fact_id: self.fact_id,
            source_id: self.source_id,
            external_id: &fact.id,
            fact_type: fact.body.type_name(),
            occurred_at: fact.occurred_at,
            source_version: fact.source_version.as_deref(),
            legal_entity_id: self.legal_entity_id,
            actor: fact.actor.as_ref().unwrap_or(&scope.caller),
            approval: fact.approval.as_deref(),
            data: impersonal.as_ref().unwrap_or(data),
            personal: impersonal.is_some().then_some(data),
            sha256,
        }
    }

    pub(super) fn receipt(&self, scope: &Scope, status: &str, parked: Vec<String>) -> ReceiptRow {
        let fact = self.fact();
        ReceiptRow {
            fact_id: self.fact_id,
            source: fact.source.clone(),
            external_id: fact.id.clone(),
            fact_type: fact.body.type_name().to_owned(),
            status: status.to_owned(),
            parked,
            sha256: self.parsed.sha256.to_vec(),
            recorded_at: scope.now,
        }
    }
}
