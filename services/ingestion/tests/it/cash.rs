use contracts::ingestion::{CreditChanged, InvoiceChanged};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::world::{self, World, customer, fact, invoice};

/// A payment as a bank tells it.
pub(crate) fn paid(number: &str, amount: &str, clues: Value) -> Value {
    let data =
        json!({"payment": number, "amount": amount, "currency": "COP", "value_date": "2026-02-10", "clues": clues});
    fact("bank", &format!("payment {number}"), "payment.received", data)
}

pub(crate) async fn open_amount(world: &World, number: &str) -> String {
    let events = world.bed.published::<InvoiceChanged>().await;
    events.into_iter().rfind(|event| event.number == number).unwrap().open_amount
}

pub(crate) async fn waiting(world: &World) -> Vec<Value> {
    world.get("/v1/unapplied").await.body["unidentified"].as_array().unwrap().clone()
}

/// Three customers with open invoices.
pub(crate) async fn with_debts() -> World {
    let world = world::start().await;
    world
        .tell(&[
            customer("C-1", "Comercial Andina S.A.S."),
            customer("C-2", "Textiles del Sur"),
            invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31"),
            invoice("F-2", "C-1", "40.00", "2026-01-02", "2026-02-15"),
            invoice("F-3", "C-2", "75.00", "2026-01-03", "2026-02-20"),
        ])
        .await;
    world
}

