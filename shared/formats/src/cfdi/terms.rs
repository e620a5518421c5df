//! `CondicionesDePago`: what people write there, as days.

/// Ten years: more is not a number of days.
const MAX_DAYS: u32 = 3_650;

/// The longest of the terms that a text names: `2% 10 días, neto 30 días` is due after 30. `CONTADO` is due at once.
pub fn days(text: &str) -> Option<u32> {
    let text = text.to_lowercase();
    let mut longest = None;
    let mut number = None;
    for word in words(&text) {
        if let Ok(days) = word.parse::<u32>() {
            number = Some(days).filter(|days| *days <= MAX_DAYS);
        } else {
            if ["dia", "día", "day"].iter().any(|unit| word.starts_with(unit)) {
                longest = longest.max(number);
            }
            // Between the number and its unit nothing but "(treinta)" or the like is passed over.
            if !matches!(word, "naturales" | "calendario" | "habiles" | "hábiles" | "net" | "neto" | "netos") {
                number = None;
            }
        }
    }
    longest.or_else(|| words(&text).any(|word| word == "contado").then_some(0))
}

/// Runs of digits and runs of letters, so that `30dias` is two.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        let digit = rest.chars().next()?.is_ascii_digit();
        let end = rest.find(|c: char| !c.is_alphanumeric() || c.is_ascii_digit() != digit).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_terms_in_many_ways() {
        let cases = [
            ("30 días", Some(30)),
            ("CREDITO A 30 DIAS", Some(30)),
            ("30DIAS", Some(30)),
            ("Net 45 days", Some(45)),
            ("2% 10 días, neto 30 días", Some(30)),
            ("90 naturales días", Some(90)),
            ("CONTADO", Some(0)),
            ("Pago de contado, 5 días", Some(5)),
            ("CONDICIONES", None),
            ("Pedido 4711", None),
            ("99999999999 dias", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(days(text), expected, "{text}");
        }
    }
}
