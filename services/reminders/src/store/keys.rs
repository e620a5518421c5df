//! Keys of many rows, as the arrays that statements take.

use std::collections::BTreeSet;

use uuid::Uuid;

/// A tenant and the id of one of its rows.
pub(crate) type Key = (Uuid, Uuid);

/// Distinct keys in ascending order: the order in which rows are locked, so that replicas do not deadlock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) tenants: Vec<Uuid>,
    pub(crate) ids: Vec<Uuid>,
}

impl Keys {
    pub(crate) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Key> + '_ {
        self.tenants.iter().copied().zip(self.ids.iter().copied())
    }
}

impl FromIterator<Key> for Keys {
    fn from_iter<I: IntoIterator<Item = Key>>(keys: I) -> Self {
        let (tenants, ids) = keys.into_iter().collect::<BTreeSet<_>>().into_iter().unzip();
        Self { tenants, ids }
    }
}
