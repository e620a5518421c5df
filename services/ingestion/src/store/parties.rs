//! Customers and contacts.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::fact::BuyerCalendar;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CustomerRow {
    pub(crate) customer_id: Uuid,
    pub(crate) version: i64,
    pub(crate) code: String,
    pub(crate) party_kind: String,
    pub(crate) name: String,
    pub(crate) country: String,
    pub(crate) time_zone: String,
    pub(crate) language: String,
    pub(crate) tier: String,
    pub(crate) group_code: String,
    pub(crate) payer_id: Uuid,
    pub(crate) credit_limit: Option<Decimal>,
    /// Empty without a limit.
    pub(crate) credit_limit_currency: String,
    pub(crate) rating: String,
    pub(crate) tax_id: String,
    pub(crate) preferred_channel: String,
    pub(crate) requires_submission: bool,
    pub(crate) calendar: Json<BuyerCalendar>,
    pub(crate) provisional: bool,
    pub(crate) source_order: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ContactRow {
    pub(crate) contact_id: Uuid,
    pub(crate) version: i64,
    pub(crate) customer_id: Uuid,
    pub(crate) role: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) language: String,
    pub(crate) active: bool,
    pub(crate) source_order: String,
}

/// Makes customers that facts mention (sorted by id) exist; returns the ids of those that did not.
pub(crate) async fn mention(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    mentioned: &[(Uuid, String)],
) -> Result<Vec<Uuid>, sqlx::Error> {
    let (ids, codes): (Vec<Uuid>, Vec<String>) = mentioned.iter().cloned().unzip();
    sqlx::query_scalar!(
        "INSERT INTO customers (tenant_id, customer_id, version, code, party_kind, name, country, time_zone, language, tier,
                                group_code, payer_id, provisional, source_order)
         SELECT $1, m.id, 1, m.code, 'company', '', '', '', '', '', '', m.id, true, ''
         FROM unnest($2::uuid[], $3::text[]) AS m (id, code) ORDER BY m.id
         ON CONFLICT DO NOTHING RETURNING customer_id",
        tenant_id,
        &ids,
        &codes
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn customers(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<CustomerRow>, sqlx::Error> {
    sqlx::query_as!(
        CustomerRow,
        r#"SELECT c.customer_id, c.version, c.code, c.party_kind, c.name, c.country, c.time_zone, c.language, c.tier,
                  c.group_code, c.payer_id, c.credit_limit, c.credit_limit_currency, c.rating, c.tax_id, c.preferred_channel,
                  c.requires_submission, c.calendar AS "calendar: Json<BuyerCalendar>", c.provisional, c.source_order
           FROM unnest($2::uuid[]) AS k (customer_id) CROSS JOIN LATERAL (
               SELECT * FROM customers WHERE tenant_id = $1 AND customer_id = k.customer_id OFFSET 0) c
           ORDER BY c.customer_id"#,
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}

/// Rows exist: [`mention`] came before.
pub(crate) async fn save_customers(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rows: &[CustomerRow],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&CustomerRow) -> &String| rows.iter().map(of).cloned().collect::<Vec<_>>();
    let calendars: Vec<Json<BuyerCalendar>> = rows.iter().map(|row| row.calendar.clone()).collect();
    sqlx::query!(
        "UPDATE customers c SET version = n.version, party_kind = n.party_kind, name = n.name, country = n.country,
                time_zone = n.time_zone, language = n.language, tier = n.tier, group_code = n.group_code,
                payer_id = n.payer_id, credit_limit = n.credit_limit, credit_limit_currency = n.credit_limit_currency,
                rating = n.rating, tax_id = n.tax_id, preferred_channel = n.preferred_channel,
                requires_submission = n.requires_submission, calendar = n.calendar,
                provisional = n.provisional, source_order = n.source_order
         FROM unnest($2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                     $10::text[], $11::uuid[], $12::boolean[], $13::text[], $14::numeric[], $15::text[], $16::text[],
                     $17::text[], $18::text[], $19::boolean[], $20::jsonb[])
              AS n (customer_id, version, party_kind, name, country, time_zone, language, tier, group_code, payer_id,
                    provisional, source_order, credit_limit, credit_limit_currency, rating, tax_id, preferred_channel,
                    requires_submission, calendar)
         WHERE c.tenant_id = $1 AND c.customer_id = n.customer_id",
        tenant_id,
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &text(|row| &row.party_kind),
        &text(|row| &row.name),
        &text(|row| &row.country),
        &text(|row| &row.time_zone),
        &text(|row| &row.language),
        &text(|row| &row.tier),
        &text(|row| &row.group_code),
        &rows.iter().map(|row| row.payer_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.provisional).collect::<Vec<_>>(),
        &text(|row| &row.source_order),
        &rows.iter().map(|row| row.credit_limit).collect::<Vec<_>>() as &[Option<Decimal>],
        &text(|row| &row.credit_limit_currency),
        &text(|row| &row.rating),
        &text(|row| &row.tax_id),
        &text(|row| &row.preferred_channel),
        &rows.iter().map(|row| row.requires_submission).collect::<Vec<_>>(),
        &calendars as &[Json<BuyerCalendar>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn contacts(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    ids: &[Uuid],
) -> Result<Vec<ContactRow>, sqlx::Error> {
    sqlx::query_as!(
        ContactRow,
        "SELECT c.contact_id, c.version, c.customer_id, c.role, c.name, c.email, c.language, c.active, c.source_order
         FROM unnest($2::uuid[]) AS k (contact_id) CROSS JOIN LATERAL (
             SELECT * FROM contacts WHERE tenant_id = $1 AND contact_id = k.contact_id OFFSET 0) c
         ORDER BY c.contact_id",
        tenant_id,
        ids
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn save_contacts(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    rows: &[ContactRow],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&ContactRow) -> &String| rows.iter().map(of).cloned().collect::<Vec<_>>();
    sqlx::query!(
        "INSERT INTO contacts (tenant_id, contact_id, version, customer_id, role, name, email, language, active, source_order)
         SELECT $1, * FROM unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
                                  $9::boolean[], $10::text[])
         ON CONFLICT (tenant_id, contact_id) DO UPDATE SET version = excluded.version, customer_id = excluded.customer_id,
           role = excluded.role, name = excluded.name, email = excluded.email, language = excluded.language,
           active = excluded.active, source_order = excluded.source_order",
        tenant_id,
        &rows.iter().map(|row| row.contact_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &text(|row| &row.role),
        &text(|row| &row.name),
        &text(|row| &row.email),
        &text(|row| &row.language),
        &rows.iter().map(|row| row.active).collect::<Vec<_>>(),
        &text(|row| &row.source_order)
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Codes of the customers whose file has one of the forms of a tax number, at most two, and of one that goes by a form itself.
pub(crate) async fn codes_of_tax_ids(
    conn: &mut PgConnection,
    tenant_id: Uuid,
    forms: &[String],
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT code AS "code!" FROM customers
         WHERE tenant_id = $1 AND tax_id <> '' AND upper(regexp_replace(tax_id, '[^[:alnum:]]', '', 'g'))
             IN (SELECT upper(regexp_replace(f.form, '[^[:alnum:]]', '', 'g')) FROM unnest($2::text[]) AS f (form))
         UNION
         SELECT code FROM customers WHERE tenant_id = $1 AND code = $2[1]
         ORDER BY 1 LIMIT 3"#,
        tenant_id,
        forms
    )
    .fetch_all(conn)
    .await
}
