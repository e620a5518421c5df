//! One payment for the invoices of several customers.

use contracts::ingestion::CreditChanged;
use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::cash::{open_amount, paid, waiting, with_debts};
use crate::confluence::{after, shuffled};
use crate::world::{World, corrected, customer, fact, invoice, payment};

fn reversed(number: &str, reversal: &str, amount: Option<&str>) -> Value {
    let mut data = json!({"payment": number, "reversal": reversal, "reversed_on": "2026-02-12"});
    if let Some(amount) = amount {
        data["amount"] = json!(amount);
        data["currency"] = json!("COP");
    }
    fact("bank", &format!("reversal {reversal}"), "payment.reversed", data)
}

/// What is open of F-1, which is C-1's, and of F-3, which is C-2's.
async fn both_open(world: &World) -> (String, String) {
    (open_amount(world, "F-1").await, open_amount(world, "F-3").await)
}

fn open(one: &str, other: &str) -> (String, String) {
    (one.into(), other.into())
}

#[tokio::test]
async fn a_payment_pays_the_invoice_of_another_customer_and_bounces_from_the_end() {
    let world = with_debts().await;
    let named = json!([{"invoice": "F-1", "amount": "100.00"}, {"invoice": "F-3", "amount": "75.00"}]);
    world.tell(&[payment("P-1", "C-1", "180.00", "2026-02-10", named)]).await;
    assert_eq!(both_open(&world).await, open("0.00", "0.00"));
    // What no part names is the payer's.
    assert_eq!(open_amount(&world, "F-2").await, "35.00");
    let credits = world.bed.published::<CreditChanged>().await;
    let mut amounts: Vec<_> = credits.iter().map(|credit| (&*credit.number, &*credit.amount)).collect();
    amounts.sort_unstable();
    assert_eq!(amounts, [("P-1", "105.00"), ("P-1", "75.00")]);

    world.tell(&[reversed("P-1", "R-1", Some("35.00"))]).await;
    assert_eq!(both_open(&world).await, open("0.00", "30.00"));
    assert_eq!(open_amount(&world, "F-2").await, "40.00");
    world.digest(&world.acme).await;
    world.tell(&[reversed("P-1", "R-2", None)]).await;
    assert_eq!(both_open(&world).await, open("100.00", "75.00"));
    world.digest(&world.acme).await;
    assert_eq!(ingestion_proof(&world).await, Vec::<String>::new());
    world.role.stop().await;
}

/// What differs between what is stored and what the facts fold to.
async fn ingestion_proof(world: &World) -> Vec<String> {
    ingestion::operator::proof::recomputation(&world.bed.worker()).await.unwrap().found
}

