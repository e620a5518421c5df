//! Invoices that are paid in another currency than their own.

use contracts::ingestion::{CreditChanged, InvoiceChanged};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::cash::{open_amount, paid, waiting};
use crate::confluence::{after, shuffled};
use crate::world::{self, Answer, World, corrected, customer, fact, invoice, payment};

async fn choose(world: &World, rules: Value) -> Answer {
    let url = format!("{}/v1/cash-rules", world.bed.base_url());
    let body = json!({"rules": rules}).to_string();
    world::answer(world.http.put(url).bearer_auth(&world.acme.key).body(body)).await
}

/// Pesos for dollars at published rates, pesos for euros as the payment says.
fn agreed() -> Value {
    json!([{"rule": "exchange", "pairs": [
        {"paid": "COP", "owed": "USD", "rates": "TRM", "per_cent": "1", "limit": "5.00"}, {"paid": "COP", "owed": "EUR"},
    ]}])
}

async fn start() -> World {
    let world = world::start().await;
    assert!(choose(&world, agreed()).await.status.is_success());
    world.tell(&[customer("C-1", "Uno"), customer("C-2", "Dos")]).await;
    world
}

fn owed(number: &str, payer: &str, amount: &str, currency: &str) -> Value {
    let mut invoice = invoice(number, payer, amount, "2026-01-01", "2026-01-31");
    invoice["data"]["currency"] = json!(currency);
    invoice
}

fn trm(rate: &str, day: &str) -> Value {
    let data = json!({"rates": "TRM", "base": "USD", "quote": "COP", "rate": rate, "rate_date": day});
    fact("bank", &format!("trm {day}"), "fx_rate.published", data)
}

fn part(invoice: &str, amount: &str) -> Value {
    json!({"invoice": invoice, "amount": amount})
}

fn settling(invoice: &str, amount: &str, currency: &str, settled: &str) -> Value {
    json!({"invoice": invoice, "amount": amount, "settles": {"currency": currency, "amount": settled}})
}

/// Number, currency, amount, what was applied and what waits, of every credit as it is now.
async fn credits(world: &World) -> Vec<(String, String, String, String, String)> {
    let events = world.bed.published::<CreditChanged>().await;
    let newest: std::collections::BTreeMap<String, CreditChanged> =
        events.into_iter().map(|event| (event.credit_id.clone(), event)).collect();
    let mut credits: Vec<_> = newest
        .into_values()
        .map(|credit| (credit.number, credit.currency, credit.amount, credit.applied, credit.waiting))
        .collect();
    credits.sort();
    credits
}

fn credit(of: [&str; 5]) -> (String, String, String, String, String) {
    let [number, currency, amount, applied, waiting] = of.map(str::to_owned);
    (number, currency, amount, applied, waiting)
}

/// What differs between what is stored and what the facts fold to.
async fn proof(world: &World) -> Vec<String> {
    world.digest(&world.acme).await;
    ingestion::operator::proof::recomputation(&world.bed.worker()).await.unwrap().found
}

#[tokio::test]
async fn an_invoice_in_dollars_is_paid_in_pesos_at_the_published_rate() {
    let world = start().await;
    world.tell(&[owed("F-1", "C-1", "1000.00", "USD"), trm("4000", "2026-02-10")]).await;
    world.tell(&[payment("P-1", "C-1", "4100000.00", "2026-02-10", json!([part("F-1", "2000000.00")]))]).await;
    assert_eq!(open_amount(&world, "F-1").await, "500.00");
    // Both amounts are kept, each in its currency, and what no part names stays in pesos.
    let expected =
        [credit(["P-1", "COP", "2100000.00", "0.00", "0.00"]), credit(["P-1", "USD", "500.00", "500.00", "0.00"])];
    assert_eq!(credits(&world).await, expected);
    let laws = world.get("/v1/ledger/conservation").await.body["rows"].clone();
    let m5 = laws.as_array().unwrap().iter().find(|row| row["law"] == "M5").unwrap();
    assert_eq!((&m5["currency"], &m5["total"], &m5["broken"]), (&json!("USD"), &json!("500.00"), &json!(0)));
    let shown = world.get("/v1/exchanges").await.body;
    let exchange = json!({
        "legal_entity": "main", "payment": "P-1", "source": "bank", "value_date": "2026-02-10", "payer": "C-1", "invoice": "F-1",
        "paid_currency": "COP", "paid": "2000000.00", "currency": "USD", "amount": "500.00", "rates": "TRM",
        "rate_date": "2026-02-10", "times": "1", "over": "4000", "rules": 1,
    });
    assert_eq!(shown, json!([exchange]));

    // The bank takes half of it back: first what no part names.
    let reversal = json!({"payment": "P-1", "reversal": "R-1", "amount": "3100000.00", "currency": "COP", "reversed_on": "2026-02-12"});
    world.tell(&[fact("bank", "reversal 1", "payment.reversed", reversal)]).await;
    assert_eq!(open_amount(&world, "F-1").await, "750.00");
    assert_eq!(proof(&world).await, Vec::<String>::new());
    world.role.stop().await;
}

