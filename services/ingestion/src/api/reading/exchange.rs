//! The data of facts about money in two currencies.

use chrono::Days;
use primitives::{Currency, Money};
use rust_decimal::Decimal;

use super::Finding;
use super::json::Json;
use super::members::{Members, Noted, Read, Refusal, Sign};
use crate::domain::cash::exchange::{Published, Settles, fits};
use crate::domain::fact::Body;

/// Digits after the point of a rate, and the least that is more than any rate.
const RATE_SCALE: u32 = 10;
const TOO_MUCH: i64 = 1_000_000_000;
/// Days that one rate may hold: no holidays are longer.
const MAX_DAYS: u64 = 31;

/// What a currency was worth on a day.
pub(super) fn published(data: &mut Members<'_>) -> Read<Body> {
    let rates = data.key("rates");
    let (base, quote) = (data.currency_in("base"), data.currency_in("quote"));
    let rate = data.required("rate", rate);
    let (rate_date, through) = (data.date("rate_date"), data.optional_date("through"));
    if let (Ok(base), Ok(quote)) = (base, quote)
        && base == quote
    {
        return Err(data.note("quote", "currency-mismatch", "two currencies are expected".to_owned()));
    }
    let (rate_date, through) = (rate_date?, through?.unwrap_or(rate_date?));
    if through < rate_date {
        return Err(data.note("through", "date-order", format!("before {rate_date}, from which it holds")));
    }
    if rate_date.checked_add_days(Days::new(MAX_DAYS)).is_none_or(|latest| through > latest) {
        return Err(data.note("through", "date-range", format!("more than {MAX_DAYS} days after {rate_date}")));
    }
    Ok(Body::RatePublished(Published { rates: rates?, base: base?, quote: quote?, rate: rate?, rate_date, through }))
}

/// What a part of a payment says that it settles, in the currency of the invoice.
pub(super) fn settles(told: &Json, part: (&str, Money), members: &mut Members<'_>) -> Read<Settles> {
    let (pointer, paid) = part;
    let pointer = format!("{pointer}/settles");
    let (today, findings) = members.inner();
    let mut told = Members::of(told, &pointer, today, findings)?;
    let currency = told.currency();
    let amount = told.amount("amount", currency, Sign::Positive);
    let rate = told.optional("rate", rate);
    let rate_date = told.optional_date("rate_date");
    told.finish();
    let settles = Settles { currency: currency?, amount: amount?.amount(), rate: rate?, rate_date: rate_date? };
    let refused = if settles.currency == paid.currency() {
        Some(("currency-mismatch", "currency", format!("the payment itself is in {}", paid.currency())))
    } else if !fits(&settles, paid.amount(), paid.currency()) {
        let detail = format!("{paid} and {} {} are not at this rate", settles.amount, settles.currency);
        Some(("rate-mismatch", "rate", detail))
    } else {
        None
    };
    if let Some((code, member, detail)) = refused {
        let (_, findings) = members.inner();
        findings.push(Finding::new(code, format!("{pointer}/{member}"), detail));
        return Err(Noted);
    }
    Ok(settles)
}

/// More than zero, as a decimal.
fn rate(value: &str) -> Result<Decimal, Refusal> {
    let plain = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && value.len() <= 24;
    let number = plain.then(|| value.parse::<Decimal>().ok()).flatten();
    let number = number.filter(|rate| *rate > Decimal::ZERO && *rate < Decimal::from(TOO_MUCH));
    let number = number.map(|rate| rate.normalize()).filter(|rate| rate.scale() <= RATE_SCALE);
    number.ok_or_else(|| Refusal {
        code: "rate",
        detail: format!("a number above 0 and below {TOO_MUCH}, with {RATE_SCALE} decimals at most, is expected"),
    })
}

/// Two currencies of a pair.
pub(super) fn pair(members: &mut Members<'_>) -> Read<(Currency, Currency)> {
    let (paid, owed) = (members.currency_in("paid"), members.currency_in("owed"));
    let (paid, owed) = (paid?, owed?);
    if paid == owed {
        return Err(members.note("owed", "currency-mismatch", "two currencies are expected".to_owned()));
    }
    Ok((paid, owed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_positive_decimal() {
        for text in ["4012.35", "0.0002492", "1", "999999999.9999999999", "01.50"] {
            assert!(rate(text).is_ok(), "{text}");
        }
        for text in ["0", "-1", "1e3", "4.012,35", "", ".", "1000000000", "0.00000000001", "4012.35 "] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
