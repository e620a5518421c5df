//! Who is written to, and in which language.

use std::cmp::Reverse;

use uuid::Uuid;

/// A contact of a customer. Personal data: it never enters a decision's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contact {
    pub(crate) id: Uuid,
    /// "payables", "buyer", "approver", "other".
    pub(crate) role: String,
    pub(crate) name: String,
    pub(crate) email: String,
    /// Empty: the customer's.
    pub(crate) language: String,
    pub(crate) active: bool,
}

/// Languages that messages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Language {
    Spanish,
    English,
}

impl Language {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Spanish => "es",
            Self::English => "en",
        }
    }

    /// Reads `es`, `es-CO`, `EN`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let primary = text.split(['-', '_']).next().unwrap_or_default();
        [Self::Spanish, Self::English].into_iter().find(|language| primary.eq_ignore_ascii_case(language.code()))
    }

    /// The first of the wishes that can be met; Spanish is what the product speaks at home.
    pub(crate) fn first_of<'a>(wishes: impl IntoIterator<Item = &'a str>) -> Self {
        wishes.into_iter().find_map(Self::parse).unwrap_or(Self::Spanish)
    }
}

/// The active contact with an address that is nearest to paying; the smallest id decides between equals.
pub(crate) fn choose(contacts: &[Contact]) -> Option<&Contact> {
    let nearness = |contact: &Contact| match contact.role.as_str() {
        "payables" => 3,
        "approver" => 2,
        "buyer" => 1,
        _ => 0,
    };
    contacts
        .iter()
        .filter(|contact| contact.active && !contact.email.trim().is_empty())
        .min_by_key(|contact| (Reverse(nearness(contact)), contact.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(id: u128, role: &str, email: &str, active: bool) -> Contact {
        Contact {
            id: Uuid::from_u128(id),
            role: role.to_owned(),
            name: String::new(),
            email: email.to_owned(),
            language: String::new(),
            active,
        }
    }

    #[test]
    fn whoever_pays_is_written_to() {
        let contacts = [
            contact(1, "other", "other@x", true),
            contact(2, "buyer", "buyer@x", true),
            contact(5, "payables", "late@x", true),
            contact(4, "payables", "pay@x", true),
            contact(3, "payables", "gone@x", false),
            contact(0, "payables", " ", true),
        ];
        assert_eq!(choose(&contacts).unwrap().email, "pay@x");
        assert_eq!(choose(&contacts[..2]).unwrap().email, "buyer@x");
        assert_eq!(choose(&contacts[4..]), None);
    }

    #[test]
    fn the_first_language_that_is_spoken() {
        let cases = [
            (vec!["", "en", "es"], Language::English),
            (vec!["es-CO", "en"], Language::Spanish),
            (vec!["pt", "EN"], Language::English),
            (vec!["", ""], Language::Spanish),
        ];
        for (wishes, expected) in cases {
            assert_eq!(Language::first_of(wishes.clone()), expected, "{wishes:?}");
        }
    }
}
