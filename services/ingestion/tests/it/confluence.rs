//! The same facts in any order, in any batches, repeated: the same ledger, through the real door (I7).

use std::collections::BTreeMap;

use contracts::ingestion::InvoiceChanged;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::world::{self, World, corrected, customer, fact, invoice, payment};

fn facts() -> Vec<Value> {
    let mut facts = vec![customer("C-1", "Uno"), customer("C-2", "Dos")];
    for number in 1..=12_u32 {
        let day = 1 + number % 5;
        let amount = format!("{}.00", 100 + number * 7);
        let payer = if number.is_multiple_of(3) { "C-2" } else { "C-1" };
        let issued = invoice(
            &format!("F-{number}"),
            payer,
            &amount,
            &format!("2026-01-{day:02}"),
            &format!("2026-02-{:02}", 28 - number),
        );
        if number.is_multiple_of(4) {
            facts.push(corrected(&issued, 2, json!({"amount": "90.00", "effective_due_date": "2026-03-15"})));
        }
        facts.push(issued);
        let named = match number % 4 {
            0 => json!([]),
            1 => json!([{"invoice": format!("F-{}", number + 2)}]),
            2 => json!([{"invoice": format!("F-{number}"), "amount": "30.00"}, {"invoice": "F-99", "amount": "5.00"}]),
            _ => json!([{"invoice": format!("F-{}", number - 1), "amount": "20.00"}]),
        };
        let mut paid =
            payment(&format!("P-{number}"), payer, "80.00", &format!("2026-01-{:02}", 2 + number % 6), named);
        if number % 5 == 0 {
            paid["data"]["bank_reference"] = json!("TRX");
        }
        facts.push(paid);
    }
    facts.push(fact("erp", "w", "withholding.recorded", json!({"withholding": "W-1", "payer": "C-1", "invoice": "F-5", "amount": "9.00", "currency": "COP", "value_date": "2026-01-20"})));
    facts.push(fact("erp", "n", "credit_note.issued", json!({"credit_note": "N-1", "customer": "C-2", "amount": "500.00", "currency": "COP", "issue_date": "2026-01-03", "invoices": [{"invoice": "F-6"}]})));
    facts.push(fact(
        "erp",
        "d",
        "dispute.opened",
        json!({"dispute": "D-1", "invoice": "F-7", "reason": "quality", "opened_on": "2026-01-20"}),
    ));
    facts.push(fact(
        "erp",
        "d2",
        "dispute.opened",
        json!({"dispute": "D-2", "invoice": "F-8", "reason": "quality", "amount": "3.00", "opened_on": "2026-01-20"}),
    ));
    facts.push(fact("erp", "r", "dispute.resolved", json!({"dispute": "D-1", "resolved_on": "2026-01-25"})));
    facts.push(fact("erp", "p", "promise.made", json!({"promise": "PP", "customer": "C-1", "invoices": ["F-7", "F-8"], "amount": "50.00", "currency": "COP", "promised_date": "2026-02-05", "made_on": "2026-01-20"})));
    facts.extend(conduct());
    facts.push(fact("erp", "pw", "promise.withdrawn", json!({"promise": "PP", "withdrawn_on": "2026-01-25"})));
    facts
}

/// Pauses, problems and answers, with corrections and ends.
fn conduct() -> Vec<Value> {
    let held = fact(
        "erp",
        "h",
        "hold.placed",
        json!({"hold": "H-1", "customer": "C-1", "invoices": ["F-1", "F-2"], "kind": "manual", "placed_on": "2026-01-10"}),
    );
    let raised = fact(
        "erp",
        "i",
        "issue.raised",
        json!({"issue": "I-1", "customer": "C-2", "invoices": ["F-7"], "reason": "quality", "raised_on": "2026-01-18"}),
    );
    let claimed = fact(
        "erp",
        "a",
        "payment.claimed",
        json!({"claim": "A-1", "customer": "C-1", "invoices": ["F-5"], "claimed_on": "2026-01-19"}),
    );
    let mut scheduled = claimed.clone();
    scheduled["type"] = json!("payment.scheduled");
    scheduled["data"]["scheduled_for"] = json!("2026-02-02");
    let resolved = |id: &str, data: Value| fact("erp", id, "issue.resolved", data);
    vec![
        corrected(&held, 2, json!({"kind": "hardship", "until": "2026-02-28"})),
        corrected(&held, 3, json!({"kind": "legal"})),
        held,
        fact("erp", "hl", "hold.lifted", json!({"hold": "H-1", "lifted_on": "2026-02-10"})),
        corrected(&raised, 2, json!({"invoices": ["F-7", "F-8"], "owner": "u-1"})),
        raised,
        // D-2 comes before or after, D-99 never.
        resolved("ir", json!({"issue": "I-1", "resolved_on": "2026-01-21", "outcome": "converted", "dispute": "D-2"})),
        fact(
            "erp",
            "i2",
            "issue.raised",
            json!({"issue": "I-2", "customer": "C-1", "reason": "other", "raised_on": "2026-01-18"}),
        ),
        resolved(
            "ir2",
            json!({"issue": "I-2", "resolved_on": "2026-01-22", "outcome": "converted", "dispute": "D-99"}),
        ),
        corrected(&scheduled, 2, json!({})),
        claimed,
        consent("c1", "2026-03-01T12:00:00Z", "withdrawn"),
        consent("c2", "2026-03-03T12:00:00Z", "granted"),
        at(
            "2026-03-02T12:00:00Z",
            fact("erp", "cw", "contact.wrong", json!({"contact": "K-1", "told_on": "2026-01-19"})),
        ),
        fact("erp", "cr", "complaint.received", json!({"customer": "C-2", "received_on": "2026-01-19"})),
        fact("erp", "dr", "delivery.reported", json!({"contact": "K-1", "outcome": "bounced"})),
    ]
}

