//! The data of `customer.upserted`.
#![allow(dead_code, reason = "described here, read by `reading`")]

use utoipa::ToSchema;

use super::values::{AmountOrZero, Country, CurrencyCode, Key, Language, Text, TimeZone};

/// A debtor, as the source knows it.
#[derive(ToSchema)]
pub(super) struct CustomerUpserted {
    customer: Key,
    name: Text,
    /// `company` unless told.
    #[schema(required = false)]
    party_kind: PartyKind,
    #[schema(required = false)]
    country: Country,
    #[schema(required = false)]
    time_zone: TimeZone,
    /// In which it is written to.
    #[schema(required = false)]
    language: Language,
    #[schema(required = false)]
    tier: Key,
    /// Who pays for it; itself when absent.
    #[schema(required = false)]
    payer: Key,
    #[schema(required = false)]
    group: Key,
    /// Up to how much credit is given; zero: cash only.
    #[schema(required = false)]
    credit_limit: AmountOrZero,
    /// Needed with a limit.
    #[schema(required = false)]
    credit_limit_currency: CurrencyCode,
    #[schema(required = false)]
    rating: Key,
    /// NIT, RFC, CUIT, RUT …
    #[schema(required = false)]
    tax_id: Key,
    #[schema(required = false)]
    preferred_channel: PreferredChannel,
    /// Takes invoices only through its portal or desk: one that was not submitted is not asked for. False unless told.
    #[schema(required = false)]
    requires_submission: bool,
    #[schema(required = false)]
    calendar: BuyerCalendar,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum PreferredChannel {
    Email,
    Sms,
    Whatsapp,
    Call,
    Portal,
}

/// When a buyer takes invoices, and when it pays. What is absent is any day.
#[derive(ToSchema)]
struct BuyerCalendar {
    #[schema(required = false, max_items = 7)]
    payment_weekdays: Vec<Weekday>,
    /// Days of the month; one that a month lacks is its last day.
    #[schema(required = false, max_items = 31)]
    payment_days: Vec<DayOfMonth>,
    #[schema(required = false, max_items = 7)]
    reception_weekdays: Vec<Weekday>,
    #[schema(required = false, max_items = 31)]
    reception_days: Vec<DayOfMonth>,
    /// In the buyer's zone: what comes later is of the next reception day.
    #[schema(required = false, value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "16:30")]
    reception_cut_off: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

#[derive(ToSchema)]
#[schema(value_type = u8, minimum = 1, maximum = 31, example = 15)]
struct DayOfMonth(u8);

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum PartyKind {
    Company,
    NaturalPerson,
}
