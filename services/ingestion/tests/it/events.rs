use contracts::ingestion::{
    ContactChanged, CustomerChanged, DisputeChanged, InvoiceChanged, PromiseMade, PromiseWithdrawn, SourceChanged,
};
use primitives::ids::{self, Kind};
use serde_json::json;

use crate::world::{self, corrected, customer, fact, invoice, payment};

#[tokio::test]
async fn personal_data_is_in_contacts_and_nowhere_else() {
    let world = world::start().await;
    let contact = json!({"contact": "K-1", "customer": "C-1", "name": "Zoraida Canario", "email": "zoraida@canario.co", "role": "payables"});
    let person = json!({"customer": "C-2", "name": "Zoraida Canario", "party_kind": "natural_person"});
    world
        .tell(&[
            fact("erp", "k", "contact.upserted", contact),
            fact("erp", "c", "customer.upserted", person),
            fact(
                "erp",
                "k2",
                "contact.upserted",
                json!({"contact": "K-1", "customer": "C-1", "name": "Zoraida Canario", "email": "zoraida@canario.co"}),
            ),
        ])
        .await;
    let events = world.bed.published::<ContactChanged>().await;
    assert_eq!(events.len(), 1, "the same again under another id is not published");
    assert_eq!((&*events[0].email, events[0].active, events[0].version), ("zoraida@canario.co", true, 1));
    let customers = world.bed.published::<CustomerChanged>().await;
    assert!(customers.iter().all(|event| event.name.is_empty()), "{customers:?}");

    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
         AND table_name NOT LIKE 'outbox%' ORDER BY 1",
    )
    .fetch_all(&world.bed.owner())
    .await
    .unwrap();
    let mut with_names = Vec::new();
    for table in tables {
        let query = format!("SELECT EXISTS (SELECT FROM \"{table}\" t WHERE lower(t::text) LIKE '%canario%')");
        let found: bool = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&world.bed.owner()).await.unwrap();
        if found {
            with_names.push(table);
        }
    }
    assert_eq!(with_names, ["contacts", "fact_persons"]);
    world.role.stop().await;
}

