//! Customers and contacts: the newest master data wins, a mention is enough to exist.

use std::collections::{BTreeMap, BTreeSet};

use messaging::Outbox;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::resolve::{Known, Scope};
use super::{Notes, Trouble, publish};
use crate::domain::fact::{Body, Contact, Customer, PartyKind};
use crate::store::parties::{self, ContactRow, CustomerRow};

pub(super) async fn apply(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    notes: &mut Notes,
    outbox: &mut Outbox,
) -> Result<(), Trouble> {
    customers(conn, scope, facts, notes, outbox).await?;
    contacts(conn, scope, facts, notes, outbox).await
}

async fn customers(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    notes: &mut Notes,
    outbox: &mut Outbox,
) -> Result<(), Trouble> {
    let codes: BTreeMap<Uuid, String> = facts
        .iter()
        .flat_map(|fact| fact.fact().body.customers())
        .map(|code| (scope.customer(code), code.to_owned()))
        .collect();
    if codes.is_empty() {
        return Ok(());
    }
    let told: Vec<(Uuid, &Known<'_>, &Customer)> = facts
        .iter()
        .filter_map(|fact| match &fact.fact().body {
            Body::Customer(customer) => Some((scope.customer(&customer.customer), fact, customer.as_ref())),
            _ => None,
        })
        .collect();
    let mentioned: Vec<(Uuid, String)> = codes.into_iter().collect();
    let new: BTreeSet<Uuid> = parties::mention(conn, scope.tenant_id, &mentioned).await?.into_iter().collect();
    let wanted: BTreeSet<Uuid> = told.iter().map(|(id, _, _)| *id).chain(new.iter().copied()).collect();
    let rows = parties::customers(conn, scope.tenant_id, &wanted.into_iter().collect::<Vec<_>>()).await?;

    let newest = notes.newest(told, rows.iter().map(|row| (row.customer_id, &*row.source_order)));
    let mut changed = Vec::new();
    for mut row in rows {
        let is_new = new.contains(&row.customer_id);
        let before = row.clone();
        if let Some((fact, customer)) = newest.get(&row.customer_id) {
            overwrite(&mut row, scope, customer);
            let differs = row != before;
            fact.fact().order.as_str().clone_into(&mut row.source_order);
            // A customer that is new in this transaction was not published yet: it starts with its first version.
            row.version += i64::from(differs && !is_new);
            if differs || is_new {
                outbox.push(&publish::customer(scope, &row));
            }
            changed.push(row);
        } else if is_new {
            outbox.push(&publish::customer(scope, &row));
        }
    }
    parties::save_customers(conn, scope.tenant_id, &changed).await?;
    Ok(())
}

fn overwrite(row: &mut CustomerRow, scope: &Scope, customer: &Customer) {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    customer.party_kind.as_str().clone_into(&mut row.party_kind);
    row.name = if customer.party_kind == PartyKind::Company { customer.name.clone() } else { String::new() };
    row.country = text(&customer.country);
    row.time_zone = customer.time_zone.map(|zone| zone.name().to_owned()).unwrap_or_default();
    row.language = text(&customer.language);
    row.tier = text(&customer.tier);
    row.group_code = text(&customer.group);
    let file = &customer.file;
    row.credit_limit = file.credit_limit.map(|limit| limit.amount());
    row.credit_limit_currency = file.credit_limit.map(|limit| limit.currency().code().to_owned()).unwrap_or_default();
    row.rating = text(&file.rating);
    // Of a natural person it is personal data, which is kept with the fact alone (L5).
    row.tax_id = if customer.party_kind == PartyKind::Company { text(&file.tax_id) } else { String::new() };
    row.preferred_channel = text(&file.preferred_channel);
    row.requires_submission = file.requires_submission;
    row.calendar = Json(file.calendar.clone());
    row.payer_id = customer.payer.as_ref().map_or(row.customer_id, |payer| scope.customer(payer));
    row.provisional = false;
}

async fn contacts(
    conn: &mut PgConnection,
    scope: &Scope,
    facts: &[Known<'_>],
    notes: &mut Notes,
    outbox: &mut Outbox,
) -> Result<(), Trouble> {
    let told: Vec<(Uuid, &Known<'_>, &Contact)> = facts
        .iter()
        .filter_map(|fact| match &fact.fact().body {
            Body::Contact(contact) => Some((scope.contact(&contact.contact), fact, contact)),
            _ => None,
        })
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = told.iter().map(|(id, _, _)| *id).collect();
    let rows = parties::contacts(conn, scope.tenant_id, &ids).await?;
    let before: BTreeMap<Uuid, ContactRow> = rows.into_iter().map(|row| (row.contact_id, row)).collect();
    let newest = notes.newest(told, before.values().map(|row| (row.contact_id, &*row.source_order)));
    let mut changed = Vec::new();
    for (contact_id, (fact, contact)) in newest {
        let old = before.get(&contact_id);
        let mut row = ContactRow {
            contact_id,
            version: old.map_or(1, |old| old.version),
            customer_id: scope.customer(&contact.customer),
            role: contact.role.clone(),
            name: contact.name.clone(),
            email: contact.email.clone(),
            language: contact.language.clone().unwrap_or_default(),
            active: contact.active,
            source_order: old.map(|old| old.source_order.clone()).unwrap_or_default(),
        };
        let differs = old.is_some_and(|old| *old != row);
        row.version += i64::from(differs);
        fact.fact().order.as_str().clone_into(&mut row.source_order);
        if differs || old.is_none() {
            outbox.push(&publish::contact(scope, &row));
        }
        changed.push(row);
    }
    parties::save_contacts(conn, scope.tenant_id, &changed).await?;
    Ok(())
}
