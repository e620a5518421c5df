//! How invoices stand beside their money: voided, delivered, submitted, accepted, rejected, assigned; and customers' files.

use contracts::ingestion::{CreditChanged, CustomerChanged, InvoiceChanged};
use serde_json::{Value, json};

use crate::world::{self, World, corrected, customer, fact, invoice, payment};

async fn last_invoice(world: &World, number: &str) -> InvoiceChanged {
    let events = world.bed.published::<InvoiceChanged>().await;
    let versions: Vec<u64> = events.iter().filter(|event| event.number == number).map(|event| event.version).collect();
    assert_eq!(versions, (1..).take(versions.len()).collect::<Vec<u64>>(), "versions grow by one");
    events.into_iter().rfind(|event| event.number == number).unwrap()
}

async fn last_credit(world: &World, number: &str) -> [String; 4] {
    let events = world.bed.published::<CreditChanged>().await;
    let last = events.into_iter().rfind(|event| event.number == number && event.kind != "void").unwrap();
    [last.applied, last.on_account, last.waiting, last.held]
}

/// A word about an invoice, told in the hour of its name.
fn said(id: &str, word: &str, hour: u32, data: Value) -> Value {
    let mut told = fact("erp", id, &format!("invoice.{word}"), data);
    told["time"] = json!(format!("2026-03-01T{hour:02}:00:00Z"));
    told
}

fn voided(number: &str, on: &str, hour: u32) -> Value {
    let data = json!({"invoice": number, "voided_on": on, "reason": "error"});
    said(&format!("void {number} {hour}"), "voided", hour, data)
}

