//! The customers of the demo: who they are, where, how they buy and how they pay. The same seed gives the same ones.

use chrono::NaiveDate;

use super::behaviour::{Behaviour, DECK};
use super::country::{COUNTRIES, Country};
use super::dice::{Dice, Purpose};
use super::row::{Feed, Row};

/// Profiles are drawn as if on this day, whatever stretch of time the demo covers.
const PROFILE_DAY: NaiveDate = NaiveDate::MIN;

/// One of so many customers is paid for by the customer before it.
const GROUP_EVERY: u32 = 25;
/// One of so many customers has no e-mail address known.
const NO_CONTACT_EVERY: u32 = 40;
/// One of so many customers has no time zone in its master data.
const NO_ZONE_EVERY: u32 = 10;

const TRADES: [&str; 12] = [
    "Ferretería",
    "Comercial",
    "Supermercados",
    "Droguería",
    "Constructora",
    "Autopartes",
    "Papelería",
    "Agroinsumos",
    "Textiles",
    "Hotelería",
    "Refrigeración",
    "Muebles",
];
const NAMES: [&str; 12] = [
    "La Esperanza",
    "Los Andes",
    "El Trébol",
    "Santa Rosa",
    "Aurora",
    "Horizonte",
    "Pacífico",
    "Altamira",
    "San Jerónimo",
    "Las Acacias",
    "El Faro",
    "Bella Vista",
];
const CLERKS: [&str; 10] = [
    "María Gómez",
    "Carlos Rojas",
    "Lucía Fernández",
    "Jorge Quispe",
    "Ana Souza",
    "Pedro Martínez",
    "Camila Torres",
    "Andrés Herrera",
    "Valentina Díaz",
    "João Almeida",
];
const TERMS_DAYS: [i32; 4] = [15, 30, 45, 60];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Customer {
    /// Position in the portfolio, from 0; its stream of chance.
    pub(crate) index: u32,
    pub(crate) code: String,
    pub(crate) name: String,
    pub(crate) natural_person: bool,
    pub(crate) country: &'static Country,
    pub(crate) behaviour: Behaviour,
    pub(crate) tier: &'static str,
    pub(crate) terms_days: i32,
    /// Of workdays, on how many an invoice is issued to it.
    pub(crate) orders_percent: u32,
    /// Of its invoices, how many are in US dollars.
    pub(crate) usd_percent: u32,
    /// Its size: invoices are multiplied by this many hundredths.
    pub(crate) size_percent: u32,
    /// The customer that pays for it; `None`: itself.
    pub(crate) payer: Option<String>,
    pub(crate) clerk: &'static str,
    pub(crate) email: String,
    pub(crate) has_contact: bool,
    pub(crate) has_zone: bool,
}

/// All customers, in the order of their index.
pub(crate) fn customers(seed: u64, count: u32) -> Vec<Customer> {
    let deck = shuffled_deck(seed);
    let mut customers: Vec<Customer> = Vec::new();
    for index in 0..count {
        let behaviour =
            deck.get(usize::try_from(index).unwrap_or(0) % deck.len().max(1)).copied().unwrap_or(Behaviour::Punctual);
        // A payment without remittance would settle invoices of the whole group: those debtors stay on their own.
        let alone = |behaviour: Behaviour| !behaviour.habit().remits || behaviour.habit().withholds;
        let head = customers
            .last()
            .filter(|head| index % GROUP_EVERY == GROUP_EVERY - 1 && !alone(behaviour) && !alone(head.behaviour));
        let customer = draw(seed, index, behaviour, head);
        customers.push(customer);
    }
    customers
}

fn shuffled_deck(seed: u64) -> Vec<Behaviour> {
    let mut deck: Vec<Behaviour> = DECK.iter().flat_map(|(behaviour, count)| (0..*count).map(|_| *behaviour)).collect();
    Dice::of(seed, u32::MAX, PROFILE_DAY, Purpose::Profile).shuffle(&mut deck);
    deck
}