#[tokio::test]
async fn a_share_pays_what_it_names_and_nothing_else() {
    let world = with_debts().await;
    let older = invoice("F-0", "C-2", "10.00", "2025-12-01", "2025-12-31");
    // C-1 pays more than is open of what it names: the rest is for C-2 to be asked about.
    let paid = payment("P-1", "C-1", "80.00", "2026-02-10", json!([{"invoice": "F-3", "amount": "80.00"}]));
    world.tell(&[older, paid]).await;
    assert_eq!((open_amount(&world, "F-3").await, open_amount(&world, "F-0").await), ("0.00".into(), "10.00".into()));
    let unapplied = world.get("/v1/unapplied").await.body;
    assert_eq!(
        (&unapplied["rows"][0]["payer"], &unapplied["rows"][0]["on_account"]),
        (&json!("C-2"), &json!("5.00")),
        "{unapplied}"
    );
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn a_person_parts_a_payment_among_customers() {
    let world = with_debts().await;
    world.tell(&[paid("P-1", "100.00", json!({"text": "F-1 y F-3"}))]).await;
    assert_eq!(waiting(&world).await.len(), 1, "whose it is nobody can know");
    let decide = |invoices: Value| json!({"source": "bank", "payment": "P-1", "payer": "C-1", "currency": "COP", "invoices": invoices});
    let undecided = world.act("/v1/allocations", decide(json!([{"invoice": "F-1"}, {"invoice": "F-3"}]))).await;
    assert_eq!((undecided.slug(), undecided.pointer()), ("amount-required", "#/data/invoices"), "{undecided:?}");
    let parted = json!([{"invoice": "F-1", "amount": "60.00"}, {"invoice": "F-3", "amount": "40.00"}]);
    assert_eq!(world.act("/v1/allocations", decide(parted)).await.status, StatusCode::CREATED);
    assert_eq!(both_open(&world).await, open("40.00", "35.00"));
    // A second look: all of it was for the other's.
    assert_eq!(world.act("/v1/allocations", decide(json!([{"invoice": "F-3"}]))).await.status, StatusCode::CREATED);
    assert_eq!(both_open(&world).await, open("100.00", "0.00"));
    // And a third: nothing was.
    let own = json!([{"invoice": "F-1", "amount": "100.00"}]);
    assert_eq!(world.act("/v1/allocations", decide(own)).await.status, StatusCode::CREATED);
    assert_eq!(both_open(&world).await, open("0.00", "75.00"));
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn who_pays_for_several_customers_is_known_by_their_files() {
    let world = with_debts().await;
    let belongs = |code: &str| {
        let told = customer(code, &format!("Filial {code}"));
        corrected(&told, 2, json!({"payer": "C-9"}))
    };
    world.tell(&[customer("C-9", "Matriz"), belongs("C-1"), belongs("C-2")]).await;
    world.tell(&[paid("P-1", "170.00", json!({"text": "F-1 F-3"}))]).await;
    assert_eq!(waiting(&world).await.len(), 1, "5.00 are missing, and nobody knows of which");
    world.tell(&[paid("P-2", "175.00", json!({"text": "F-1 F-3"}))]).await;
    assert_eq!(both_open(&world).await, open("0.00", "0.00"));
    let rule = "SELECT count(*) FROM facts WHERE data ->> 'rule' = 'reference' AND data ->> 'payer' = 'C-9'";
    assert_eq!(world.count(rule).await, 1);
    world.digest(&world.acme).await;
    world.role.stop().await;
}

/// Payments across three accounts, one of which changes hands, with twins, bounces and an invoice that comes last.
fn facts() -> Vec<Value> {
    let moved = invoice("F-4", "C-2", "90.00", "2026-01-04", "2026-02-20");
    let alone = payment("P-2", "C-1", "50.00", "2026-02-11", json!([{"invoice": "F-4"}, {"invoice": "F-3"}]));
    let mut facts = vec![
        customer("C-1", "Uno"),
        invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31"),
        invoice("F-2", "C-1", "40.00", "2026-01-02", "2026-02-15"),
        invoice("F-3", "C-2", "75.00", "2026-01-03", "2026-02-20"),
        corrected(&moved, 2, json!({"customer": "C-3"})),
        moved,
        corrected(&alone, 2, json!({"amount": "70.00"})),
        alone,
        payment(
            "P-3",
            "C-3",
            "60.00",
            "2026-02-12",
            json!([{"invoice": "F-1", "amount": "35.00"}, {"invoice": "F-4", "amount": "25.00"}]),
        ),
        reversed("P-3", "R-3", Some("20.00")),
        reversed("P-1", "R-1", Some("45.00")),
        reversed("P-2", "R-2", None),
    ];
    for (number, reference) in [("P-1", None), ("P-7", Some("TRX")), ("P-8", Some("TRX"))] {
        let named = json!([
            {"invoice": "F-1", "amount": "20.00"}, {"invoice": "F-3", "amount": "30.00"}, {"invoice": "F-4", "amount": "15.00"},
        ]);
        let mut paid = payment(number, "C-1", "80.00", "2026-02-10", named);
        if let Some(reference) = reference {
            paid["data"]["bank_reference"] = json!(reference);
        }
        facts.push(paid);
    }
    facts
}

#[tokio::test]
async fn in_any_order_a_payment_is_parted_alike() {
    let facts = facts();
    let expected = after(async |world| {
        world.tell(&facts).await;
        assert_eq!(ingestion_proof(world).await, Vec::<String>::new());
        // Of the twins one is held, in each of its three accounts.
        assert_eq!(world.count("SELECT count(*) FROM credits WHERE held > 0 AND number = 'P-8'").await, 3);
    })
    .await;
    for step in [1, 3, 5, 11] {
        assert_eq!(expected, after(async |world| world.tell(&shuffled(&facts, step)).await).await, "step {step}");
    }
    let in_pieces_twice = after(async |world| {
        let arrivals = shuffled(&facts, 7);
        for piece in arrivals.chunks(2).chain(arrivals.chunks(3)) {
            world.batch(piece).await;
        }
    })
    .await;
    assert_eq!(expected, in_pieces_twice);
    let all_at_the_same_time = after(async |world| {
        let arrivals = shuffled(&facts, 4);
        let answers = join_all(arrivals.chunks(2).chain(arrivals.chunks(3)).map(|piece| world.batch(piece))).await;
        assert!(answers.iter().all(|report| report["quarantined"] == 0), "{answers:?}");
    })
    .await;
    assert_eq!(expected, all_at_the_same_time);
}
