//! Facts that speak of invoices in another currency than theirs: refused, unless a rule says how one is exchanged for the other.

use std::collections::{BTreeMap, BTreeSet};

use primitives::Currency;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Known, Scope};
use crate::api::accept::{Trouble, exchanges};
use crate::api::cash_rules;
use crate::api::reading::Finding;
use crate::domain::cash::chain::Chain;
use crate::domain::fact::Body;
use crate::store;

/// Line and currency of a fact, with the invoices that it names.
type Named<'a> = (usize, Currency, Vec<(Uuid, &'a str)>);

impl Scope {
    /// Facts that speak of a known invoice in another currency. An invoice that has not come has no currency yet.
    pub(super) async fn currency_mismatches(
        &mut self,
        conn: &mut PgConnection,
        known: &[Known<'_>],
    ) -> Result<BTreeMap<usize, Finding>, Trouble> {
        let named: Vec<Named<'_>> = known
            .iter()
            .filter_map(|fact| {
                let (currency, numbers) = fact.fact().body.named_invoices()?;
                let invoices =
                    numbers.into_iter().map(|number| (self.invoice(&fact.legal_entity, number), number)).collect();
                Some((fact.line, currency, invoices))
            })
            .collect();
        let mut ids: Vec<Uuid> = named.iter().flat_map(|(_, _, invoices)| invoices.iter().map(|(id, _)| *id)).collect();
        ids.sort();
        ids.dedup();
        self.accounts = store::receivables::accounts(conn, self.tenant_id, &ids).await?;
        let stored = self.accounts.iter().map(|(id, (currency, _))| (*id, currency.clone()));
        let mut currencies: BTreeMap<Uuid, String> = stored.collect();
        for fact in known {
            if let Body::Invoice(invoice) = &fact.fact().body {
                let id = self.invoice(&fact.legal_entity, &invoice.invoice);
                currencies.entry(id).or_insert_with(|| invoice.amount.currency().code().to_owned());
            }
        }
        let of_credits = known.iter().filter(|fact| matches!(fact.fact().body, Body::Credit(_) | Body::Allocated(_)));
        let of_credits: BTreeSet<usize> = of_credits.map(|fact| fact.line).collect();
        let credits = named.iter().filter(|(line, ..)| of_credits.contains(line));
        let invoices = credits.flat_map(|(.., invoices)| invoices.iter().map(|(id, _)| *id));
        let unknown = invoices.filter(|id| !currencies.contains_key(id)).collect();
        self.unknown = unknown;
        self.exchanging = self.exchanging_rules(conn, known, &currencies).await?;
        let mut mismatches = BTreeMap::new();
        let by_line: BTreeMap<usize, &Known<'_>> = known.iter().map(|fact| (fact.line, fact)).collect();
        for (line, currency, invoices) in named {
            let parts = by_line.get(&line).and_then(|fact| exchanges::exchanged_parts(&fact.fact().body));
            if let (Some(parts), Some(chain)) = (parts, &self.exchanging) {
                let owed = |id: &Uuid| currencies.get(id).filter(|owed| *owed != currency.code());
                let exchanged = invoices.iter().zip(parts).filter_map(|((id, _), part)| Some((owed(id)?, part)));
                let mut misfits = exchanged.filter_map(|(owed, part)| exchanges::misfit(chain, currency, owed, part));
                mismatches.extend(misfits.next().map(|finding| (line, finding)));
                continue;
            }
            let other = invoices.iter().find_map(|(id, number)| {
                currencies.get(id).filter(|other| *other != currency.code()).map(|other| (number, other))
            });
            if let Some((number, other)) = other {
                let detail = format!("invoice {number} is in {other}, the fact in {currency}");
                mismatches.insert(line, Finding::new("currency-mismatch", "#/data/currency", detail));
            }
        }
        Ok(mismatches)
    }

    /// The rules in force, where payments name what is not known to be in their currency.
    async fn exchanging_rules(
        &self,
        conn: &mut PgConnection,
        known: &[Known<'_>],
        currencies: &BTreeMap<Uuid, String>,
    ) -> Result<Option<Chain>, Trouble> {
        let is_elsewhere = |fact: &Known<'_>| {
            let paid = fact.fact().body.named_invoices().map(|(currency, _)| currency);
            let parts = exchanges::exchanged_parts(&fact.fact().body).unwrap_or_default();
            parts.iter().any(|part| {
                let owed = currencies.get(&self.invoice(&fact.legal_entity, &part.invoice));
                owed.map(String::as_str) != paid.as_ref().map(Currency::code)
            })
        };
        if !known.iter().any(is_elsewhere) {
            return Ok(None);
        }
        Ok(Some(cash_rules::in_force(conn, self.tenant_id, self.now.date_naive()).await?))
    }
}
