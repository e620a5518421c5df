//! `source.changed`: what a source covers, and until when (L4).

use contracts::ingestion::SourceChanged;
use contracts::wire;
use messaging::{Delivery, HandlerError, decode_all};
use sqlx::PgConnection;

use crate::store::sources::{self, Row};

pub(super) async fn apply(conn: &mut PgConnection, batch: &[Delivery]) -> Result<(), HandlerError> {
    let rows = decode_all::<SourceChanged>(batch)?
        .into_iter()
        .map(|event| {
            Ok(Row {
                tenant_id: wire::id("tenant_id", &event.tenant_id)?,
                source_id: wire::id("source_id", &event.source_id)?,
                version: wire::version("version", event.version)?,
                code: event.code,
                covers: event.covers,
                covered_until: wire::optional_instant("covered_until", event.covered_until.as_ref())?,
            })
        })
        .collect::<Result<Vec<_>, HandlerError>>()?;
    let rows = super::newest(rows, |row| (row.tenant_id, row.source_id), |row| row.version);
    sources::save(conn, &rows).await?;
    Ok(())
}
