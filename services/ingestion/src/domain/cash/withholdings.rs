//! Usual rates at which payers withhold taxes (retenciones), for explaining short payments. Data from secondary sources, each
//! with the day for which it was found so: a hint for what to ask for, not tax advice. What an invoice announces as
//! `expected_withholding` counts more.

use rust_decimal::{Decimal, RoundingStrategy};

/// Of what a rate is taken. Invoices are told with their taxes only, so the standard rate of VAT is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    Net,
    Vat,
    Gross,
}

/// One rate. Of one tax a payer withholds at one rate only; several taxes may be withheld together.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Usual {
    /// ISO 3166-1 alpha-2.
    pub(crate) country: &'static str,
    pub(crate) tax: &'static str,
    pub(crate) name: &'static str,
    /// Hundred-thousandths of the base: 2,500 are 2.5 per cent.
    rate: i64,
    base: Base,
    /// Day for which a source gave this rate, ISO 8601.
    pub(crate) verified_on: &'static str,
}

const fn usual(
    country: &'static str,
    tax: &'static str,
    name: &'static str,
    rate: i64,
    base: Base,
    verified_on: &'static str,
) -> Usual {
    Usual { country, tax, name, rate, base, verified_on }
}

/// Country and its standard rate of VAT, per cent.
const VAT: [(&str, i64); 5] = [("AR", 21), ("CO", 19), ("EC", 15), ("MX", 16), ("PE", 18)];

static USUAL: [Usual; 25] = [
    usual("AR", "ganancias", "Ganancias, bienes y servicios, inscriptos 2 %", 2_000, Base::Net, "2019-08-01"),
    usual("AR", "ganancias", "Ganancias, alquileres e intereses, inscriptos 6 %", 6_000, Base::Net, "2019-08-01"),
    usual("AR", "iva", "IVA, bienes 50 %", 50_000, Base::Vat, "2019-08-01"),
    usual("AR", "iva", "IVA, servicios 80 %", 80_000, Base::Vat, "2019-08-01"),
    usual("CO", "renta", "Retefuente compras, declarantes 2,5 %", 2_500, Base::Net, "2025-02-07"),
    usual("CO", "renta", "Retefuente compras, no declarantes 3,5 %", 3_500, Base::Net, "2025-02-07"),
    usual("CO", "renta", "Retefuente servicios, declarantes 4 %", 4_000, Base::Net, "2025-02-07"),
    usual("CO", "renta", "Retefuente servicios, no declarantes 6 %", 6_000, Base::Net, "2025-02-07"),
    usual("CO", "renta", "Retefuente transporte de carga 1 %", 1_000, Base::Net, "2025-02-07"),
    usual("CO", "renta", "Retefuente honorarios, personas jurídicas 11 %", 11_000, Base::Net, "2025-02-07"),
    usual("CO", "renta", "Retefuente honorarios, personas naturales 10 %", 10_000, Base::Net, "2025-02-07"),
    usual("CO", "iva", "ReteIVA 15 % del IVA", 15_000, Base::Vat, "2025-02-07"),
    usual("CO", "ica", "ReteICA Bogotá 9,66 por mil", 966, Base::Net, "2025-02-07"),
    usual("CO", "ica", "ReteICA Bogotá 11,04 por mil", 1_104, Base::Net, "2025-02-07"),
    usual("EC", "renta", "Renta, bienes muebles 1,75 %", 1_750, Base::Net, "2024-03-01"),
    usual("EC", "renta", "Renta, otros servicios 2,75 %", 2_750, Base::Net, "2024-03-01"),
    usual("EC", "renta", "Renta, servicios profesionales de sociedades 3 %", 3_000, Base::Net, "2024-03-01"),
    usual("EC", "renta", "Renta, honorarios 10 %", 10_000, Base::Net, "2024-03-01"),
    usual("EC", "iva", "IVA, bienes 30 %", 30_000, Base::Vat, "2024-03-01"),
    usual("EC", "iva", "IVA, servicios 70 %", 70_000, Base::Vat, "2024-03-01"),
    usual("MX", "isr", "ISR, honorarios y arrendamiento 10 %", 10_000, Base::Net, "2025-01-01"),
    usual("MX", "isr", "ISR, RESICO 1,25 %", 1_250, Base::Net, "2025-01-01"),
    usual("MX", "iva", "IVA, dos terceras partes 10,6667 %", 66_667, Base::Vat, "2025-01-01"),
    usual("MX", "iva", "IVA, autotransporte de bienes 4 %", 4_000, Base::Net, "2025-01-01"),
    usual("PE", "igv", "IGV, agentes de retención 3 %", 3_000, Base::Gross, "2014-03-01"),
];

