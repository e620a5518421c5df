//! What names stand for: ids that follow from them, so that whoever hears a name first gives it the same one.

use primitives::Currency;
use primitives::ids::{self, Kind};
use uuid::Uuid;

use super::Scope;
use crate::api::reading::{hex, sha256};
use crate::domain::cash::shares::Place;
use crate::domain::ledger::CreditKind;

impl Scope {
    pub(in crate::api::accept) fn customer(&self, code: &str) -> Uuid {
        ids::derive(self.tenant_id, Kind::Customer, &[code])
    }

    pub(in crate::api::accept) fn contact(&self, code: &str) -> Uuid {
        ids::derive(self.tenant_id, Kind::Contact, &[code])
    }

    /// The invoice that goes by a number, be it another one than its own.
    pub(in crate::api::accept) fn invoice(&self, legal_entity: &str, number: &str) -> Uuid {
        let id = self.numbered(legal_entity, number);
        self.aliases.get(&id).copied().unwrap_or(id)
    }

    /// The invoice whose own number this is.
    pub(in crate::api::accept) fn numbered(&self, legal_entity: &str, number: &str) -> Uuid {
        ids::derive(self.tenant_id, Kind::Invoice, &[legal_entity, number])
    }

    pub(in crate::api::accept) fn credit(&self, kind: CreditKind, source: &str, number: &str) -> Uuid {
        ids::derive(self.tenant_id, Kind::Credit, &[kind.as_str(), source, number])
    }

    /// What of a payment lies in another account.
    pub(in crate::api::accept) fn share(&self, credit_id: Uuid, place: &Place) -> Uuid {
        let (credit_id, payer_id) = (credit_id.to_string(), place.payer_id.to_string());
        let mut key = vec!["share", &credit_id, &payer_id];
        key.extend(place.exchanged.as_ref().map(Currency::code));
        ids::derive(self.tenant_id, Kind::Credit, &key)
    }

    /// The credit that settles a voided invoice.
    pub(in crate::api::accept) fn void(&self, invoice_id: Uuid) -> Uuid {
        ids::derive(self.tenant_id, Kind::Credit, &[CreditKind::Void.as_str(), &invoice_id.to_string()])
    }

    pub(in crate::api::accept) fn dispute(&self, code: &str) -> Uuid {
        ids::derive(self.tenant_id, Kind::Dispute, &[code])
    }

    pub(in crate::api::accept) fn promise(&self, code: &str) -> Uuid {
        ids::derive(self.tenant_id, Kind::Promise, &[code])
    }

    /// What all instalments of a plan share.
    pub(in crate::api::accept) fn plan(&self, code: &str) -> Uuid {
        ids::derive(self.tenant_id, Kind::Promise, &["plan", code])
    }

    /// The promise that an instalment is, counted from 1.
    pub(in crate::api::accept) fn instalment(&self, plan: &str, instalment: i32) -> Uuid {
        ids::derive(self.tenant_id, Kind::Promise, &["plan", plan, &instalment.to_string()])
    }

    pub(in crate::api::accept) fn hold(&self, code: &str) -> Uuid {
        ids::derive(self.tenant_id, Kind::Hold, &["placed", code])
    }

    pub(in crate::api::accept) fn issue(&self, code: &str) -> Uuid {
        ids::derive(self.tenant_id, Kind::Issue, &[code])
    }

    pub(in crate::api::accept) fn claim(&self, code: &str) -> Uuid {
        ids::derive(self.tenant_id, Kind::Claim, &[code])
    }

    /// The same for the same bytes: a bad line that is sent again is the same line.
    pub(in crate::api::accept) fn quarantine_id(&self, raw: &[u8]) -> Uuid {
        quarantine_id(self.tenant_id, raw)
    }
}

pub(crate) fn quarantine_id(tenant_id: Uuid, raw: &[u8]) -> Uuid {
    ids::derive(tenant_id, Kind::Quarantine, &[&hex(&sha256(raw))])
}
