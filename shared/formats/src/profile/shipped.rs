//! The profiles that come with Puntual.

const SHIPPED: [(&str, &str); 6] = [
    ("debezium-odoo", include_str!("../../profiles/debezium-odoo.yaml")),
    ("generic-invoices", include_str!("../../profiles/generic-invoices.yaml")),
    ("generic-open-items", include_str!("../../profiles/generic-open-items.yaml")),
    ("generic-open-items-xlsx", include_str!("../../profiles/generic-open-items-xlsx.yaml")),
    ("odoo-invoices", include_str!("../../profiles/odoo-invoices.yaml")),
    ("sap-open-items", include_str!("../../profiles/sap-open-items.yaml")),
];

/// Names and texts. They are examples as well: a tenant's own profile starts as a copy of one.
pub fn shipped() -> &'static [(&'static str, &'static str)] {
    &SHIPPED
}
