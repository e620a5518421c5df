//! Money (D4): an exact decimal at the scale of its ISO 4217 currency. Never a float, never two currencies in one sum.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU8, Ordering};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Amounts are below 10^15 units of the currency: sums over a billion items stay inside `Decimal`'s 28 digits.
const MAX_INTEGER_DIGITS: usize = 15;

/// What is wrong with an amount or a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("not a plain decimal number")]
    Format,
    #[error("more decimals than the currency has")]
    Scale,
    #[error("out of range")]
    Range,
    #[error("not an ISO 4217 currency that can be owed")]
    Currency,
    #[error("amounts in different currencies")]
    Mixed,
}

/// An ISO 4217 currency with a minor unit (no `XXX`, `XTS` or metals).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The currency of an upper-case three-letter code.
    pub fn parse(code: &str) -> Result<Self, MoneyError> {
        minor_unit(code).ok_or(MoneyError::Currency)?;
        code.as_bytes().try_into().map(Self).map_err(|_| MoneyError::Currency)
    }

    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// Digits after the decimal point: COP 2, CLP 0, KWD 3.
    pub fn scale(&self) -> u32 {
        minor_unit(self.code()).map_or(2, u32::from)
    }
}

/// Codes of three capital letters.
const CODES: usize = 26 * 26 * 26;
const NOT_ASKED: u8 = u8::MAX;
const NO_CURRENCY: u8 = u8::MAX - 1;
/// What [`minor_unit`] was told. The list is searched word by word, and every amount asks.
static MINOR_UNITS: [AtomicU8; CODES] = [const { AtomicU8::new(NOT_ASKED) }; CODES];

/// Digits after the decimal point of a currency that has a minor unit.
fn minor_unit(code: &str) -> Option<u8> {
    let letters: [u8; 3] = code.as_bytes().try_into().ok()?;
    let place = letters
        .into_iter()
        .try_fold(0, |place, letter| letter.is_ascii_uppercase().then(|| place * 26 + usize::from(letter - b'A')))?;
    let answer = MINOR_UNITS.get(place)?;
    let known = match answer.load(Ordering::Relaxed) {
        NOT_ASKED => {
            let digits = iso_currency::Currency::from_code(code).and_then(iso_currency::Currency::exponent);
            let digits = digits.and_then(|digits| u8::try_from(digits).ok()).unwrap_or(NO_CURRENCY);
            answer.store(digits, Ordering::Relaxed);
            digits
        }
        known => known,
    };
    (known != NO_CURRENCY).then_some(known)
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = MoneyError;
    fn from_str(code: &str) -> Result<Self, MoneyError> {
        Self::parse(code)
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;
    fn try_from(code: String) -> Result<Self, MoneyError> {
        Self::parse(&code)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).map_err(serde::de::Error::custom)
    }
}

/// An amount of one currency, at that currency's scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

impl Money {
    pub fn zero(currency: Currency) -> Self {
        Self { amount: Decimal::new(0, currency.scale()), currency }
    }

    /// Reads the wire form: optional `-`, digits, optional `.` and at most as many decimals as the currency has.
    /// No exponent, no grouping, no `+`, no blanks.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(MoneyError::Format),
            None => (digits, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return Err(MoneyError::Format);
        }
        if whole.trim_start_matches('0').len() > MAX_INTEGER_DIGITS {
            return Err(MoneyError::Range);
        }
        if fraction.trim_end_matches('0').len() > usize::try_from(currency.scale()).unwrap_or(0) {
            return Err(MoneyError::Scale);
        }
        let amount = Decimal::from_str(text).map_err(|_| MoneyError::Range)?;
        Self::new(amount, currency)
    }

    /// An amount that already is a decimal; refuses more decimals than the currency has, and magnitudes of 10^15 or more.
    pub fn new(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let mut exact = amount.normalize();
        if exact.scale() > currency.scale() {
            return Err(MoneyError::Scale);
        }
        if exact.trunc().abs() >= Decimal::from(10_u64.pow(15)) {
            return Err(MoneyError::Range);
        }
        exact.rescale(currency.scale());
        if exact.is_zero() {
            exact.set_sign_positive(true); // `-0` is 0
        }
        Ok(Self { amount: exact, currency })
    }

    pub fn amount(&self) -> Decimal {
        self.amount
    }

    pub fn currency(&self) -> Currency {
        self.currency
    }

    pub fn is_zero(&self) -> bool {
        self.amount.is_zero()
    }

    pub fn is_positive(&self) -> bool {
        self.amount > Decimal::ZERO
    }

    pub fn is_negative(&self) -> bool {
        self.amount < Decimal::ZERO
    }

    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let sum = self.amount.checked_add(other.amount).ok_or(MoneyError::Range)?;
        Self::new(sum, self.currency)
    }

    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        let difference = self.amount.checked_sub(other.amount).ok_or(MoneyError::Range)?;
        Self::new(difference, self.currency)
    }

    /// The smaller of two amounts of one currency.
    pub fn at_most(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        Ok(if other.amount < self.amount { other } else { self })
    }

    /// Splits into parts proportional to `weights` by largest remainder (Hamilton): the parts sum to the whole to the last
    /// minor unit, for either sign (M8). Equal remainders go to the earlier part; weights that sum to zero split evenly.
    pub fn split(self, weights: &[u32]) -> Vec<Self> {
        let count = weights.len();
        if count == 0 {
            return Vec::new();
        }
        let even = weights.iter().all(|weight| *weight == 0);
        let weights: Vec<i128> = weights.iter().map(|weight| if even { 1 } else { i128::from(*weight) }).collect();
        let total: i128 = weights.iter().sum();
        let units = self.amount.abs().mantissa();
        let mut parts: Vec<i128> = weights.iter().map(|weight| units * weight / total).collect();
        let mut by_remainder: Vec<usize> = (0..count).collect();
        let remainder = |index: &usize| weights.get(*index).map_or(0, |weight| units * weight % total);
        by_remainder.sort_by_key(|index| std::cmp::Reverse(remainder(index)));
        let left = units - parts.iter().sum::<i128>();
        for index in by_remainder.into_iter().take(usize::try_from(left).unwrap_or(0)) {
            if let Some(part) = parts.get_mut(index) {
                *part += 1;
            }
        }
        let sign = if self.is_negative() { -1 } else { 1 };
        let scale = self.currency.scale();
        parts
            .into_iter()
            .map(|part| Self { amount: Decimal::from_i128_with_scale(sign * part, scale), currency: self.currency })
            .collect()
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency { Ok(()) } else { Err(MoneyError::Mixed) }
    }
}

