//! The data of `customer.upserted`.

use primitives::{Currency, Money};

use super::Finding;
use super::data::{country, language, time_zone};
use super::json::Json;
use super::members::{Members, Noted, Read, Refusal, Sign};
use crate::domain::fact::{Body, BuyerCalendar, Customer, CustomerFile, PartyKind};
use crate::domain::text::{self, TEXT_CHARS};

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAYS_OF_MONTH: usize = 31;

pub(super) fn customer(data: &mut Members<'_>) -> Read<Body> {
    let customer = data.key("customer");
    let name = data.required("name", |value| Ok(text::text(value, TEXT_CHARS)?.to_owned()));
    let party_kind = data.choice("party_kind", &["company", "natural_person"], "company");
    let country = data.optional("country", country);
    let time_zone = data.optional("time_zone", time_zone);
    let language = data.optional("language", language);
    let (tier, payer, group) = (data.optional_key("tier"), data.optional_key("payer"), data.optional_key("group"));
    let file = file(data);
    Ok(Body::Customer(Box::new(Customer {
        customer: customer?,
        name: name?,
        party_kind: if party_kind? == "company" { PartyKind::Company } else { PartyKind::NaturalPerson },
        country: country?,
        time_zone: time_zone?,
        language: language?,
        tier: tier?,
        payer: payer?,
        group: group?,
        file: file?,
    })))
}

fn file(data: &mut Members<'_>) -> Read<CustomerFile> {
    let credit_limit = credit_limit(data);
    let (rating, tax_id) = (data.optional_key("rating"), data.optional_key("tax_id"));
    let preferred_channel = data.optional_choice("preferred_channel", &["email", "sms", "whatsapp", "call", "portal"]);
    let requires_submission = data.flag("requires_submission", false);
    let calendar = calendar(data);
    Ok(CustomerFile {
        credit_limit: credit_limit?,
        rating: rating?,
        tax_id: tax_id?,
        preferred_channel: preferred_channel?.map(str::to_owned),
        requires_submission: requires_submission?,
        calendar: calendar?,
    })
}

/// A limit has a currency of its own: a customer has none.
fn credit_limit(data: &mut Members<'_>) -> Read<Option<Money>> {
    let currency = data.optional("credit_limit_currency", |code| Ok(Currency::parse(code)?));
    let currency = match currency {
        Ok(Some(currency)) => Ok(currency),
        Ok(None) if data.has("credit_limit") => Err(data.missing("credit_limit_currency")),
        Ok(None) | Err(_) => Err(Noted),
    };
    data.optional_amount("credit_limit", currency, Sign::NotNegative)
}

fn calendar(data: &mut Members<'_>) -> Read<BuyerCalendar> {
    let Some(told) = data.raw("calendar") else { return Ok(BuyerCalendar::default()) };
    let (today, findings) = data.inner();
    let mut told = Members::of(told, "#/data/calendar", today, findings)?;
    let payment_weekdays = weekdays(&mut told, "payment_weekdays");
    let payment_days = days_of_month(&mut told, "payment_days");
    let reception_weekdays = weekdays(&mut told, "reception_weekdays");
    let reception_days = days_of_month(&mut told, "reception_days");
    let reception_cut_off = told.optional("reception_cut_off", cut_off);
    told.finish();
    Ok(BuyerCalendar {
        payment_weekdays: payment_weekdays?,
        payment_days: payment_days?,
        reception_weekdays: reception_weekdays?,
        reception_days: reception_days?,
        reception_cut_off: reception_cut_off?.unwrap_or_default(),
    })
}

/// In the order of the week, each once, so that the same calendar is the same text.
fn weekdays(told: &mut Members<'_>, name: &'static str) -> Read<Vec<String>> {
    let items = told.items(name, WEEKDAYS.len())?;
    let mut named = Vec::with_capacity(items.len());
    for (pointer, item) in items {
        match item {
            Json::Text(day) if WEEKDAYS.contains(&day.as_str()) => named.push(day.as_str()),
            _ => return Err(unknown(told, pointer, format!("one of {} is expected", WEEKDAYS.join(", ")))),
        }
    }
    Ok(WEEKDAYS.into_iter().filter(|day| named.contains(day)).map(str::to_owned).collect())
}

fn days_of_month(told: &mut Members<'_>, name: &'static str) -> Read<Vec<u8>> {
    let items = told.items(name, DAYS_OF_MONTH)?;
    let mut days = Vec::with_capacity(items.len());
    for (pointer, item) in items {
        let day = match item {
            Json::Number(number) => number.parse::<u8>().ok().filter(|day| (1..=31).contains(day)),
            _ => None,
        };
        let Some(day) = day else {
            return Err(unknown(told, pointer, "a day of the month from 1 to 31 is expected".to_owned()));
        };
        days.push(day);
    }
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

fn unknown(told: &mut Members<'_>, pointer: String, detail: String) -> Noted {
    let (_, findings) = told.inner();
    findings.push(Finding::new("unknown-value", pointer, detail));
    Noted
}

fn cut_off(value: &str) -> Result<String, Refusal> {
    let is_time = value.len() == 5 && chrono::NaiveTime::parse_from_str(value, "%H:%M").is_ok();
    if is_time {
        return Ok(value.to_owned());
    }
    Err(Refusal { code: "unknown-value", detail: "a time of day like 16:30 is expected".to_owned() })
}