fn at(time: &str, mut fact: Value) -> Value {
    fact["time"] = json!(time);
    fact
}

fn consent(id: &str, time: &str, status: &str) -> Value {
    let data = json!({"contact": "K-1", "channel": "email", "status": status, "changed_on": "2026-01-19"});
    at(time, fact("erp", id, "consent.changed", data))
}

/// A permutation without randomness: every `step`-th fact, then every `step`-th from the next one on.
pub(crate) fn shuffled(facts: &[Value], step: usize) -> Vec<Value> {
    (0..step).flat_map(|first| facts.iter().skip(first).step_by(step).rev().cloned()).collect()
}

/// The digest of a fresh ledger after facts arrived in some way.
pub(crate) async fn after(arrive: impl AsyncFnOnce(&World)) -> Value {
    let world = world::start().await;
    arrive(&world).await;
    let digest = world.digest(&world.acme).await;
    let mut versions: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for event in world.bed.published::<InvoiceChanged>().await {
        versions.entry(event.number).or_default().push(event.version);
    }
    for (number, mut versions) in versions {
        // Between transactions that wait for each other the stream promises no order: readers go by the version (I7).
        versions.sort_unstable();
        let expected: Vec<u64> = (1..).take(versions.len()).collect();
        assert_eq!(versions, expected, "no version of {number} is left out or told twice");
    }
    // What was known at a moment is a beginning of each account's journal (D5).
    let back = "SELECT count(*) FROM (
                    SELECT recorded_at < lag(recorded_at) OVER (PARTITION BY payer_id, currency ORDER BY entry_no) AS goes_back
                    FROM settlement_entries) j WHERE goes_back";
    assert_eq!(world.count(back).await, 0, "nothing is posted before what was posted already");
    world.role.stop().await;
    digest
}

#[tokio::test]
async fn any_order_and_any_batches_end_in_the_same_ledger() {
    let facts = facts();
    let at_once = after(async |world| drop(world.batch(&facts).await)).await;
    let one_by_one = after(async |world| world.tell(&shuffled(&facts, 7)).await).await;
    assert_eq!(at_once, one_by_one);
    let in_pieces_twice = after(async |world| {
        let mut arrivals = shuffled(&facts, 17);
        arrivals.reverse();
        for piece in arrivals.chunks(5).chain(arrivals.chunks(7)) {
            world.batch(piece).await;
        }
    })
    .await;
    assert_eq!(at_once, in_pieces_twice);
    let all_at_the_same_time = after(async |world| {
        let arrivals = shuffled(&facts, 11);
        let answers = join_all(arrivals.chunks(3).chain(arrivals.chunks(4)).map(|piece| world.batch(piece))).await;
        assert!(answers.iter().all(|report| report["quarantined"] == 0), "{answers:?}");
    })
    .await;
    assert_eq!(at_once, all_at_the_same_time);
}

#[tokio::test]
async fn corrections_of_objections_end_alike_in_any_order() {
    let issued = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    let opened = fact(
        "erp",
        "d",
        "dispute.opened",
        json!({"dispute": "D-1", "invoice": "F-1", "reason": "quality", "opened_on": "2026-01-20"}),
    );
    // F-2 has not come.
    let moved = corrected(&opened, 2, json!({"invoice": "F-2"}));
    let promised = fact(
        "erp",
        "p",
        "promise.made",
        json!({"promise": "PP", "customer": "C-1", "invoices": ["F-1"], "amount": "50.00", "currency": "COP", "promised_date": "2026-02-05", "made_on": "2026-01-20"}),
    );
    let withdrawn =
        |id: &str, day: &str| fact("erp", id, "promise.withdrawn", json!({"promise": "PP", "withdrawn_on": day}));
    let facts = [issued, opened, moved, promised, withdrawn("w1", "2026-01-27"), withdrawn("w2", "2026-01-25")];
    let forwards = after(async |world| world.tell(&facts).await).await;
    let mut reversed = facts.clone();
    reversed.reverse();
    assert_eq!(forwards, after(async |world| world.tell(&reversed).await).await);
    assert_eq!(forwards, after(async |world| drop(world.batch(&facts).await)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_words_about_one_new_invoice_at_one_time_leave_the_newer() {
    let world = world::start().await;
    let told: Vec<Value> = (0..40)
        .flat_map(|number| {
            let issued = invoice(&format!("F-{number}"), "C-1", "100.00", "2026-01-01", "2026-02-01");
            let newer = corrected(&issued, 2, json!({"amount": "200.00"}));
            [newer, corrected(&issued, 1, json!({}))]
        })
        .collect();
    for answer in join_all(told.iter().map(|fact| world.post(fact))).await {
        assert!(answer.status.is_success(), "{answer:?}");
    }
    assert_eq!(world.count("SELECT count(*) FROM receivables WHERE amount = 200").await, 40);
    world.role.stop().await;
}
