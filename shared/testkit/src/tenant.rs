//! Tenants of tests.

use contracts::SCHEMA_REV;
use contracts::ingestion::{ApiKeyChanged, LegalEntity, TenantChanged};
use primitives::ids::{self, Kind};
use uuid::Uuid;

/// A tenant in Bogota with one legal entity ("main") and one key with all scopes.
#[derive(Debug, Clone)]
pub struct TestTenant {
    pub tenant_id: Uuid,
    pub legal_entity_id: Uuid,
    /// For `Authorization: Bearer`.
    pub key: String,
    pub changed: TenantChanged,
    pub key_changed: ApiKeyChanged,
}

impl TestTenant {
    pub fn new(slug: &str) -> Self {
        let tenant_id = ids::tenant(slug);
        let legal_entity_id = ids::derive(tenant_id, Kind::LegalEntity, &["main"]);
        let key_id = ids::derive(tenant_id, Kind::ApiKey, &["test"]);
        let secret = format!("{}{}", Uuid::now_v7().simple(), Uuid::now_v7().simple());
        let changed = TenantChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: tenant_id.to_string(),
            version: 1,
            slug: slug.to_owned(),
            name: format!("{slug} S.A."),
            time_zone: "America/Bogota".into(),
            send_hour: 9,
            language: "es".into(),
            legal_entities: vec![LegalEntity {
                legal_entity_id: legal_entity_id.to_string(),
                code: "main".into(),
                name: format!("{slug} S.A."),
                country: "CO".into(),
                time_zone: "America/Bogota".into(),
            }],
            late_delivery_days: None,
        };
        let key_changed = ApiKeyChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: tenant_id.to_string(),
            key_id: key_id.to_string(),
            version: 1,
            secret_sha256: runtime::key::hash(&secret).to_vec(),
            scopes: vec!["facts:write".into(), "read".into()],
            revoked: false,
            name: "test".into(),
        };
        let key = runtime::key::format(key_id, &secret);
        Self { tenant_id, legal_entity_id, key, changed, key_changed }
    }
}
