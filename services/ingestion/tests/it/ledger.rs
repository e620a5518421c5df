use contracts::ingestion::{CreditChanged, DisputeChanged, InvoiceChanged};
use serde_json::{Value, json};

use crate::world::{self, World, corrected, fact, invoice, payment};

async fn last_invoice(world: &World, number: &str) -> InvoiceChanged {
    let events = world.bed.published::<InvoiceChanged>().await;
    let versions: Vec<u64> = events.iter().filter(|event| event.number == number).map(|event| event.version).collect();
    assert_eq!(versions, (1..).take(versions.len()).collect::<Vec<u64>>(), "versions grow by one");
    events.into_iter().rfind(|event| event.number == number).unwrap()
}

async fn last_credit(world: &World, number: &str) -> [String; 4] {
    let events = world.bed.published::<CreditChanged>().await;
    let last = events.into_iter().rfind(|event| event.number == number).unwrap();
    [last.applied, last.on_account, last.waiting, last.held]
}

fn of_credit(kind: &str, id: &str, data: Value) -> Value {
    fact("erp", id, kind, data)
}

#[tokio::test]
async fn a_payment_before_its_invoice_waits_for_it() {
    let world = world::start().await;
    let paid = payment("P-1", "C-1", "100.00", "2026-01-05", json!([{"invoice": "F-1", "amount": "80.00"}]));
    let receipt = world.post(&paid).await;
    assert_eq!(receipt.body["parked"], json!(["invoice F-1"]));
    assert_eq!(last_credit(&world, "P-1").await, ["0.00", "20.00", "80.00", "0.00"]);
    let parked = world.get("/v1/parked").await.body;
    assert_eq!(parked["parked"][1], json!({"what": "payment", "code": "P-1", "waits_for": "invoice F-1"}), "{parked}");
    let unapplied = world.get("/v1/unapplied").await.body;
    assert_eq!(unapplied["rows"][0]["waiting"], "80.00");

    world.tell(&[invoice("F-1", "C-1", "90.00", "2026-01-10", "2026-01-31")]).await;
    let settled = last_invoice(&world, "F-1").await;
    assert_eq!((&*settled.status, &*settled.settled_on, &*settled.open_amount), ("settled", "2026-01-10", "0.00"));
    let parts: Vec<_> =
        settled.settlements.iter().map(|part| (&*part.amount, part.inferred, &*part.value_date)).collect();
    assert_eq!(parts.len(), 2);
    assert!(parts.contains(&("80.00", false, "2026-01-10")) && parts.contains(&("10.00", true, "2026-01-10")));
    assert_eq!(last_credit(&world, "P-1").await, ["90.00", "10.00", "0.00", "0.00"]);
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn an_agreed_later_date_outlives_the_invoice_that_is_told_again() {
    let world = world::start().await;
    let extended = |id: &str, until: &str, version: u64| {
        let data = json!({"invoice": "F-1", "effective_due_date": until, "reason": "cosecha tardía"});
        let mut fact = fact("erp", id, "due_date.extended", data);
        fact["source_version"] = json!(version);
        fact["approval"] = json!("credit committee 14");
        fact
    };
    let early = world.post(&extended("extension 1", "2026-03-15", 1)).await;
    assert_eq!(early.body["parked"], json!(["invoice F-1"]), "{early:?}");
    let told = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    world.tell(std::slice::from_ref(&told)).await;
    let last = last_invoice(&world, "F-1").await;
    assert_eq!((&*last.due_date, &*last.effective_due_date), ("2026-01-31", "2026-03-15"));
    world.tell(&[corrected(&told, 2, json!({"amount": "90.00"}))]).await;
    assert_eq!(last_invoice(&world, "F-1").await.effective_due_date, "2026-03-15");
    world.tell(&[extended("extension 2", "2026-02-15", 2)]).await;
    let last = last_invoice(&world, "F-1").await;
    assert_eq!((&*last.effective_due_date, &*last.amount), ("2026-02-15", "90.00"), "a later agreement may be shorter");
    assert_eq!(world.post(&extended("extension 0", "2026-12-31", 0)).await.body["status"], "stale");
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn a_late_payment_reverses_what_it_changes() {
    let world = world::start().await;
    world
        .tell(&[
            invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31"),
            invoice("F-2", "C-1", "100.00", "2026-01-02", "2026-02-28"),
            payment("P-2", "C-1", "100.00", "2026-02-10", json!([])),
        ])
        .await;
    assert_eq!(last_invoice(&world, "F-1").await.settled_on, "2026-02-10");
    world.tell(&[payment("P-1", "C-1", "100.00", "2026-01-20", json!([]))]).await;
    let first = last_invoice(&world, "F-1").await;
    assert_eq!(
        (&*first.settled_on, first.settlements.len()),
        ("2026-01-20", 1),
        "the earlier payment paid the older invoice"
    );
    assert_eq!(last_invoice(&world, "F-2").await.settled_on, "2026-02-10");
    let journal: Vec<(String, i64)> =
        sqlx::query_as("SELECT entry, count(*) FROM settlement_entries GROUP BY entry ORDER BY entry")
            .fetch_all(&world.bed.worker())
            .await
            .unwrap();
    assert_eq!(journal, [("apply".into(), 3), ("reverse".into(), 1)], "nothing is deleted");
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn a_correction_moves_an_invoice_with_its_money() {
    let world = world::start().await;
    let issued = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    world.tell(&[issued.clone(), payment("P-1", "C-1", "100.00", "2026-01-20", json!([{"invoice": "F-1"}]))]).await;
    world.tell(&[corrected(&issued, 2, json!({"amount": "80.00"}))]).await;
    assert_eq!(last_invoice(&world, "F-1").await.amount, "80.00");
    assert_eq!(last_credit(&world, "P-1").await, ["80.00", "20.00", "0.00", "0.00"]);

    // Another payer owes it now: what was paid of it goes with it, as a share of the payment.
    world.tell(&[corrected(&issued, 3, json!({"amount": "80.00", "payer": "HOLDING"}))]).await;
    let moved = last_invoice(&world, "F-1").await;
    assert_eq!((&*moved.open_amount, &*moved.status, moved.settlements.len()), ("0.00", "settled", 1));
    let unapplied = world.get("/v1/unapplied").await.body;
    assert_eq!(
        (&unapplied["rows"][0]["payer"], &unapplied["rows"][0]["on_account"]),
        (&json!("HOLDING"), &json!("20.00"))
    );

    // An older version after a newer one changes nothing.
    let stale = world.post(&corrected(&issued, 1, json!({"amount": "1.00"}))).await;
    assert_eq!(stale.body["status"], "stale");
    assert_eq!(last_invoice(&world, "F-1").await.version, moved.version);
    // The same again under another id and version changes nothing that anybody reads.
    world.tell(&[corrected(&issued, 4, json!({"amount": "80.00", "payer": "HOLDING"}))]).await;
    assert_eq!(last_invoice(&world, "F-1").await.version, moved.version);
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn settlements_are_typed() {
    let world = world::start().await;
    let mut issued = invoice("F-1", "C-1", "1000.00", "2026-01-01", "2026-01-31");
    issued["data"]["expected_withholding"] = json!("25.00");
    let withheld = json!({"withholding": "W-1", "payer": "C-1", "invoice": "F-1", "amount": "25.00", "currency": "COP", "value_date": "2026-01-25", "certificate": "R-9"});
    let credited = json!({"credit_note": "N-1", "customer": "C-1", "amount": "75.00", "currency": "COP", "issue_date": "2026-01-10", "invoices": [{"invoice": "F-1"}]});
    world.tell(&[issued]).await;
    assert_eq!(last_invoice(&world, "F-1").await.expected_net, "975.00");
    world.tell(&[of_credit("credit_note.issued", "n", credited)]).await;
    let after = last_invoice(&world, "F-1").await;
    assert_eq!((&*after.open_amount, &*after.expected_net), ("925.00", "900.00"));
    world.tell(&[of_credit("withholding.recorded", "w", withheld)]).await;
    let after = last_invoice(&world, "F-1").await;
    assert_eq!(
        (&*after.open_amount, &*after.expected_net),
        ("900.00", "900.00"),
        "what was withheld is not expected any more"
    );
    world.tell(&[payment("P-1", "C-1", "900.00", "2026-02-01", json!([]))]).await;
    let kinds: Vec<String> = last_invoice(&world, "F-1").await.settlements.into_iter().map(|part| part.kind).collect();
    assert_eq!(kinds, ["credit_note", "withholding", "cash"]);
    world.role.stop().await;
}

#[tokio::test]
async fn where_the_erp_applies_cash_puntual_chooses_nothing() {
    let world = world::start().await;
    world.tell(&[invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31")]).await;
    let mut paid = payment("P-1", "C-1", "60.00", "2026-01-05", json!([{"invoice": "F-1", "amount": "10.00"}]));
    paid["source"] = json!("sap");
    world.tell(&[paid]).await;
    assert_eq!(last_credit(&world, "P-1").await, ["10.00", "50.00", "0.00", "0.00"]);
    assert_eq!(last_invoice(&world, "F-1").await.open_amount, "90.00");
    world.role.stop().await;
}

#[tokio::test]
async fn a_payment_told_twice_by_two_sources_is_held() {
    let world = world::start().await;
    world.tell(&[invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31")]).await;
    let twin = |number: &str| {
        let mut fact = payment(number, "C-1", "60.00", "2026-01-05", json!([]));
        fact["data"]["bank_reference"] = json!("TRX 42");
        fact
    };
    let receipt = world.post(&twin("P-2")).await;
    assert_eq!(receipt.body.get("parked"), None);
    world.tell(&[twin("P-1")]).await;
    assert_eq!(last_credit(&world, "P-2").await, ["0.00", "0.00", "0.00", "60.00"], "the higher number is held");
    assert_eq!(last_credit(&world, "P-1").await, ["60.00", "0.00", "0.00", "0.00"]);
    assert_eq!(last_invoice(&world, "F-1").await.open_amount, "40.00");
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn a_dispute_that_moves_is_published_again_when_its_invoice_comes() {
    let world = world::start().await;
    let data = json!({"dispute": "D-1", "invoice": "F-1", "reason": "quality", "amount": "10.0099", "opened_on": "2026-01-20"});
    let opened = fact("erp", "d", "dispute.opened", data);
    world.tell(&[invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31"), opened.clone()]).await;
    assert_eq!(last_invoice(&world, "F-1").await.disputed_amount, "10.00", "at the scale of the currency");

    let moved = world.post(&corrected(&opened, 2, json!({"invoice": "F-2"}))).await;
    assert_eq!(moved.body["parked"], json!(["invoice F-2"]), "{moved:?}");
    assert_eq!(last_invoice(&world, "F-1").await.disputed_amount, "0.00");
    world.tell(&[invoice("F-2", "C-1", "50.00", "2026-01-02", "2026-02-28")]).await;
    let disputes = world.bed.published::<DisputeChanged>().await;
    let told: Vec<_> = disputes.iter().map(|event| (event.version, &event.invoice_id)).collect();
    let (first, second) = (last_invoice(&world, "F-1").await, last_invoice(&world, "F-2").await);
    assert_eq!(told, [(1, &first.invoice_id), (2, &second.invoice_id)]);
    assert_eq!(second.disputed_amount, "10.00");
    world.role.stop().await;
}