/// Whether the table knows the country.
pub(crate) fn knows(country: &str) -> bool {
    VAT.iter().any(|(known, _)| *known == country)
}

/// The rates, one of each tax at most, that make up `missing` of an invoice of `gross`: as few as possible, in the order of the
/// table. Payers round to the minor unit, or to whole units of the currency.
pub(crate) fn explaining(country: &str, gross: Decimal, missing: Decimal, scale: u32) -> Option<Vec<&'static Usual>> {
    let (_, vat) = VAT.iter().find(|(known, _)| *known == country)?;
    let net = gross.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(Decimal::from(100 + vat))?;
    let rates: Vec<(&'static Usual, Decimal)> = USUAL
        .iter()
        .filter(|usual| usual.country == country)
        .filter_map(|usual| {
            let base = match usual.base {
                Base::Net => net,
                Base::Vat => gross - net,
                Base::Gross => gross,
            };
            Some((usual, base.checked_mul(Decimal::new(usual.rate, 5))?))
        })
        .collect();
    let fits = |chosen: &[&(&'static Usual, Decimal)]| {
        let sum = |digits| -> Decimal { chosen.iter().map(|(_, amount)| rounded(*amount, digits)).sum() };
        sum(scale) == missing || sum(0) == missing
    };
    let mut chosen: Vec<Vec<&(&'static Usual, Decimal)>> = rates.iter().map(|rate| vec![rate]).collect();
    while !chosen.is_empty() {
        if let Some(found) = chosen.iter().find(|chosen| fits(chosen)) {
            return Some(found.iter().map(|(usual, _)| *usual).collect());
        }
        chosen = chosen
            .into_iter()
            .flat_map(|begun| {
                let last = begun.last().and_then(|last| rates.iter().position(|rate| std::ptr::eq(rate, *last)));
                let taxes: Vec<&str> = begun.iter().map(|(usual, _)| usual.tax).collect();
                let others = rates.iter().skip(last.map_or(0, |last| last + 1));
                let others: Vec<_> = others.filter(|(usual, _)| !taxes.contains(&usual.tax)).collect();
                others.into_iter().map(move |other| begun.iter().copied().chain([other]).collect::<Vec<_>>())
            })
            .collect();
    }
    None
}

fn rounded(amount: Decimal, digits: u32) -> Decimal {
    amount.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn names(country: &str, gross: &str, missing: &str) -> Option<Vec<&'static str>> {
        let found = explaining(country, gross.parse().unwrap(), missing.parse().unwrap(), 2)?;
        Some(found.into_iter().map(|usual| usual.name).collect())
    }

    #[test]
    fn usual_rates_explain_what_is_missing() {
        // 1,000,000 net and 190,000 of VAT.
        assert_eq!(names("CO", "1190000", "25000"), Some(vec!["Retefuente compras, declarantes 2,5 %"]));
        let three = ["Retefuente compras, declarantes 2,5 %", "ReteIVA 15 % del IVA", "ReteICA Bogotá 9,66 por mil"];
        assert_eq!(names("CO", "1190000", "63160"), Some(three.to_vec()));
        assert_eq!(names("PE", "118.00", "3.54"), Some(vec!["IGV, agentes de retención 3 %"]));
        assert_eq!(names("MX", "1160", "206.67").map(|found| found.len()), Some(2), "ISR and two thirds of the VAT");
        assert_eq!(names("EC", "115.00", "1.75"), Some(vec!["Renta, bienes muebles 1,75 %"]));
        assert_eq!(names("AR", "121.00", "12.50").map(|found| found.len()), Some(2));
        assert_eq!(names("CO", "1190000", "25001"), None);
        assert_eq!(names("DE", "119.00", "2.50"), None);
    }

    #[test]
    fn every_rate_has_its_country_and_its_day() {
        for usual in &USUAL {
            assert!(knows(usual.country), "{}", usual.name);
            assert!(usual.verified_on.parse::<NaiveDate>().is_ok(), "{}", usual.name);
            assert!(usual.rate > 0 && usual.rate <= 100_000, "{}", usual.name);
        }
    }
}