fn draw(seed: u64, index: u32, behaviour: Behaviour, head: Option<&Customer>) -> Customer {
    let mut dice = Dice::of(seed, index, PROFILE_DAY, Purpose::Profile);
    let possible: Vec<&'static Country> =
        COUNTRIES.iter().filter(|country| !behaviour.habit().withholds || country.withheld_per_mille > 0).collect();
    // The first customers go round the countries, so that even a small portfolio has them all.
    let own = possible.get(usize::try_from(index).unwrap_or(0) % possible.len().max(1)).copied();
    let country = head.map(|head| head.country).or(own).unwrap_or(&COUNTRIES[0]);
    let natural_person = dice.chance(4);
    let clerk = dice.pick(&CLERKS).copied().unwrap_or_default();
    let trade = dice.pick(&TRADES).copied().unwrap_or_default();
    let own_name = dice.pick(&NAMES).copied().unwrap_or_default();
    let city = dice.pick(&country.cities).copied().unwrap_or_default();
    let code = format!("C{:04}", index + 1);
    let name = if natural_person { clerk.to_owned() } else { format!("{trade} {own_name} {city} {}", country.suffix) };
    let size_percent = u32::try_from(dice.between(35, 220)).unwrap_or(100);
    Customer {
        index,
        name,
        natural_person,
        country,
        behaviour,
        tier: if size_percent > 180 { "strategic" } else { "standard" },
        terms_days: dice.pick(&TERMS_DAYS).copied().unwrap_or(30),
        orders_percent: u32::try_from(dice.between(5, 18)).unwrap_or(10),
        usd_percent: if dice.chance(15) { 40 } else { 0 },
        size_percent,
        payer: head.map(|head| head.code.clone()),
        clerk,
        email: format!("pagos@{}.example", code.to_lowercase()),
        has_contact: index % NO_CONTACT_EVERY != NO_CONTACT_EVERY - 3,
        has_zone: index % NO_ZONE_EVERY != NO_ZONE_EVERY - 4,
        code,
    }
}

impl Customer {
    /// Who settles its invoices.
    pub(crate) fn payer(&self) -> &str {
        self.payer.as_deref().unwrap_or(&self.code)
    }

    /// Its master data and its contact, as the ERP and the CRM export them.
    pub(crate) fn master_rows(&self, time: &str) -> Vec<Row> {
        let group = self.payer.as_ref().map(|head| format!("G-{head}")).unwrap_or_default();
        let mut rows = vec![
            Row::new(Feed::Erp, "customer.upserted", time, "")
                .with("customer", &self.code)
                .with("name", &self.name)
                .with("party_kind", if self.natural_person { "natural_person" } else { "company" })
                .with("country", self.country.code)
                .with("time_zone", if self.has_zone { self.country.zone.name() } else { "" })
                .with("language", self.country.language)
                .with("tier", self.tier)
                .with("payer", self.payer.as_deref().unwrap_or(""))
                .with("group", group),
        ];
        if self.has_contact {
            rows.push(
                Row::new(Feed::Crm, "contact.upserted", time, "")
                    .with("contact", format!("{}-1", self.code))
                    .with("customer", &self.code)
                    .with("name", self.clerk)
                    .with("email", &self.email)
                    .with("role", "payables")
                    .with("language", self.country.language)
                    .with("active", "true"),
            );
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_customers_and_another_seed_others() {
        assert_eq!(customers(1, 60), customers(1, 60));
        assert_ne!(customers(1, 60), customers(2, 60));
        assert_eq!(customers(1, 20), customers(1, 60)[..20], "a smaller portfolio is the beginning of a larger one");
    }

    #[test]
    fn two_hundred_customers_cover_every_country_and_behaviour() {
        let customers = customers(42, 200);
        let countries: BTreeSet<&str> = customers.iter().map(|customer| customer.country.code).collect();
        assert_eq!(countries.len(), COUNTRIES.len());
        let behaviours: BTreeSet<Behaviour> = customers.iter().map(|customer| customer.behaviour).collect();
        assert_eq!(behaviours.len(), DECK.len());
        assert!(customers.iter().any(|customer| customer.payer.is_some()));
        assert!(customers.iter().any(|customer| customer.usd_percent > 0));
        assert!(customers.iter().any(|customer| !customer.has_contact));
    }

    #[test]
    fn withholders_live_where_buyers_withhold() {
        for customer in customers(9, 200) {
            if customer.behaviour == Behaviour::Withholder {
                assert!(customer.country.withheld_per_mille > 0, "{}", customer.code);
            }
        }
    }

    #[test]
    fn addresses_are_unique_and_reserved() {
        let customers = customers(3, 300);
        let addresses: BTreeSet<&str> = customers.iter().map(|customer| customer.email.as_str()).collect();
        assert_eq!(addresses.len(), customers.len());
        assert!(addresses.iter().all(|address| address.ends_with(".example")));
    }
}