/// The wire form of the amount, without the currency: `1234.50`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.amount)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cop() -> Currency {
        Currency::parse("COP").unwrap()
    }

    #[test]
    fn amounts_are_read_exactly_or_refused() {
        let clp = Currency::parse("CLP").unwrap();
        let kwd = Currency::parse("KWD").unwrap();
        let cases = [
            ("10.50", cop(), Ok("10.50")),
            ("10.5", cop(), Ok("10.50")),
            ("10.500", cop(), Ok("10.50")),
            ("-0", cop(), Ok("0.00")),
            ("10", clp, Ok("10")),
            ("10.0", clp, Ok("10")),
            ("1.234", kwd, Ok("1.234")),
            ("10.005", cop(), Err(MoneyError::Scale)),
            ("10.5", clp, Err(MoneyError::Scale)),
            ("1E2", cop(), Err(MoneyError::Format)),
            ("1,234.56", cop(), Err(MoneyError::Format)),
            ("1 234", cop(), Err(MoneyError::Format)),
            ("+1", cop(), Err(MoneyError::Format)),
            ("", cop(), Err(MoneyError::Format)),
            ("1.", cop(), Err(MoneyError::Format)),
            (".5", cop(), Err(MoneyError::Format)),
            ("NaN", cop(), Err(MoneyError::Format)),
            ("١٢", cop(), Err(MoneyError::Format)),
            ("99999999999999999999", cop(), Err(MoneyError::Range)),
        ];
        for (text, currency, expected) in cases {
            let read = Money::parse(text, currency).map(|money| money.to_string());
            assert_eq!(read, expected.map(str::to_owned), "{text} {currency}");
        }
    }

    #[test]
    fn only_currencies_that_can_be_owed() {
        for code in ["XXX", "XTS", "usd", "US$", "", "ABC", "XAU"] {
            assert_eq!(Currency::parse(code), Err(MoneyError::Currency), "{code}");
        }
        assert_eq!(Currency::parse("COP").unwrap().scale(), 2);
        assert_eq!(Currency::parse("CLP").unwrap().scale(), 0);
    }

    #[test]
    fn currencies_never_mix() {
        let dollars = Money::parse("1", Currency::parse("USD").unwrap()).unwrap();
        assert_eq!(Money::zero(cop()).plus(dollars), Err(MoneyError::Mixed));
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole(units in -1_000_000_000_i64..1_000_000_000, weights in prop::collection::vec(0_u32..1000, 1..40)) {
            let whole = Money::new(Decimal::new(units, 2), cop()).unwrap();
            let parts = whole.split(&weights);
            prop_assert_eq!(parts.len(), weights.len());
            let sum: Decimal = parts.iter().map(Money::amount).sum();
            prop_assert_eq!(sum, whole.amount());
            prop_assert!(parts.iter().all(|part| part.is_zero() || part.is_negative() == whole.is_negative()));
        }

        #[test]
        fn printing_and_reading_is_the_identity(units in any::<i32>()) {
            let money = Money::new(Decimal::new(i64::from(units), 2), cop()).unwrap();
            prop_assert_eq!(Money::parse(&money.to_string(), cop()).unwrap(), money);
        }
    }
}
