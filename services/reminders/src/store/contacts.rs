//! Contacts: the only personal data here, with what was rendered from it.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::keys::{Key, Keys};
use crate::domain::recipient::Contact;

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) tenant_id: Uuid,
    pub(crate) customer_id: Uuid,
    pub(crate) version: i64,
    pub(crate) contact: Contact,
}

/// Upserts if newer. One row per key.
pub(crate) async fn save(conn: &mut PgConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&Contact) -> &String| rows.iter().map(|row| of(&row.contact)).cloned().collect::<Vec<String>>();
    sqlx::query!(
        "INSERT INTO contacts AS c (tenant_id, contact_id, version, customer_id, role, name, email, language, active)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[],
                              $8::text[], $9::boolean[])
         ON CONFLICT (tenant_id, contact_id) DO UPDATE SET version = excluded.version,
           customer_id = excluded.customer_id, role = excluded.role, name = excluded.name, email = excluded.email,
           language = excluded.language, active = excluded.active
         WHERE c.version < excluded.version",
        &rows.iter().map(|row| row.tenant_id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.contact.id).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.version).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>(),
        &text(|contact| &contact.role),
        &text(|contact| &contact.name),
        &text(|contact| &contact.email),
        &text(|contact| &contact.language),
        &rows.iter().map(|row| row.contact.active).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The active contacts of the customers.
pub(crate) async fn of_customers(
    conn: &mut PgConnection,
    customers: &Keys,
) -> Result<BTreeMap<Key, Vec<Contact>>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT c.tenant_id, c.customer_id, c.contact_id, c.role, c.name, c.email, c.language, c.active
         FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, customer_id)
         JOIN contacts c USING (tenant_id, customer_id) WHERE c.active",
        &customers.tenants,
        &customers.ids,
    )
    .fetch_all(conn)
    .await?;
    let mut contacts = BTreeMap::<Key, Vec<Contact>>::new();
    for row in rows {
        contacts.entry((row.tenant_id, row.customer_id)).or_default().push(Contact {
            id: row.contact_id,
            role: row.role,
            name: row.name,
            email: row.email,
            language: row.language,
            active: row.active,
        });
    }
    Ok(contacts)
}
