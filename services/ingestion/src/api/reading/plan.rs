//! The data of facts about payment plans.

use rust_decimal::Decimal;

use super::data::{CHANNELS, invoice_list, time_zone};
use super::members::{Members, Read, Sign};
use crate::domain::fact::{Body, Instalment, PlanAgreed, PlanWithdrawn};

/// Five years of weeks, and more.
const MAX_INSTALMENTS: usize = 300;

pub(super) fn agreed(data: &mut Members<'_>) -> Read<Body> {
    let (plan, customer) = (data.key("plan"), data.key("customer"));
    let currency = data.currency();
    let amount = data.amount("amount", currency, Sign::Positive);
    let agreed_on = data.date("agreed_on");
    let channel = data.choice("channel", &CHANNELS, "other");
    let zone = data.optional("time_zone", time_zone);
    let invoices = invoice_list(data);
    if matches!(&invoices, Ok(invoices) if invoices.is_empty()) {
        return Err(data.note("invoices", "missing-member", "a plan names at least one invoice".to_owned()));
    }
    let items = data.items("instalments", MAX_INSTALMENTS)?;
    if items.is_empty() {
        return Err(data.note("instalments", "missing-member", "a plan has at least one instalment".to_owned()));
    }
    let (today, findings) = data.inner();
    let mut instalments = Vec::with_capacity(items.len());
    for (pointer, item) in items {
        let mut told = Members::of(item, &pointer, today, findings)?;
        let promised_date = told.date("promised_date");
        let amount = told.amount("amount", currency, Sign::Positive);
        // The first not before the plan, each other one after the one before it.
        let previous = instalments.last().map(|last: &Instalment| last.promised_date);
        if let (Ok(day), Some(previous)) = (promised_date, previous)
            && day <= previous
        {
            return Err(told.note("promised_date", "date-order", format!("not after {previous}, the one before")));
        }
        if let (Ok(day), Ok(agreed_on)) = (promised_date, agreed_on)
            && day < agreed_on
        {
            let detail = format!("promised for a day before {agreed_on}, when it was agreed");
            return Err(told.note("promised_date", "date-order", detail));
        }
        told.finish();
        instalments.push(Instalment { promised_date: promised_date?, amount: amount? });
    }
    let amount = amount?;
    let sum: Decimal = instalments.iter().map(|instalment| instalment.amount.amount()).sum();
    if sum != amount.amount() {
        let detail = format!("the instalments sum to {sum}, the plan is {amount}");
        return Err(data.note("instalments", "instalments-sum", detail));
    }
    Ok(Body::PlanAgreed(PlanAgreed {
        plan: plan?,
        customer: customer?,
        invoices: invoices?,
        amount,
        instalments,
        agreed_on: agreed_on?,
        channel: channel?.to_owned(),
        time_zone: zone?,
    }))
}

pub(super) fn withdrawn(data: &mut Members<'_>) -> Read<Body> {
    let (plan, withdrawn_on) = (data.key("plan"), data.date("withdrawn_on"));
    Ok(Body::PlanWithdrawn(PlanWithdrawn { plan: plan?, withdrawn_on: withdrawn_on? }))
}
