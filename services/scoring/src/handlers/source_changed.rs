//! `source.changed`: up to when its payments are known.

use std::collections::BTreeMap;

use contracts::ingestion::SourceChanged;
use contracts::wire;
use messaging::HandlerError;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::store::sources::{self, SourceRow};

pub(super) async fn apply(conn: &mut PgConnection, events: &[SourceChanged]) -> Result<(), HandlerError> {
    let mut newest: BTreeMap<(Uuid, Uuid), SourceRow> = BTreeMap::new();
    for event in events {
        let row = row(event)?;
        let key = (row.tenant_id, row.source_id);
        if newest.get(&key).is_none_or(|known| known.version < row.version) {
            newest.insert(key, row);
        }
    }
    if newest.is_empty() {
        return Ok(());
    }
    Ok(sources::save(conn, &newest.into_values().collect::<Vec<_>>()).await?)
}

fn row(event: &SourceChanged) -> Result<SourceRow, HandlerError> {
    Ok(SourceRow {
        tenant_id: wire::id("tenant_id", &event.tenant_id)?,
        source_id: wire::id("source_id", &event.source_id)?,
        version: wire::version("version", event.version)?,
        code: event.code.clone(),
        covers: event.covers.clone(),
        covered_until: wire::optional_instant("covered_until", event.covered_until.as_ref())?,
    })
}