#[tokio::test]
async fn what_the_rates_leave_of_an_invoice_is_an_fx_difference_while_it_closes_it() {
    let world = start().await;
    world.tell(&[owed("F-1", "C-1", "1000.00", "USD"), trm("4012.35", "2026-02-10")]).await;
    world.tell(&[payment("P-1", "C-1", "4000000.00", "2026-02-10", json!([part("F-1", "4000000.00")]))]).await;
    let settled = world.bed.published::<InvoiceChanged>().await.pop().unwrap();
    let mut kinds: Vec<_> = settled.settlements.iter().map(|settled| (&*settled.kind, &*settled.amount)).collect();
    kinds.sort_unstable();
    assert_eq!((&*settled.status, kinds), ("settled", vec![("cash", "996.92"), ("fx_difference", "3.08")]));
    let by_rules = "SELECT count(*) FROM facts WHERE data ->> 'kind' = 'fx_difference' AND approval = 'cash rules 1'";
    assert_eq!(world.count(by_rules).await, 1);

    // The payment bounces: what it left open is no difference any more.
    let bounced = json!({"payment": "P-1", "reversal": "R-1", "reversed_on": "2026-02-12"});
    world.tell(&[fact("bank", "reversal 1", "payment.reversed", bounced)]).await;
    assert_eq!(open_amount(&world, "F-1").await, "1000.00");

    // More than was agreed is asked for.
    world.tell(&[owed("F-2", "C-1", "1000.00", "USD")]).await;
    world.tell(&[payment("P-2", "C-1", "3980000.00", "2026-02-10", json!([{"invoice": "F-2"}]))]).await;
    assert_eq!(open_amount(&world, "F-2").await, "8.06");
    assert_eq!(proof(&world).await, Vec::<String>::new());
    world.role.stop().await;
}

#[tokio::test]
async fn a_payment_says_itself_what_it_settles_where_this_was_agreed() {
    let world = start().await;
    world.tell(&[owed("F-1", "C-2", "100.00", "EUR")]).await;
    // Another customer's, too.
    let told = settling("F-1", "430000.00", "EUR", "99.99");
    world.tell(&[payment("P-1", "C-1", "430000.00", "2026-02-10", json!([told]))]).await;
    assert_eq!(open_amount(&world, "F-1").await, "0.01");
    let silent = world.post(&payment("P-2", "C-1", "1.00", "2026-02-10", json!([part("F-1", "1.00")]))).await;
    assert_eq!(silent.slug(), "currency-mismatch", "{silent:?}");
    let other = settling("F-1", "4300.00", "USD", "1.00");
    assert_eq!(
        world.post(&payment("P-3", "C-1", "4300.00", "2026-02-10", json!([other]))).await.slug(),
        "currency-mismatch"
    );
    for (settles, code, pointer) in [
        (json!({"currency": "EUR", "amount": "1.00", "rate": "4400"}), "rate-mismatch", "/rate"),
        (json!({"currency": "EUR", "amount": "0.00"}), "amount-zero", "/amount"),
        (json!({"currency": "COP", "amount": "1.00"}), "currency-mismatch", "/currency"),
        (json!({"currency": "EUR", "amount": "1.00", "rate": "-1"}), "rate", "/rate"),
        (json!({"currency": "EUR", "amount": "1.00", "date": "2026-01-01"}), "unknown-field", "/date"),
    ] {
        let mut named = part("F-1", "4300.00");
        named["settles"] = settles;
        let answer = world.post(&payment("P-4", "C-1", "4300.00", "2026-02-10", json!([named]))).await;
        let wrong = (answer.body["errors"][0]["code"].as_str().unwrap(), answer.pointer());
        assert_eq!(wrong, (code, &*format!("#/data/remittance/0/settles{pointer}")), "{answer:?}");
    }
    let note = json!({"credit_note": "N-1", "customer": "C-1", "currency": "COP", "amount": "4300.00",
        "issue_date": "2026-02-10", "invoices": [settling("F-1", "4300.00", "EUR", "1.00")]});
    let answer = world.post(&fact("erp", "note", "credit_note.issued", note)).await;
    assert_eq!(answer.pointer(), "#/data/invoices/0/settles", "only payments are exchanged: {answer:?}");
    assert_eq!(proof(&world).await, Vec::<String>::new());
    world.role.stop().await;
}