#[tokio::test]
async fn a_mentioned_customer_is_provisional_until_its_master_data_comes() {
    let world = world::start().await;
    world
        .tell(&[invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31"), customer("C-1", "Tienda Uno S.A.")])
        .await;
    world.tell(&[invoice("F-2", "C-1", "100.00", "2026-01-01", "2026-01-31")]).await;
    let events = world.bed.published::<CustomerChanged>().await;
    let seen: Vec<_> = events.iter().map(|event| (event.version, event.provisional, &*event.name)).collect();
    assert_eq!(seen, [(1, true, ""), (2, false, "Tienda Uno S.A.")]);
    let renamed = corrected(&customer("C-1", "Tienda Uno S.A.S."), 2, json!({}));
    world.batch(&[customer("C-2", "Dos"), renamed.clone(), corrected(&renamed, 1, json!({"name": "Old"}))]).await;
    let events = world.bed.published::<CustomerChanged>().await;
    let seen: Vec<_> = events[2..].iter().map(|event| (&*event.code, event.version, &*event.name)).collect();
    assert_eq!(seen.len(), 2);
    assert!(seen.contains(&("C-1", 3, "Tienda Uno S.A.S.")) && seen.contains(&("C-2", 1, "Dos")), "{seen:?}");
    world.role.stop().await;
}

#[tokio::test]
async fn a_dispute_counts_from_when_its_invoice_is_known() {
    let world = world::start().await;
    let opened = fact(
        "erp",
        "d",
        "dispute.opened",
        json!({"dispute": "D-1", "invoice": "F-1", "reason": "pricing", "amount": "30.00", "opened_on": "2026-01-20"}),
    );
    let resolved = fact(
        "erp",
        "r",
        "dispute.resolved",
        json!({"dispute": "D-2", "resolved_on": "2026-01-25", "outcome": "credited"}),
    );
    assert_eq!(world.post(&resolved).await.body["parked"], json!(["dispute D-2"]));
    assert_eq!(world.post(&opened).await.body["parked"], json!(["invoice F-1"]));
    assert!(world.bed.published::<DisputeChanged>().await.is_empty());

    world.tell(&[invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31")]).await;
    let events = world.bed.published::<InvoiceChanged>().await;
    assert_eq!((events.len(), &*events[0].disputed_amount), (1, "30.00"));
    let disputes = world.bed.published::<DisputeChanged>().await;
    assert_eq!((&*disputes[0].status, &*disputes[0].amount, disputes[0].version), ("open", "30.00", 1));

    world.tell(&[payment("P-1", "C-1", "90.00", "2026-02-01", json!([]))]).await;
    assert_eq!(
        world.bed.published::<InvoiceChanged>().await.pop().unwrap().disputed_amount,
        "10.00",
        "no more than is open"
    );
    world.tell(&[fact("erp", "r1", "dispute.resolved", json!({"dispute": "D-1", "resolved_on": "2026-02-02"}))]).await;
    assert_eq!(world.bed.published::<InvoiceChanged>().await.pop().unwrap().disputed_amount, "0.00");
    let last = world.bed.published::<DisputeChanged>().await.pop().unwrap();
    assert_eq!((&*last.status, &*last.resolved_on, last.version), ("resolved", "2026-02-02", 2));

    // The resolution came first: the dispute is born resolved.
    world
        .tell(&[fact(
            "erp",
            "d2",
            "dispute.opened",
            json!({"dispute": "D-2", "invoice": "F-1", "reason": "other", "opened_on": "2026-01-20"}),
        )])
        .await;
    let last = world.bed.published::<DisputeChanged>().await.pop().unwrap();
    assert_eq!((&*last.status, last.version), ("resolved", 1));
    assert_eq!(
        world.get("/v1/parked").await.body["parked"].as_array().unwrap().len(),
        1,
        "only the customer's master data"
    );
    world.role.stop().await;
}

#[tokio::test]
async fn a_promise_is_published_at_once_and_its_withdrawal_once_both_are_known() {
    let world = world::start().await;
    let withdrawn = fact("erp", "w", "promise.withdrawn", json!({"promise": "PP-1", "withdrawn_on": "2026-01-25"}));
    let made = fact(
        "erp",
        "m",
        "promise.made",
        json!({"promise": "PP-1", "customer": "C-1", "invoices": ["F-1"], "amount": "100.00", "currency": "COP",
               "promised_date": "2026-02-05", "made_on": "2026-01-20", "channel": "call"}),
    );
    assert_eq!(world.post(&withdrawn).await.body["parked"], json!(["promise PP-1"]));
    assert!(world.bed.published::<PromiseWithdrawn>().await.is_empty());
    world.tell(std::slice::from_ref(&made)).await;
    let published = world.bed.published::<PromiseMade>().await;
    let invoice_id = ids::derive(world.acme.tenant_id, Kind::Invoice, &["main", "F-1"]).to_string();
    assert_eq!((&published[0].invoice_ids, &*published[0].time_zone), (&vec![invoice_id], "America/Bogota"));
    assert_eq!(world.bed.published::<PromiseWithdrawn>().await.len(), 1);

    let mut other_terms = made.clone();
    other_terms["id"] = json!("m2");
    assert_eq!(world.post(&other_terms).await.body["status"], "stale", "the same terms again");
    other_terms["id"] = json!("m3");
    other_terms["data"]["promised_date"] = json!("2026-03-05");
    assert_eq!(world.post(&other_terms).await.slug(), "promise-conflict");
    assert_eq!(world.bed.published::<PromiseMade>().await.len(), 1);
    world.role.stop().await;
}

#[tokio::test]
async fn coverage_only_grows() {
    let world = world::start().await;
    let covered = |id: &str, until: &str| fact("bank", id, "source.covered", json!({"covered_until": until}));
    let report = world
        .batch(&[
            covered("1", "2026-03-02T05:00:00Z"),
            covered("2", "2026-03-01T05:00:00Z"),
            covered("3", "2026-03-03T05:00:00Z"),
        ])
        .await;
    assert_eq!((report["applied"].as_u64(), report["stale"].as_u64()), (Some(3), Some(1)));
    let events = world.bed.published::<SourceChanged>().await;
    let bank: Vec<_> = events.iter().filter(|event| event.code == "bank").collect();
    let until = bank.last().unwrap().covered_until.unwrap().seconds;
    assert_eq!(
        (bank.len(), until),
        (2, "2026-03-03T05:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp())
    );
    assert_eq!(world.post(&covered("4", "2026-03-02T05:00:00Z")).await.body["status"], "stale");
    world.role.stop().await;
}
