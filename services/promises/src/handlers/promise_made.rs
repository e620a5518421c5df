//! A debtor promised to pay.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use contracts::ingestion::PromiseMade;
use contracts::wire::{self, Malformed};
use messaging::{Delivery, HandlerError, decode_all};
use primitives::{Currency, Money};

use crate::domain::promise::{Instalment, Promise, PromiseKey};

/// The promises of a batch, once each, sorted by key.
pub(super) fn read(batch: &[Delivery]) -> Result<Vec<Promise>, HandlerError> {
    let mut promises = BTreeMap::new();
    for event in decode_all::<PromiseMade>(batch)? {
        let promise = promise(event)?;
        promises.entry(promise.key).or_insert(promise);
    }
    Ok(promises.into_values().collect())
}

/// Every promise that the batch speaks of: made, withdrawn, or named as the one that is replaced.
pub(super) fn words(
    made: &[Promise],
    withdrawn: BTreeMap<PromiseKey, NaiveDate>,
) -> BTreeMap<PromiseKey, Option<NaiveDate>> {
    let replaced = made.iter().filter_map(|promise| {
        promise.replaces.map(|promise_id| PromiseKey { tenant_id: promise.key.tenant_id, promise_id })
    });
    let mut words: BTreeMap<_, _> =
        made.iter().map(|promise| promise.key).chain(replaced).map(|key| (key, None)).collect();
    words.extend(withdrawn.into_iter().map(|(key, on)| (key, Some(on))));
    words
}

fn promise(event: PromiseMade) -> Result<Promise, HandlerError> {
    let amount = Money::parse(&event.amount, Currency::parse(&event.currency)?)?;
    if !amount.is_positive() {
        return Err(HandlerError::reject(format!("promise {} of {amount} is not positive", event.promise_id)));
    }
    let invoice_ids: BTreeSet<_> = wire::ids("invoice_ids", &event.invoice_ids)?.into_iter().collect();
    if invoice_ids.is_empty() {
        return Err(HandlerError::reject(format!("promise {} names no invoice", event.promise_id)));
    }
    let instalment = instalment(&event, amount.currency())?;
    let zone = event.time_zone.parse().map_err(|_| Malformed { field: "time_zone", expected: "an IANA time zone" })?;
    Ok(Promise {
        key: PromiseKey {
            tenant_id: wire::id("tenant_id", &event.tenant_id)?,
            promise_id: wire::id("promise_id", &event.promise_id)?,
        },
        code: event.code,
        customer_id: wire::id("customer_id", &event.customer_id)?,
        legal_entity_id: wire::id("legal_entity_id", &event.legal_entity_id)?,
        invoice_ids: invoice_ids.into_iter().collect(),
        amount,
        promised_date: wire::date("promised_date", &event.promised_date)?,
        zone,
        made_on: wire::date("made_on", &event.made_on)?,
        channel: event.channel,
        replaces: wire::optional_id("replaces_promise_id", &event.replaces_promise_id)?,
        instalment,
    })
}

/// `None` of a promise by itself.
fn instalment(event: &PromiseMade, currency: Currency) -> Result<Option<Instalment>, HandlerError> {
    let Some(plan_id) = wire::optional_id("plan_id", &event.plan_id)? else { return Ok(None) };
    let number =
        |field, number: u32| i32::try_from(number).map_err(|_| Malformed { field, expected: "a small number" });
    let before = Money::parse(&event.amount_before, currency)?;
    let is_within = event.instalment >= 1 && event.instalment <= event.instalments;
    if !is_within || before.is_negative() {
        let (promise, instalment, of) = (&event.promise_id, event.instalment, event.instalments);
        return Err(HandlerError::reject(format!("promise {promise} is no instalment {instalment} of {of}")));
    }
    Ok(Some(Instalment {
        plan_id,
        plan_code: event.plan_code.clone(),
        number: number("instalment", event.instalment)?,
        of: number("instalments", event.instalments)?,
        before: before.amount(),
    }))
}
