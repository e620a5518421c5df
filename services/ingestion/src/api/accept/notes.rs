//! What the facts of one request left behind, besides rows and events. Facts are meant by the index of their line.

use std::collections::{BTreeMap, BTreeSet};

use super::resolve::Known;
use crate::domain::order::{self, ChangeOrder};

#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) stale: BTreeSet<usize>,
    pub(super) parked: BTreeMap<usize, Vec<String>>,
}

impl Notes {
    pub(super) fn park(&mut self, line: usize, what_for: String) {
        self.parked.entry(line).or_default().push(what_for);
    }

    /// The newest of what facts say of each object, with the fact that says it; what comes too late is noted. `in_force` are the
    /// orders of what is stored of these objects.
    pub(super) fn newest<'a, 'o, K: Ord + Copy, T: Copy>(
        &mut self,
        told: impl IntoIterator<Item = (K, &'a Known<'a>, T)>,
        in_force: impl IntoIterator<Item = (K, &'o str)>,
    ) -> BTreeMap<K, (&'a Known<'a>, T)> {
        let in_force = in_force.into_iter().map(|(key, order)| (key, ChangeOrder::stored(order.to_owned()))).collect();
        let told = told.into_iter().map(|(key, fact, what)| (key, &fact.fact().order, (fact, what)));
        let decided = order::newest(told, &in_force);
        self.stale.extend(decided.stale.iter().map(|(fact, _)| fact.line));
        decided.winners
    }
}
