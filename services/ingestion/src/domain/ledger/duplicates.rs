//! Payments that look like one payment told twice (M3).

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Credit, CreditKind, Rank};

/// Of payments of one account with the same bank reference, amount and value date all but the one with the lowest number are
/// held, never applied silently.
pub(crate) fn suspected_duplicates<'a>(credits: impl IntoIterator<Item = &'a Credit>) -> BTreeSet<Uuid> {
    let mut groups: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for credit in credits {
        if let (Rank::Credit(CreditKind::Cash), Some(reference)) = (credit.key.rank, &credit.bank_reference) {
            let group = groups.entry((reference, credit.whole, credit.key.date)).or_default();
            group.insert((&credit.key.number, &credit.key.source, credit.credit_id));
        }
    }
    groups.into_values().flat_map(|group| group.into_iter().skip(1).map(|(_, _, id)| id)).collect()
}