#[tokio::test]
async fn a_reference_tells_the_payer_and_its_account_is_remembered() {
    let world = with_debts().await;
    let first = world.post(&paid("P-1", "40.00", json!({"account": "CO71", "text": "PAGO F-2."}))).await;
    assert_eq!((first.status, &first.body["parked"]), (StatusCode::CREATED, &json!(["payer"])), "{first:?}");
    assert_eq!(open_amount(&world, "F-2").await, "0.00");
    assert!(waiting(&world).await.is_empty());

    // Nothing but the account, and an amount that one invoice has.
    world.tell(&[paid("P-2", "100.00", json!({"account": "CO71"}))]).await;
    assert_eq!(open_amount(&world, "F-1").await, "0.00");
    let credits = world.bed.published::<CreditChanged>().await;
    let last = credits.into_iter().rfind(|credit| credit.number == "P-2").unwrap();
    assert_eq!((&*last.applied, &*last.on_account), ("100.00", "0.00"));
    // The bank told two facts; whose they are it did not say.
    let watermark = world.get("/v1/feeds/bank/watermark?from=2026-01-01&through=2026-12-31").await.body;
    assert_eq!(watermark["facts"], 2, "{watermark}");
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn what_no_rule_is_certain_of_is_suggested_and_a_person_decides() {
    let world = with_debts().await;
    let clues = json!({"account": "CO99", "name": "TEXTILES DEL SUR"});
    world.tell(&[paid("P-1", "70.00", clues.clone()), paid("P-2", "1.00", json!({}))]).await;
    let open = waiting(&world).await;
    assert_eq!(open.len(), 2);
    assert_eq!((&open[0]["payment"], &open[0]["clues"]), (&json!("P-1"), &clues));
    let reason = "the name is the payer's; no open invoice has this amount";
    let suggested = json!([{"payer": "C-2", "rule": "name", "confidence": "0.70", "reason": reason, "invoices": []}]);
    assert_eq!(open[0]["suggestions"], suggested);
    assert_eq!(open_amount(&world, "F-3").await, "75.00", "nothing is applied on a suspicion");
    // The name is the payer's, so it is kept where it can be erased.
    assert_eq!(world.count("SELECT count(*) FROM facts WHERE data::text LIKE '%TEXTILES%'").await, 0);

    let decide = |payer: &str, invoices: Value| json!({"source": "bank", "payment": "P-1", "payer": payer, "currency": "COP", "invoices": invoices});
    let too_much = world.act("/v1/allocations", decide("C-2", json!([{"invoice": "F-3", "amount": "71.00"}]))).await;
    assert_eq!(too_much.slug(), "parts-exceed-amount", "{too_much:?}");
    let decided = world.act("/v1/allocations", decide("C-2", json!([{"invoice": "F-3"}]))).await;
    assert_eq!(decided.status, StatusCode::CREATED, "{decided:?}");
    assert_eq!(open_amount(&world, "F-3").await, "5.00");
    let agreed = json!([{"rule": "name", "confidence": "0.70", "decided": 1, "agreed": 1}]);
    assert_eq!(world.get("/v1/cash-rules").await.body["outcomes"], agreed);

    // A second look: it was another customer's.
    let corrected = world.act("/v1/allocations", decide("C-1", json!([{"invoice": "F-1", "amount": "70.00"}]))).await;
    assert_eq!(corrected.status, StatusCode::CREATED, "{corrected:?}");
    assert_eq!((open_amount(&world, "F-3").await, open_amount(&world, "F-1").await), ("75.00".into(), "30.00".into()));
    assert_eq!(world.count("SELECT count(*) FROM settlement_entries WHERE entry = 'reverse'").await, 1);
    let unknown = json!({"source": "bank", "payment": "P-9", "payer": "C-1", "currency": "COP"});
    assert_eq!(world.act("/v1/allocations", unknown).await.slug(), "unknown-payment");
    assert_eq!(waiting(&world).await.len(), 1);
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn a_payment_before_its_invoice_is_found_when_the_invoice_comes() {
    let world = with_debts().await;
    world.tell(&[paid("P-1", "60.00", json!({"references": ["F-9"]}))]).await;
    assert_eq!(waiting(&world).await.len(), 1);
    world.tell(&[invoice("F-9", "C-2", "60.00", "2026-02-01", "2026-03-01")]).await;
    assert_eq!(waiting(&world).await.len(), 0);
    assert_eq!(open_amount(&world, "F-9").await, "0.00");
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn a_payment_that_bounced_leaves_its_invoice_open() {
    let world = with_debts().await;
    let bounced = |id: &str, data: Value| fact("bank", id, "payment.reversed", data);
    world.tell(&[paid("P-1", "100.00", json!({"text": "F-1"}))]).await;
    assert_eq!(open_amount(&world, "F-1").await, "0.00");
    let part =
        json!({"payment": "P-1", "reversal": "R-1", "amount": "30.00", "currency": "COP", "reversed_on": "2026-02-12"});
    world.tell(&[bounced("reversal 1", part.clone())]).await;
    assert_eq!(open_amount(&world, "F-1").await, "30.00");
    // By another id it is the same reversal.
    world.tell(&[bounced("reversal 1 again", part)]).await;
    assert_eq!(open_amount(&world, "F-1").await, "30.00");
    world
        .tell(&[bounced("reversal 2", json!({"payment": "P-1", "reversal": "R-2", "reversed_on": "2026-02-13"}))])
        .await;
    assert_eq!(open_amount(&world, "F-1").await, "100.00");
    let credits = world.bed.published::<CreditChanged>().await;
    assert_eq!(credits.into_iter().rfind(|credit| credit.number == "P-1").unwrap().amount, "0.00");

    // Before the payment is known, and before its payer is.
    let early = world.post(&bounced("reversal 3", json!({"payment": "P-3", "reversed_on": "2026-02-13"}))).await;
    assert_eq!(early.body["parked"], json!(["payment P-3"]), "{early:?}");
    world.tell(&[paid("P-3", "75.00", json!({"text": "F-3"})), paid("P-4", "5.00", json!({}))]).await;
    assert_eq!(open_amount(&world, "F-3").await, "75.00");
    world.tell(&[bounced("reversal 4", json!({"payment": "P-4", "reversed_on": "2026-02-13"}))]).await;
    assert!(waiting(&world).await.is_empty(), "nobody is asked whose it was");
    let which = world.post(&bounced("reversal 5", json!({"reversed_on": "2026-02-13"}))).await;
    assert_eq!((which.slug(), which.pointer()), ("missing-member", "#/data/payment"), "{which:?}");
    world.digest(&world.acme).await;
    world.role.stop().await;
}

async fn choose(world: &World, rules: Value) -> world::Answer {
    let request = world.http.put(format!("{}/v1/cash-rules", world.bed.base_url())).bearer_auth(&world.acme.key);
    world::answer(request.body(json!({ "rules": rules }).to_string())).await
}

/// Kind and amount of each settlement of an invoice, and what is asked for of it.
async fn settled(world: &World, number: &str) -> (Vec<(String, String)>, String) {
    let events = world.bed.published::<InvoiceChanged>().await;
    let last = events.into_iter().rfind(|event| event.number == number).unwrap();
    let mut settlements: Vec<_> = last.settlements.into_iter().map(|part| (part.kind, part.amount)).collect();
    settlements.sort();
    (settlements, last.expected_net)
}

fn pays(number: &str, invoice: &str, amount: &str) -> Value {
    world::payment(number, "C-1", amount, "2026-02-10", json!([{"invoice": invoice, "amount": amount}]))
}

#[tokio::test]
async fn a_tenant_chooses_its_rules_and_every_version_is_kept() {
    let world = with_debts().await;
    let ours = world.get("/v1/cash-rules").await.body;
    assert_eq!((&ours["version"], &ours["rules"][0]), (&json!(0), &json!({"rule": "remittance"})));
    // The account is known, and no invoice has the amount: Puntual's rules would pay the oldest.
    world.tell(&[paid("P-1", "40.00", json!({"account": "CO71", "text": "PAGO F-2."}))]).await;
    let chosen = choose(&world, json!([{"rule": "account"}, {"rule": "amount", "up_to": "2"}])).await;
    assert_eq!((chosen.status, &chosen.body["version"]), (StatusCode::OK, &json!(1)), "{chosen:?}");
    world.tell(&[paid("P-2", "70.00", json!({"account": "CO71", "text": "F-1"}))]).await;
    let open = waiting(&world).await;
    assert_eq!(
        (&open[0]["nearest_rule"], &open[0]["suggestions"][0]["confidence"]),
        (&json!("account"), &json!("0.90"))
    );
    assert!(open[0]["age_days"].as_i64().unwrap() > 0);
    assert_eq!(choose(&world, json!([{"rule": "account"}, {"rule": "amount", "up_to": "2"}])).await.body["version"], 1);

    // With a text that counts, what waited is applied at once.
    let second = choose(&world, json!([{"rule": "reference"}, {"rule": "account"}])).await;
    assert_eq!(second.body["version"], 2);
    assert!(waiting(&world).await.is_empty());
    assert_eq!(open_amount(&world, "F-1").await, "30.00");
    assert_eq!(world.get("/v1/cash-rules?version=1").await.body["rules"][1]["up_to"], "2");
    assert_eq!(world.get("/v1/cash-rules?version=3").await.status, StatusCode::NOT_FOUND);
    let wrong = choose(&world, json!([{"rule": "luck"}])).await;
    assert_eq!((wrong.slug(), wrong.pointer()), ("unknown-value", "#/rules/0/rule"), "{wrong:?}");
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn a_few_invoices_make_up_an_amount_and_an_amount_alone_is_suggested() {
    let world = with_debts().await;
    choose(&world, json!([{"rule": "name"}, {"rule": "amount", "up_to": "3"}])).await;
    world.tell(&[paid("P-1", "140.00", json!({"name": "COMERCIAL ANDINA SAS"}))]).await;
    assert_eq!((open_amount(&world, "F-1").await, open_amount(&world, "F-2").await), ("0.00".into(), "0.00".into()));
    world.tell(&[paid("P-2", "75.00", json!({}))]).await;
    let open = waiting(&world).await;
    let suggested = &open[0]["suggestions"][0];
    assert_eq!(
        (&suggested["rule"], &suggested["payer"], &suggested["confidence"]),
        (&json!("amount"), &json!("C-2"), &json!("0.40"))
    );
    assert_eq!(open_amount(&world, "F-3").await, "75.00", "nothing is applied on an amount");
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn what_is_too_little_to_ask_for_is_settled_as_what_it_is() {
    let world = with_debts().await;
    let limits = json!([{"currency": "COP", "amount": "1.00"}]);
    choose(&world, json!([{"rule": "tolerance", "as": "bank_charge", "limits": limits, "per_cent": "1"}])).await;
    world.tell(&[pays("P-1", "F-1", "99.20"), pays("P-2", "F-2", "39.50")]).await;
    let (settlements, asked) = settled(&world, "F-1").await;
    assert_eq!(settlements, [("bank_charge".into(), "0.80".into()), ("cash".into(), "99.20".to_owned())]);
    assert_eq!(asked, "0.00");
    assert_eq!(open_amount(&world, "F-2").await, "0.50", "more than one per cent");

    // What was a difference of a payment that bounced is none.
    world
        .tell(&[fact("bank", "reversal", "payment.reversed", json!({"payment": "P-1", "reversed_on": "2026-02-13"}))])
        .await;
    assert_eq!(open_amount(&world, "F-1").await, "100.00");
    world.tell(&[pays("P-3", "F-1", "99.60")]).await;
    assert_eq!(settled(&world, "F-1").await.0[0], ("bank_charge".into(), "0.40".into()));
    // No source has told of the settlements.
    let watermark = world.get("/v1/feeds/bank/watermark?from=2026-01-01&through=2026-12-31").await.body;
    assert_eq!(watermark["facts"], 4, "{watermark}");
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn withheld_tax_is_a_missing_certificate_and_not_a_debt() {
    let world = with_debts().await;
    let rule = json!({"rule": "withholding", "countries": ["CO"], "usual_rates": true});
    choose(&world, json!([rule, {"rule": "tolerance", "per_cent": "10"}])).await;
    let announced = world::corrected(
        &invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31"),
        2,
        json!({"expected_withholding": "7.00"}),
    );
    world.tell(&[announced, invoice("F-4", "C-1", "1190000.00", "2026-01-04", "2026-02-20")]).await;
    // Two and a half per cent of the net, and fifteen per cent of the tax.
    world.tell(&[pays("P-1", "F-1", "93.00"), pays("P-4", "F-4", "1136500.00")]).await;
    for (number, open) in [("F-1", "7.00"), ("F-4", "53500.00")] {
        assert_eq!((open_amount(&world, number).await, settled(&world, number).await.1), (open.into(), "0.00".into()));
    }
    let missing = world.get("/v1/missing-certificates").await.body["certificates"].clone();
    assert_eq!((&missing[0]["invoice"], &missing[0]["amount"]), (&json!("F-1"), &json!("7.00")), "{missing}");
    assert!(missing[1]["regime"].as_str().unwrap().contains("ReteIVA"), "{missing}");
    let data = json!({"withholding": "W-4", "payer": "C-1", "invoice": "F-4", "amount": "53500.00", "currency": "COP",
        "value_date": "2026-02-28", "certificate": "CERT-1"});
    world.tell(&[fact("erp", "w", "withholding.recorded", data)]).await;
    assert_eq!(open_amount(&world, "F-4").await, "0.00");
    assert_eq!(world.get("/v1/missing-certificates").await.body["certificates"].as_array().unwrap().len(), 1);
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn what_is_expected_to_be_withheld_ends_alike_in_any_order() {
    let expected = |id: &str, version: u64, amount: &str| {
        let mut fact =
            fact("erp", id, "withholding.expected", json!({"invoice": "F-1", "currency": "COP", "amount": amount}));
        fact["source_version"] = json!(version);
        fact
    };
    let issued = invoice("F-1", "C-1", "100.00", "2026-01-01", "2026-01-31");
    let again = world::corrected(&issued, 2, json!({"expected_withholding": "1.00"}));
    let facts = [expected("e1", 1, "9.00"), issued, again, expected("e2", 2, "4.00"), expected("e1", 1, "9.00")];
    let mut asked = Vec::new();
    for order in [[0, 1, 2, 3, 4], [3, 2, 1, 0, 4], [1, 3, 0, 2, 4], [4, 2, 3, 1, 0]] {
        let world = world::start().await;
        world.tell(&order.map(|at| facts[at].clone())).await;
        asked.push((settled(&world, "F-1").await.1, world.digest(&world.acme).await));
        world.role.stop().await;
    }
    assert_eq!(asked[0].0, "96.00");
    asked.dedup();
    assert_eq!(asked.len(), 1, "{asked:?}");
}

#[tokio::test]
async fn a_deduction_with_a_reason_is_disputed() {
    let world = with_debts().await;
    choose(&world, json!([{"rule": "deduction", "reasons": [{"told": "AVERIA", "means": "quality"}]}])).await;
    let part = json!([{"invoice": "F-1", "amount": "90.00", "deduction": "10.00", "reason": "AVERIA"}]);
    world.tell(&[world::payment("P-1", "C-1", "90.00", "2026-02-10", part)]).await;
    let events = world.bed.published::<InvoiceChanged>().await;
    let last = events.into_iter().rfind(|event| event.number == "F-1").unwrap();
    assert_eq!((&*last.open_amount, &*last.disputed_amount), ("10.00", "10.00"));
    let dispute = world.bed.published::<contracts::ingestion::DisputeChanged>().await.pop().unwrap();
    assert_eq!((&*dispute.reason, &*dispute.amount), ("quality", "10.00"));
    let part = json!([{"invoice": "F-2", "amount": "30.00", "reason": "AVERIA"}]);
    let wrong = world.post(&world::payment("P-2", "C-1", "30.00", "2026-02-10", part)).await;
    assert_eq!((wrong.slug(), wrong.pointer()), ("missing-member", "#/data/remittance/0/deduction"), "{wrong:?}");
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn a_refused_decision_is_remembered_until_something_changes() {
    let world = with_debts().await;
    // A number that no other word about the payment can outrank: the rule's comes too late.
    let mut first = paid("P-1", "40.00", json!({"text": "F-2"}));
    first["source_version"] = json!("99999999999999999999");
    world.tell(&[first]).await;
    let refused = waiting(&world).await;
    assert_eq!(refused[0]["refusal"]["code"], "stale", "{refused:?}");
    let told = "SELECT count(*) FROM facts WHERE fact_type = 'payment.allocated'";
    let once = world.count(told).await;
    world.tell(&[customer("C-9", "Nueve"), invoice("F-9", "C-9", "5.00", "2026-01-01", "2026-02-01")]).await;
    assert_eq!(world.count(told).await, once, "nothing that bears on it has changed");
    assert_eq!(waiting(&world).await[0]["refusal"]["code"], "stale", "it was not decided again");
    assert_eq!(world.count("SELECT count(*) FROM quarantine").await, 0);
    world.tell(&[pays("P-2", "F-2", "10.00")]).await;
    assert_eq!(world.count(told).await, once + 1, "less of the invoice is open");
    world.digest(&world.acme).await;
    world.role.stop().await;
}
