//! Promises and invoices to judge.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use primitives::{Currency, Money, ids};
use rust_decimal::Decimal;

use crate::domain::facts::{Facts, Invoice, by_day};
use crate::domain::promise::{Promise, PromiseKey};

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn cop(amount: &str) -> Money {
    Money::parse(amount, Currency::parse("COP").unwrap()).unwrap()
}

/// A promise of pesos in Bogotá about one invoice.
pub(crate) fn promise(made_on: &str, promised: &str, amount: &str) -> Promise {
    let tenant_id = ids::tenant("acme");
    Promise {
        key: PromiseKey { tenant_id, promise_id: ids::derive(tenant_id, ids::Kind::Promise, &["P-1"]) },
        code: "P-1".to_owned(),
        customer_id: ids::derive(tenant_id, ids::Kind::Customer, &["C-1"]),
        legal_entity_id: ids::derive(tenant_id, ids::Kind::LegalEntity, &["main"]),
        invoice_ids: vec![ids::derive(tenant_id, ids::Kind::Invoice, &["main", "F-1"])],
        amount: cop(amount),
        promised_date: date(promised),
        zone: Tz::America__Bogota,
        made_on: date(made_on),
        channel: "call".to_owned(),
        replaces: None,
        instalment: None,
    }
}

/// One invoice of `amount` with settlements of (value date, amount).
pub(crate) fn settled(amount: &str, settlements: &[(&str, &str)]) -> Facts {
    let parse = |amount: &str| amount.parse::<Decimal>().unwrap();
    let settlements = settlements.iter().map(|(on, amount)| (date(on), parse(amount)));
    Facts {
        invoices: vec![Invoice {
            currency: Currency::parse("COP").unwrap(),
            amount: parse(amount),
            settled: by_day(settlements),
            voided_on: None,
        }],
        all_invoices_known: true,
        ..Facts::default()
    }
}
