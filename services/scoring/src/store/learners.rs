//! What is known of some customers as a whole, from the tables it is kept in.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{customers, invoices, states};
use crate::domain::model::learner::Learner;
use crate::domain::state::Owner;

/// What was known before `day` of these customers and of everybody their scores rest on, and what they owed then.
pub(crate) async fn recall(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    groups: &BTreeMap<Uuid, String>,
    day: NaiveDate,
) -> Result<Learner, sqlx::Error> {
    recall_as_owed(conn, tenant_id, groups, day, day).await
}

/// The same, with what was owed before another day.
pub(crate) async fn recall_as_owed(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    groups: &BTreeMap<Uuid, String>,
    day: NaiveDate,
    owed_before: NaiveDate,
) -> Result<Learner, sqlx::Error> {
    let customers: Vec<Uuid> = groups.keys().copied().collect();
    let siblings = customers::siblings(conn, tenant_id, &customers).await?;
    let everyone = siblings.iter().flatten().chain(&customers).copied().map(Owner::Customer);
    let pools = groups.values().cloned().map(Owner::Group);
    let owners: BTreeSet<Owner> = everyone.chain(pools).chain([Owner::Tenant]).collect();
    let mut learner = Learner::new();
    states::recall(conn, tenant_id, &owners, day, &mut learner).await?;
    for family in siblings {
        learner.share_a_payer(family);
    }
    invoices::recall_open(conn, tenant_id, &customers, owed_before, &mut learner).await?;
    Ok(learner)
}