#[tokio::test]
async fn without_a_rule_nothing_is_exchanged() {
    let world = world::start().await;
    world.tell(&[owed("F-1", "C-1", "1000.00", "USD"), trm("4000", "2026-02-10")]).await;
    let paid = payment("P-1", "C-1", "4000000.00", "2026-02-10", json!([part("F-1", "4000000.00")]));
    let report = world.batch(&[paid]).await;
    assert_eq!((&report["quarantined"], &report["problems"][0]["code"]), (&json!(1), &json!("currency-mismatch")));
    // Once there is one, the line that waits goes in.
    assert!(choose(&world, agreed()).await.status.is_success());
    let waiting = report["problems"][0]["quarantine_id"].as_str().unwrap().to_owned();
    let again = world.act(&format!("/v1/quarantine/{waiting}/redrive"), json!({})).await;
    assert!(again.status.is_success(), "{again:?}");
    assert_eq!(open_amount(&world, "F-1").await, "0.00");
    world.role.stop().await;
}

#[tokio::test]
async fn a_payment_waits_for_its_rate_and_follows_its_correction() {
    let world = start().await;
    world.tell(&[owed("F-1", "C-1", "1000.00", "USD")]).await;
    let paid = payment("P-1", "C-1", "2000000.00", "2026-02-10", json!([part("F-1", "2000000.00")]));
    let accepted = world.post(&paid).await;
    assert_eq!(accepted.body["parked"], json!(["rate USD/COP 2026-02-10"]), "{accepted:?}");
    let parked = world.get("/v1/parked").await.body;
    assert!(parked.to_string().contains("rate USD/COP 2026-02-10"), "{parked}");
    assert_eq!(credits(&world).await, [credit(["P-1", "COP", "2000000.00", "0.00", "2000000.00"])]);
    // A rate of Friday holds until Monday; of another table it is none of ours.
    let mut other = trm("1", "2026-02-10");
    (other["id"], other["data"]["rates"]) = (json!("other"), json!("BCE"));
    let mut friday = trm("4000", "2026-02-07");
    friday["data"]["through"] = json!("2026-02-10");
    world.tell(&[other, friday.clone()]).await;
    assert_eq!(open_amount(&world, "F-1").await, "500.00");
    world.tell(&[corrected(&friday, 2, json!({"rate": "5000"}))]).await;
    assert_eq!(open_amount(&world, "F-1").await, "600.00");
    // What was agreed later does not bear on what was exchanged before.
    assert!(choose(&world, json!([{"rule": "oldest_first"}])).await.status.is_success());
    let part_back = json!({"payment": "P-1", "reversal": "R-1", "amount": "1000000.00", "currency": "COP", "reversed_on": "2026-02-12"});
    world.tell(&[fact("bank", "reversal 1", "payment.reversed", part_back)]).await;
    assert_eq!(open_amount(&world, "F-1").await, "800.00");
    assert_eq!(proof(&world).await, Vec::<String>::new());
    world.role.stop().await;
}