#[tokio::test]
async fn what_had_paid_a_voided_invoice_is_free_again() {
    let world = world::start().await;
    let first = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    world
        .tell(&[
            first.clone(),
            invoice("F-2", "C-1", "70.00", "2026-01-02", "2026-02-10"),
            payment("P-1", "C-1", "100.00", "2026-01-20", json!([{"invoice": "F-1"}])),
        ])
        .await;
    assert_eq!(last_invoice(&world, "F-1").await.settled_on, "2026-01-20");
    world.tell(&[voided("F-1", "2026-02-01", 10)]).await;
    let after = last_invoice(&world, "F-1").await;
    let kinds: Vec<_> = after.settlements.iter().map(|part| (&*part.kind, &*part.amount, &*part.value_date)).collect();
    assert_eq!(kinds, [("void", "100.00", "2026-02-01")], "nobody paid it");
    assert_eq!(
        (&*after.status, &*after.voided_on, &*after.settled_on, &*after.open_amount, &*after.expected_net),
        ("settled", "2026-02-01", "2026-02-01", "0.00", "0.00")
    );
    assert_eq!(last_credit(&world, "P-1").await, ["70.00", "30.00", "0.00", "0.00"]);
    assert_eq!(last_invoice(&world, "F-2").await.status, "settled");
    world.digest(&world.acme).await;

    // Telling the invoice again corrects it and does not bring it back.
    world.tell(&[corrected(&first, 2, json!({"amount": "90.00"}))]).await;
    let told_again = last_invoice(&world, "F-1").await;
    assert_eq!((&*told_again.amount, &*told_again.voided_on), ("90.00", "2026-02-01"));
    world.digest(&world.acme).await;

    let back = json!({"invoice": "F-1", "reinstated_on": "2026-02-05"});
    world.tell(&[said("back", "reinstated", 11, back)]).await;
    let back = last_invoice(&world, "F-1").await;
    assert_eq!((&*back.status, &*back.voided_on, &*back.settlements[0].kind), ("settled", "", "cash"));
    assert_eq!(last_credit(&world, "P-1").await, ["100.00", "0.00", "0.00", "0.00"]);
    assert_eq!(
        world.post(&voided("F-1", "2026-02-07", 9)).await.body["status"],
        "stale",
        "older than the reinstatement"
    );
    let journal = world.count("SELECT count(*) FROM settlement_entries WHERE kind = 'void'").await;
    assert_eq!(journal, 3, "100 applied, 10 of it reversed by the correction, 90 taken back: nothing is deleted");
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn words_about_an_invoice_wait_for_it_and_end_alike_in_any_order() {
    let issued = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    let other = invoice("F-2", "C-1", "60.00", "2026-01-03", "2026-02-28");
    let facts = [
        issued.clone(),
        other,
        corrected(&issued, 2, json!({"amount": "80.00", "payer": "HOLDING"})),
        payment("P-1", "C-1", "100.00", "2026-01-20", json!([{"invoice": "F-1"}])),
        payment("P-2", "HOLDING", "50.00", "2026-01-22", json!([])),
        voided("F-1", "2026-02-01", 10),
        said("b", "reinstated", 11, json!({"invoice": "F-1", "reinstated_on": "2026-02-02"})),
        voided("F-1", "2026-02-03", 12),
        voided("F-2", "2026-02-03", 12),
        said("b2", "reinstated", 13, json!({"invoice": "F-2", "reinstated_on": "2026-02-04"})),
        said("s", "submitted", 10, json!({"invoice": "F-2", "submitted_on": "2026-01-04", "portal": "ARIBA"})),
        said("r", "rejected", 11, json!({"invoice": "F-2", "rejected_on": "2026-01-05", "reason": "wrong_data"})),
        said("s2", "submitted", 12, json!({"invoice": "F-2", "submitted_on": "2026-01-06"})),
        said("d", "delivered", 10, json!({"invoice": "F-2", "delivered_on": "2026-01-15", "channel": "post"})),
        said("a", "assigned", 10, json!({"invoice": "F-2", "assigned_on": "2026-01-07", "factor": "SUR"})),
    ];
    let after = async |facts: &[Value], at_once: bool| {
        let world = world::start().await;
        if at_once {
            world.batch(facts).await;
        } else {
            world.tell(facts).await;
        }
        let parked = world.get("/v1/parked").await.body;
        let words = parked["parked"].as_array().unwrap().iter().filter(|row| row["what"] != "customer");
        // The payment goes with its invoice to another payer.
        assert_eq!(words.count(), 0, "{parked}");
        let digest = world.digest(&world.acme).await;
        world.role.stop().await;
        digest
    };
    let forwards = after(&facts, false).await;
    let mut reversed = facts.to_vec();
    reversed.reverse();
    assert_eq!(forwards, after(&reversed, false).await);
    assert_eq!(forwards, after(&facts, true).await);
    let shuffled: Vec<Value> = (0..4).flat_map(|first| facts.iter().skip(first).step_by(4).rev().cloned()).collect();
    let twice: Vec<Value> = shuffled.iter().chain(&facts).cloned().collect();
    assert_eq!(forwards, after(&twice, false).await);
}

#[tokio::test]
async fn an_invoice_says_where_it_is_with_its_buyer() {
    let world = world::start().await;
    let early = said("d", "delivered", 10, json!({"invoice": "F-1", "delivered_on": "2026-01-12", "channel": "email"}));
    assert_eq!(world.post(&early).await.body["parked"], json!(["invoice F-1"]));
    let parked = world.get("/v1/parked").await.body;
    assert_eq!(
        parked["parked"][0],
        json!({"what": "delivered", "code": "F-1", "waits_for": "invoice F-1"}),
        "{parked}"
    );
    let issued = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    world.tell(std::slice::from_ref(&issued)).await;
    let last = last_invoice(&world, "F-1").await;
    assert_eq!((&*last.delivered_date, &*last.delivery_channel, last.delivery_delay_days), ("2026-01-12", "email", 11));
    // The invoice's own word gives way to the delivery's.
    world.tell(&[corrected(&issued, 2, json!({"delivered_date": "2026-01-01"}))]).await;
    assert_eq!(last_invoice(&world, "F-1").await.delivered_date, "2026-01-12");

    let steps = [
        (said("s", "submitted", 11, json!({"invoice": "F-1", "submitted_on": "2026-01-13"})), "submitted", ""),
        (
            said(
                "r",
                "rejected",
                12,
                json!({"invoice": "F-1", "rejected_on": "2026-01-14", "reason": "missing_document",
                 "note": "la señora Canario pide la orden de compra"}),
            ),
            "rejected",
            "missing_document",
        ),
        (said("s2", "submitted", 13, json!({"invoice": "F-1", "submitted_on": "2026-01-15"})), "submitted", ""),
        (said("a", "accepted", 14, json!({"invoice": "F-1", "accepted_on": "2026-01-16"})), "accepted", ""),
    ];
    for (word, acceptance, reason) in steps {
        world.tell(&[word]).await;
        let last = last_invoice(&world, "F-1").await;
        assert_eq!((&*last.acceptance, &*last.rejection_reason), (acceptance, reason));
    }
    let notes = world.count("SELECT count(*) FROM facts WHERE data::text LIKE '%Canario%'").await;
    assert_eq!(notes, 0, "a note may name persons: it is kept where it can be erased");
    let assigned = json!({"invoice": "F-1", "assigned_on": "2026-01-20", "factor": "SUR"});
    world.tell(&[said("f", "assigned", 15, assigned)]).await;
    let last = last_invoice(&world, "F-1").await;
    assert_eq!((&*last.factor, &*last.payee, &*last.assigned_on), ("SUR", "SUR", "2026-01-20"));
    assert_eq!(last.open_amount, "100.00", "the exposure stays on the books until the factor's money comes");
    let back = json!({"invoice": "F-1", "reassigned_on": "2026-01-25"});
    world.tell(&[said("g", "reassigned_back", 16, back)]).await;
    assert_eq!(last_invoice(&world, "F-1").await.factor, "");
    world.role.stop().await;
}

#[tokio::test]
async fn a_debit_note_is_a_receivable_of_its_own() {
    let world = world::start().await;
    let note = json!({"debit_note": "ND-1", "invoice": "F-1", "customer": "C-1", "amount": "12.50", "currency": "COP",
                      "issue_date": "2026-02-01", "due_date": "2026-03-03"});
    world
        .tell(&[
            fact("erp", "n", "debit_note.issued", note),
            invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31"),
            payment("P-1", "C-1", "112.50", "2026-02-10", json!([{"invoice": "ND-1"}, {"invoice": "F-1"}])),
        ])
        .await;
    let (note, invoice) = (last_invoice(&world, "ND-1").await, last_invoice(&world, "F-1").await);
    assert_eq!((&*note.document, &note.corrects_invoice_id), ("debit_note", &invoice.invoice_id));
    assert_eq!((&*invoice.document, &*invoice.corrects_invoice_id), ("invoice", ""));
    assert_eq!((&*note.status, &*invoice.status), ("settled", "settled"));
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn a_customer_s_file_is_kept_and_carried() {
    let world = world::start().await;
    let mut told = customer("C-1", "Tienda Uno S.A.");
    let file = json!({"credit_limit": "5000000.00", "credit_limit_currency": "COP", "rating": "BB+", "tax_id": "900123456-7",
        "group": "G-1", "preferred_channel": "whatsapp", "requires_submission": true,
        "calendar": {"payment_weekdays": ["fri", "mon", "fri"], "payment_days": [30, 15],
                     "reception_weekdays": ["tue"], "reception_cut_off": "16:30"}});
    for (name, value) in file.as_object().unwrap() {
        told["data"][name] = value.clone();
    }
    world.tell(std::slice::from_ref(&told)).await;
    let last = world.bed.published::<CustomerChanged>().await.pop().unwrap();
    assert_eq!((&*last.credit_limit, &*last.credit_limit_currency, &*last.rating), ("5000000.00", "COP", "BB+"));
    assert_eq!((&*last.tax_id, &*last.group_code, &*last.preferred_channel), ("900123456-7", "G-1", "whatsapp"));
    let calendar = last.calendar.unwrap();
    assert!(last.requires_submission);
    assert_eq!((calendar.payment_weekdays, calendar.payment_days), (vec!["mon".into(), "fri".into()], vec![15, 30]));
    assert_eq!((calendar.reception_weekdays, &*calendar.reception_cut_off), (vec!["tue".into()], "16:30"));

    let person = json!({"party_kind": "natural_person", "tax_id": "52.123.987"});
    world.tell(&[corrected(&told, 2, person)]).await;
    assert_eq!(world.bed.published::<CustomerChanged>().await.pop().unwrap().tax_id, "");
    assert_eq!(world.count("SELECT count(*) FROM facts WHERE data::text LIKE '%52.123.987%'").await, 0);

    let wrong = [
        (json!({"credit_limit_currency": null}), "#/data/credit_limit_currency"),
        (json!({"credit_limit": "-1"}), "#/data/credit_limit"),
        (json!({"preferred_channel": "fax"}), "#/data/preferred_channel"),
        (json!({"calendar": {"payment_days": [0]}}), "#/data/calendar/payment_days/0"),
        (json!({"calendar": {"payment_days": [32]}}), "#/data/calendar/payment_days/0"),
        (json!({"calendar": {"payment_weekdays": ["viernes"]}}), "#/data/calendar/payment_weekdays/0"),
        (json!({"calendar": {"reception_cut_off": "24:00"}}), "#/data/calendar/reception_cut_off"),
        (json!({"calendar": {"closed": "august"}}), "#/data/calendar/closed"),
    ];
    for (data, pointer) in wrong {
        let answer = world.post(&corrected(&told, 9, data.clone())).await;
        assert_eq!((answer.status.is_client_error(), answer.pointer()), (true, pointer), "{data} {answer:?}");
    }
    world.role.stop().await;
}
