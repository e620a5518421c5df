//! Identities (D3): what Puntual creates is a UUIDv5 over (tenant, kind, natural key), so that a replay gives
//! the same ids. Time-ordered ids ([`Uuid::now_v7`]) are for transport rows only.

use uuid::{Uuid, uuid};

/// Root of every id that Puntual derives. Fixed for ever: changing it renames every row.
const NAMESPACE: Uuid = uuid!("6f0c3a52-8f1e-5d0e-9c55-2b6a1d0c7e11");

/// The id of a tenant, from its slug.
pub fn tenant(slug: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, slug.as_bytes())
}

/// The kinds of aggregates that have a derived id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Alert,
    ApiKey,
    Attempt,
    Claim,
    Consent,
    CashRules,
    Contact,
    Credit,
    Customer,
    Dispute,
    Fact,
    FxRate,
    Hold,
    Invoice,
    Issue,
    LegalEntity,
    Message,
    Profile,
    Promise,
    Quarantine,
    Report,
    Settings,
    Settlement,
    Snapshot,
    Source,
}

impl Kind {
    const fn tag(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::ApiKey => "api_key",
            Self::Attempt => "attempt",
            Self::Claim => "claim",
            Self::Consent => "consent",
            Self::CashRules => "cash_rules",
            Self::Contact => "contact",
            Self::Credit => "credit",
            Self::Customer => "customer",
            Self::Dispute => "dispute",
            Self::Fact => "fact",
            Self::FxRate => "fx_rate",
            Self::Hold => "hold",
            Self::Invoice => "invoice",
            Self::Issue => "issue",
            Self::LegalEntity => "legal_entity",
            Self::Message => "message",
            Self::Profile => "profile",
            Self::Promise => "promise",
            Self::Quarantine => "quarantine",
            Self::Report => "report",
            Self::Settings => "settings",
            Self::Settlement => "settlement",
            Self::Snapshot => "snapshot",
            Self::Source => "source",
        }
    }
}

/// The id of the aggregate of `kind` that `tenant` knows by the parts of its natural key.
///
/// Parts are joined by the unit separator (U+001F), which no accepted natural key may contain, so that
/// `["a", "bc"]` and `["ab", "c"]` never meet.
pub fn derive(tenant: Uuid, kind: Kind, natural_key: &[&str]) -> Uuid {
    let mut name = String::from(kind.tag());
    for part in natural_key {
        name.push('\u{1f}');
        name.push_str(part);
    }
    Uuid::new_v5(&tenant, name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_apart() {
        let acme = tenant("acme");
        assert_eq!(acme, tenant("acme"));
        let key = derive(acme, Kind::Invoice, &["main", "F-1"]);
        assert_eq!(key, derive(acme, Kind::Invoice, &["main", "F-1"]));
        assert_ne!(key, derive(acme, Kind::Credit, &["main", "F-1"]));
        assert_ne!(key, derive(acme, Kind::Invoice, &["mainF", "-1"]));
        assert_ne!(key, derive(tenant("globex"), Kind::Invoice, &["main", "F-1"]));
    }
}