#[tokio::test]
async fn a_person_says_which_invoice_in_dollars_pesos_pay() {
    let world = start().await;
    world.tell(&[owed("F-1", "C-1", "1000.00", "USD"), trm("4000", "2026-02-10")]).await;
    world.tell(&[paid("P-1", "400000.00", json!({"text": "ABONO F-1"}))]).await;
    assert_eq!(waiting(&world).await.len(), 1, "rules look at one currency");
    let decision = json!({"source": "bank", "payment": "P-1", "payer": "C-1", "currency": "COP", "invoices": [{"invoice": "F-1"}]});
    let decided = world.act("/v1/allocations", decision).await;
    assert!(decided.status.is_success(), "{decided:?}");
    assert_eq!(open_amount(&world, "F-1").await, "900.00");
    assert_eq!(proof(&world).await, Vec::<String>::new());
    world.role.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_rate_is_told() {
    let world = world::start().await;
    for (member, value, code) in [
        ("rate", json!("0"), "rate"),
        ("rate", json!("4.012,35"), "rate"),
        ("rate", json!(4012), "wrong-type"),
        ("quote", json!("USD"), "currency-mismatch"),
        ("base", json!("US$"), "currency"),
        ("through", json!("2026-02-09"), "date-order"),
        ("through", json!("2026-03-20"), "date-range"),
    ] {
        let mut told = trm("4000", "2026-02-10");
        told["data"][member] = value;
        let answer = world.post(&told).await;
        let found = (answer.body["errors"][0]["code"].as_str().unwrap(), answer.pointer());
        assert_eq!(found, (code, &*format!("#/data/{member}")), "{answer:?}");
    }
    world.role.stop().await;
}

/// Payments in pesos of invoices in dollars, euros and pesos, of two payers; with rates that are corrected, twins, a bounce, and an
/// invoice that changes hands.
fn facts() -> Vec<Value> {
    let moved = owed("F-3", "C-1", "70.00", "USD");
    let friday = trm("4100.01", "2026-02-11");
    let mut facts = vec![
        owed("F-1", "C-1", "500.00", "USD"),
        owed("F-2", "C-1", "90000.00", "COP"),
        corrected(&moved, 2, json!({"customer": "C-2"})),
        moved,
        owed("F-4", "C-2", "25.00", "EUR"),
        trm("4012.35", "2026-02-10"),
        corrected(&friday, 2, json!({"rate": "4200.50"})),
        friday,
        payment("P-2", "C-2", "300000.00", "2026-02-11", json!([{"invoice": "F-3"}])),
        payment(
            "P-3",
            "C-1",
            "250000.00",
            "2026-02-10",
            json!([settling("F-4", "100000.00", "EUR", "22.75"), part("F-3", "50000.00"), part("F-2", "60000.00")]),
        ),
        fact(
            "bank",
            "reversal 3",
            "payment.reversed",
            json!({"payment": "P-3", "reversal": "R-3", "amount": "120000.00", "currency": "COP", "reversed_on": "2026-02-12"}),
        ),
    ];
    for number in ["P-7", "P-8"] {
        let mut paid = payment(number, "C-1", "900000.00", "2026-02-10", json!([part("F-1", "800000.00")]));
        paid["data"]["bank_reference"] = json!("TRX");
        facts.push(paid);
    }
    facts
}

#[tokio::test]
async fn in_any_order_it_is_exchanged_alike() {
    let agreed = async |world: &World| {
        // Without a tolerance: what a difference is depends on when the rules look at it.
        let pairs = json!([{"paid": "COP", "owed": "USD", "rates": "TRM"}, {"paid": "COP", "owed": "EUR"}]);
        let rules = json!([{"rule": "exchange", "pairs": pairs}]);
        assert!(choose(world, rules).await.status.is_success());
        world.tell(&[customer("C-1", "Uno")]).await;
    };
    let facts = facts();
    let expected = after(async |world| {
        agreed(world).await;
        world.tell(&facts).await;
        assert_eq!(proof(world).await, Vec::<String>::new());
        let held = "SELECT count(*) FROM credits WHERE held > 0 AND number = 'P-8'";
        assert_eq!(world.count(held).await, 2, "of twins one is held, in both currencies");
        let exchanged = "SELECT count(*) FROM credits WHERE paid_amount > 0";
        assert_eq!(world.count(exchanged).await, 5);
    })
    .await;
    for step in [1, 3, 5, 11] {
        let told = after(async |world| {
            agreed(world).await;
            world.tell(&shuffled(&facts, step)).await;
        });
        assert_eq!(expected, told.await, "step {step}");
    }
    let all_at_the_same_time = after(async |world| {
        agreed(world).await;
        let arrivals = shuffled(&facts, 4);
        let answers = join_all(arrivals.chunks(2).chain(arrivals.chunks(3)).map(|piece| world.batch(piece))).await;
        let refused: Vec<_> = answers.iter().filter(|report| report["quarantined"] != 0).collect();
        assert!(refused.is_empty(), "{refused:?}");
        assert_eq!(proof(world).await, Vec::<String>::new());
    })
    .await;
    assert_eq!(expected, all_at_the_same_time);
}
