//! New facts, summed for their sources' proof that nothing is missing (I10).

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::super::reading::sha256;
use super::Trouble;
use super::resolve::{Known, Scope};
use crate::domain::fact::Body;
use crate::store::watermarks::{self, Sum, WatermarkKey};

pub(super) async fn add(conn: &mut PgConnection, scope: &Scope, facts: &[Known<'_>]) -> Result<(), Trouble> {
    let mut sums: BTreeMap<WatermarkKey, Sum> = BTreeMap::new();
    // Whose a payment is we say ourselves: it is no fact that its source could count.
    for known in facts.iter().filter(|known| !matches!(known.fact().body, Body::Allocated(_))) {
        let fact = known.fact();
        let amount = fact.body.amount();
        let key = WatermarkKey {
            source_id: known.source_id,
            day: fact.occurred_at.date_naive(),
            fact_type: fact.body.type_name(),
            currency: amount.map_or_else(String::new, |amount| amount.currency().code().to_owned()),
        };
        let sum = sums.entry(key).or_default();
        sum.facts += 1;
        sum.amount += amount.map_or(Decimal::ZERO, |amount| amount.amount());
        sum.ids_xor ^= start_of_digest(&fact.id);
        sum.last_id.clone_from(&fact.id);
    }
    let sums: Vec<(WatermarkKey, Sum)> = sums.into_iter().collect();
    watermarks::add(conn, scope.tenant_id, scope.now, &sums).await?;
    Ok(())
}

/// The first eight bytes of the SHA-256 of a fact's id.
fn start_of_digest(id: &str) -> i64 {
    sha256(id.as_bytes()).first_chunk().map_or(0, |start| i64::from_be_bytes(*start))
}
