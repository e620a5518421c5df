//! Instruments in two halves, their terms and where they are, and the invoices for which they were given.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::fact::{Instrument, InstrumentState};

/// What is known of an instrument; a half that has not come has an empty order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    /// Its terms have come: there is a credit.
    pub(crate) is_received: bool,
    pub(crate) received_on: NaiveDate,
    pub(crate) terms_order: String,
    pub(crate) state: InstrumentState,
    pub(crate) state_on: NaiveDate,
    pub(crate) state_order: String,
    /// The invoices for which it was given.
    pub(crate) invoices: Vec<Uuid>,
}

pub(crate) async fn by_ids(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, Known>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        r#"SELECT k.credit_id AS "credit_id!", i.credit_id IS NOT NULL AS "is_received!", i.received_on AS "received_on?",
                  coalesce(i.source_order, '') AS "terms_order!", s.state AS "state?", s.state_on AS "state_on?",
                  coalesce(s.source_order, '') AS "state_order!",
                  ARRAY(SELECT p.invoice_id FROM instrument_parts p
                        WHERE p.tenant_id = $1 AND p.credit_id = k.credit_id ORDER BY 1) AS "invoices!"
           FROM unnest($2::uuid[]) AS k (credit_id)
           LEFT JOIN instruments i ON i.tenant_id = $1 AND i.credit_id = k.credit_id
           LEFT JOIN instrument_states s ON s.tenant_id = $1 AND s.credit_id = k.credit_id
           WHERE i.credit_id IS NOT NULL OR s.credit_id IS NOT NULL"#,
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await?;
    let known = rows.into_iter().map(|row| {
        let state = match &row.state {
            None => Some(InstrumentState::Portfolio),
            Some(state) => InstrumentState::parse(state),
        };
        let state = state
            .ok_or_else(|| sqlx::Error::Decode(format!("instrument {} is {:?}", row.credit_id, row.state).into()))?;
        let known = Known {
            is_received: row.is_received,
            received_on: row.received_on.unwrap_or_default(),
            terms_order: row.terms_order,
            state,
            state_on: row.state_on.unwrap_or_default(),
            state_order: row.state_order,
            invoices: row.invoices,
        };
        Ok((row.credit_id, known))
    });
    known.collect()
}

/// Terms with their order and the ids of the invoices, in the order of the parts.
pub(crate) struct Terms<'a> {
    pub(crate) credit_id: Uuid,
    pub(crate) told: &'a Instrument,
    pub(crate) invoices: Vec<Uuid>,
    pub(crate) order: &'a str,
}

/// Parts are replaced with their instrument.
pub(crate) async fn save_terms(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    now: DateTime<Utc>,
    rows: &[Terms<'_>],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.credit_id).collect();
    let text = |of: fn(&Terms<'_>) -> String| rows.iter().map(of).collect::<Vec<String>>();
    sqlx::query!(
        "INSERT INTO instruments (tenant_id, recorded_at, credit_id, number, form, currency, amount, received_on, matures_on,
             source_order)
         SELECT $1, $2, * FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::numeric[], $8::date[], $9::date[],
                                      $10::text[])
         ON CONFLICT (tenant_id, credit_id) DO UPDATE SET form = excluded.form, currency = excluded.currency,
             amount = excluded.amount, received_on = excluded.received_on, matures_on = excluded.matures_on,
             source_order = excluded.source_order, recorded_at = excluded.recorded_at",
        tenant_id,
        now,
        &ids,
        &text(|row| row.told.instrument.clone()),
        &text(|row| row.told.form.clone()),
        &text(|row| row.told.amount.currency().code().to_owned()),
        &rows.iter().map(|row| row.told.amount.amount()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.told.received_on).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.told.matures_on).collect::<Vec<_>>(),
        &text(|row| row.order.to_owned())
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("DELETE FROM instrument_parts WHERE tenant_id = $1 AND credit_id = ANY($2)", tenant_id, &ids)
        .execute(&mut *conn)
        .await?;
    let parts = rows.iter().flat_map(|row| {
        let named = row.invoices.iter().zip(&row.told.parts);
        named.filter_map(|(invoice_id, part)| Some((row.credit_id, *invoice_id, part.amount?.amount())))
    });
    let parts: Vec<_> = parts.collect();
    sqlx::query!(
        "INSERT INTO instrument_parts (tenant_id, credit_id, invoice_id, amount)
         SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::numeric[])",
        tenant_id,
        &parts.iter().map(|(credit_id, _, _)| *credit_id).collect::<Vec<_>>(),
        &parts.iter().map(|(_, invoice_id, _)| *invoice_id).collect::<Vec<_>>(),
        &parts.iter().map(|(_, _, amount)| *amount).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Where an instrument is, by the newest word.
pub(crate) struct StateRow<'a> {
    pub(crate) credit_id: Uuid,
    pub(crate) number: &'a str,
    pub(crate) state: InstrumentState,
    pub(crate) on: NaiveDate,
    pub(crate) order: &'a str,
}

pub(crate) async fn save_states(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    now: DateTime<Utc>,
    rows: &[StateRow<'_>],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO instrument_states (tenant_id, recorded_at, credit_id, number, state, state_on, source_order)
         SELECT $1, $2, * FROM unnest($3::uuid[], $4::text[], $5::text[], $6::date[], $7::text[])
         ON CONFLICT (tenant_id, credit_id) DO UPDATE SET state = excluded.state, state_on = excluded.state_on,
             source_order = excluded.source_order, recorded_at = excluded.recorded_at",
        tenant_id,
        now,
        &rows.iter().map(|row| row.credit_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.number.to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.state.as_str().to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.on).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.order.to_owned()).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}
