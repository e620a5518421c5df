//! The countries in which Distribuidora Andina sells, each with a legal entity of its own.

use chrono_tz::Tz;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Country {
    /// ISO 3166-1 alpha-2; also the code of the legal entity that invoices there.
    pub(crate) code: &'static str,
    pub(crate) legal_entity: &'static str,
    pub(crate) currency: &'static str,
    pub(crate) zone: Tz,
    /// Median of an invoice, in units of the currency.
    pub(crate) median_invoice: u32,
    /// What a withholding agent keeps back, in thousandths of the invoice; 0 where buyers do not withhold.
    pub(crate) withheld_per_mille: u32,
    pub(crate) language: &'static str,
    pub(crate) cities: [&'static str; 4],
    pub(crate) suffix: &'static str,
}

pub(crate) static COUNTRIES: [Country; 7] = [
    Country {
        code: "CO",
        legal_entity: "Distribuidora Andina S.A.S.",
        currency: "COP",
        zone: Tz::America__Bogota,
        median_invoice: 9_500_000,
        withheld_per_mille: 25,
        language: "es",
        cities: ["Bogotá", "Medellín", "Cali", "Barranquilla"],
        suffix: "S.A.S.",
    },
    Country {
        code: "MX",
        legal_entity: "Distribuidora Andina de México S.A. de C.V.",
        currency: "MXN",
        zone: Tz::America__Mexico_City,
        median_invoice: 42_000,
        withheld_per_mille: 60,
        language: "es",
        cities: ["Monterrey", "Guadalajara", "Puebla", "Querétaro"],
        suffix: "S.A. de C.V.",
    },
    Country {
        code: "CL",
        legal_entity: "Distribuidora Andina Chile SpA",
        currency: "CLP",
        zone: Tz::America__Santiago,
        median_invoice: 2_200_000,
        withheld_per_mille: 0,
        language: "es",
        cities: ["Santiago", "Valparaíso", "Concepción", "Temuco"],
        suffix: "SpA",
    },
    Country {
        code: "PE",
        legal_entity: "Distribuidora Andina del Perú S.A.C.",
        currency: "PEN",
        zone: Tz::America__Lima,
        median_invoice: 8_500,
        withheld_per_mille: 30,
        language: "es",
        cities: ["Lima", "Arequipa", "Trujillo", "Cusco"],
        suffix: "S.A.C.",
    },
    Country {
        code: "AR",
        legal_entity: "Distribuidora Andina Argentina S.A.",
        currency: "ARS",
        zone: Tz::America__Argentina__Buenos_Aires,
        median_invoice: 2_400_000,
        withheld_per_mille: 20,
        language: "es",
        cities: ["Buenos Aires", "Córdoba", "Rosario", "Mendoza"],
        suffix: "S.R.L.",
    },
    Country {
        code: "BR",
        legal_entity: "Distribuidora Andina do Brasil Ltda.",
        currency: "BRL",
        zone: Tz::America__Sao_Paulo,
        median_invoice: 12_500,
        withheld_per_mille: 0,
        language: "en",
        cities: ["São Paulo", "Curitiba", "Recife", "Campinas"],
        suffix: "Ltda.",
    },
    Country {
        code: "ES",
        legal_entity: "Distribuidora Andina Iberia S.L.",
        currency: "EUR",
        zone: Tz::Europe__Madrid,
        median_invoice: 2_100,
        withheld_per_mille: 0,
        language: "es",
        cities: ["Madrid", "Sevilla", "Valencia", "Bilbao"],
        suffix: "S.L.",
    },
];

/// Median of an invoice in US dollars, for customers who buy in them.
pub(crate) const MEDIAN_USD_INVOICE: u32 = 2_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_has_a_currency_that_can_be_owed() {
        for country in &COUNTRIES {
            primitives::Currency::parse(country.currency).unwrap();
        }
    }
}
