//! Of several versions in one batch, the newest.

use std::collections::BTreeMap;

use uuid::Uuid;

/// What a state event projects to: one row per aggregate, superseded by higher versions only.
pub(crate) trait Versioned {
    /// Tenant and aggregate.
    fn key(&self) -> (Uuid, Uuid);
    fn version(&self) -> i64;
}

/// One row per key, in the order of keys, so that two replicas lock rows in the same order.
pub(crate) fn newest<T: Versioned>(rows: Vec<T>) -> Vec<T> {
    let mut by_key: BTreeMap<(Uuid, Uuid), T> = BTreeMap::new();
    for row in rows {
        match by_key.get(&row.key()) {
            Some(kept) if kept.version() >= row.version() => {}
            _ => {
                by_key.insert(row.key(), row);
            }
        }
    }
    by_key.into_values().collect()
}

/// Implements [`Versioned`] for a row with `tenant_id`, `version` and the named key.
macro_rules! versioned {
    ($row:ty, $id:ident) => {
        impl crate::store::newest::Versioned for $row {
            fn key(&self) -> (uuid::Uuid, uuid::Uuid) {
                (self.tenant_id, self.$id)
            }
            fn version(&self) -> i64 {
                self.version
            }
        }
    };
}
pub(crate) use versioned;

#[cfg(test)]
mod tests {
    use super::*;

    struct Row {
        tenant_id: Uuid,
        item_id: Uuid,
        version: i64,
    }
    versioned!(Row, item_id);

    #[test]
    fn the_highest_version_wins_in_whatever_order() {
        let row = |id: u128, version| Row { tenant_id: Uuid::nil(), item_id: Uuid::from_u128(id), version };
        let kept: Vec<(u128, i64)> = newest(vec![row(2, 1), row(1, 3), row(1, 2), row(2, 5), row(1, 3)])
            .iter()
            .map(|row| (row.item_id.as_u128(), row.version))
            .collect();
        assert_eq!(kept, [(1, 3), (2, 5)]);
    }
}
