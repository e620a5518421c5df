use contracts::ingestion::{InvoiceChanged, SourceChanged};
use ingestion::operator::{self, NewSource};
use reqwest::StatusCode;
use runtime::Clock;
use serde_json::{Value, json};

use crate::world::{self, Answer, World, fact};

const HEADER: &str = "invoice,customer,currency,amount,open_amount,issue_date,due_date,customer_name\n";

/// A world whose ERP applies cash itself and sends a list of open items every day.
async fn with_lists() -> World {
    let world = world::start().await;
    let source = NewSource {
        code: "list".into(),
        application_authority: "erp".into(),
        mode: "snapshot".into(),
        covers: vec!["invoices".into(), "payments".into()],
    };
    operator::create_source(&world.bed.worker(), Clock::Database, "acme", source).await.unwrap();
    world
}

fn item(invoice: &str, open: &str) -> String {
    format!("{invoice},C-1,COP,100.00,{open},2026-01-05,2026-02-05,Comercial Andina\n")
}

fn items(range: std::ops::Range<u32>) -> String {
    range.map(|number| item(&format!("F-{number}"), "100.00")).collect()
}

/// The answer to the list of a day in March.
async fn send(world: &World, day: u32, more: &str, rows: &str) -> Answer {
    let url = format!("{}/v1/snapshots?source=list&as_of=2026-03-{day:02}T06:00:00Z{more}", world.bed.base_url());
    let request = world.http.post(url).header("content-type", "text/csv").bearer_auth(&world.acme.key);
    world::answer(request.body(format!("{HEADER}{rows}"))).await
}

async fn listed(world: &World, day: u32, rows: &str) -> Value {
    let answer = send(world, day, "", rows).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    world.digest(&world.acme).await;
    answer.body
}

/// Open amount of an invoice, day on which it was settled, kinds of its settlements.
async fn invoice(world: &World, number: &str) -> (String, String, Vec<String>) {
    let events = world.bed.published::<InvoiceChanged>().await;
    let last = events.into_iter().rfind(|event| event.number == number).unwrap();
    (last.open_amount, last.settled_on, last.settlements.into_iter().map(|part| part.kind).collect())
}

fn counted(report: &Value) -> [u64; 6] {
    ["new", "changed", "unchanged", "reduced", "reopened", "closed"].map(|name| report["items"][name].as_u64().unwrap())
}

#[tokio::test]
async fn what_a_list_does_not_show_any_more_is_closed_and_opened_when_it_comes_back() {
    let world = with_lists().await;
    let first = [item("F-1", "100.00"), item("F-2", "60.00"), item("F-3", "100.00")].concat();
    assert_eq!(counted(&listed(&world, 1, &first).await), [3, 0, 0, 0, 0, 0]);
    assert_eq!(invoice(&world, "F-2").await, ("60.00".into(), String::new(), vec!["unexplained".into()]));
    assert_eq!(world.count("SELECT count(*) FROM customers WHERE name = 'Comercial Andina'").await, 1);

    let second = [item("F-2", "40.00"), item("F-3", "100.00")].concat();
    assert_eq!(counted(&listed(&world, 2, &second).await), [0, 1, 1, 1, 0, 1]);
    assert_eq!(invoice(&world, "F-1").await, ("0.00".into(), "2026-03-02".into(), vec!["unexplained".into()]));
    assert_eq!(invoice(&world, "F-2").await.0, "40.00");
    let covered = world.bed.published::<SourceChanged>().await.into_iter().rfind(|source| source.code == "list");
    assert_eq!(covered.unwrap().covered_until.unwrap().seconds, 1_772_431_200, "2 March, six o'clock");

    let third = [item("F-1", "70.00"), item("F-2", "90.00"), item("F-3", "100.00")].concat();
    assert_eq!(counted(&listed(&world, 3, &third).await), [0, 2, 1, 0, 2, 0]);
    assert_eq!(invoice(&world, "F-1").await.0, "70.00");
    assert_eq!(invoice(&world, "F-2").await.0, "90.00");

    let lists = world.get("/v1/snapshots?source=list").await.body;
    let shown: Vec<_> =
        lists.as_array().unwrap().iter().map(|list| (list["as_of"].clone(), list["status"].clone())).collect();
    assert_eq!(shown[0], (json!("2026-03-03T06:00:00Z"), json!("applied")));
    assert_eq!(shown.len(), 3);
    world.role.stop().await;
}

#[tokio::test]
async fn a_list_that_lost_a_part_closes_nothing() {
    let world = with_lists().await;
    listed(&world, 1, &items(0..25)).await;
    let half = send(&world, 2, "", &items(0..10)).await;
    assert_eq!((half.status, half.slug()), (StatusCode::CONFLICT, "snapshot-drop"), "{half:?}");
    let empty = send(&world, 2, "", "").await;
    assert_eq!((empty.status, empty.slug()), (StatusCode::CONFLICT, "snapshot-drop"), "{empty:?}");
    let short = send(&world, 2, "&count=25&sums=COP:2500.00", &items(0..24)).await;
    assert_eq!((short.status, short.slug()), (StatusCode::UNPROCESSABLE_ENTITY, "control-total"), "{short:?}");
    let torn = send(&world, 2, "", &format!("{}F-24,\"C-1", items(0..24))).await;
    assert_eq!((torn.status, torn.slug()), (StatusCode::UNPROCESSABLE_ENTITY, "csv-quote"), "{torn:?}");
    assert_eq!(world.count("SELECT count(*) FROM receivables WHERE open_amount > 0").await, 25, "nothing was closed");

    // A line that cannot be read may be about anything; one that can be named is in the list all the same.
    let unreadable = listed(&world, 2, &format!("{}F-23,C-1\n", items(0..23))).await;
    assert_eq!((counted(&unreadable)[5], &unreadable["items"]["refused"]), (0, &json!(1)), "{unreadable}");
    let named = listed(&world, 3, &format!("{}F-23,C-1,COP,100.00,-5.00,2026-01-05,2026-02-05,\n", items(0..23))).await;
    assert_eq!((counted(&named)[5], named["problems"][0]["code"].as_str().unwrap()), (1, "amount-sign"), "{named}");

    let agreed = send(&world, 4, "&accept_drop=Ana", &items(0..10)).await;
    assert_eq!((agreed.status, counted(&agreed.body)[5]), (StatusCode::OK, 14), "{agreed:?}");
    assert_eq!(agreed.body["accepted_by"], "Ana");
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn a_list_counts_once_and_only_after_those_before_it() {
    let world = with_lists().await;
    let rows = items(0..3);
    let first = send(&world, 2, "&count=3&sums=COP:300.00", &rows).await;
    let again = send(&world, 2, "&count=3&sums=COP:300.00", &rows).await;
    assert_eq!((first.replayed, again.replayed, &first.body), (false, true, &again.body));
    let other = send(&world, 2, "", &items(0..2)).await;
    assert_eq!(other.slug(), "snapshot-older", "{other:?}");
    let older = send(&world, 1, "", &rows).await;
    assert_eq!(older.slug(), "snapshot-older", "{older:?}");
    let future =
        world.http.post(format!("{}/v1/snapshots?source=list&as_of=2070-01-01T00:00:00Z", world.bed.base_url()));
    assert_eq!(world::answer(future.bearer_auth(&world.acme.key)).await.slug(), "query-parameter");
    let events =
        world.http.post(format!("{}/v1/snapshots?source=erp&as_of=2026-03-01T00:00:00Z", world.bed.base_url()));
    let events = events.header("content-type", "text/csv").bearer_auth(&world.acme.key).body(HEADER);
    assert_eq!(world::answer(events).await.slug(), "source-mode");
    let twice = listed(&world, 3, &[item("F-0", "100.00"), item("F-0", "50.00"), items(1..3)].concat()).await;
    assert_eq!(twice["problems"][0]["code"], "duplicate-item", "{twice}");
    assert_eq!(invoice(&world, "F-0").await.0, "100.00", "the first line counts");
    world.role.stop().await;
}

#[tokio::test]
async fn a_source_goes_over_to_events_without_a_gap_and_without_a_double() {
    let world = with_lists().await;
    listed(&world, 2, &[item("F-1", "60.00"), item("F-2", "100.00")].concat()).await;
    operator::set_mode(&world.bed.worker(), Clock::Database, "acme", "list", "events").await.unwrap();
    let paid = |id: &str, time: &str, invoice: &str| {
        let remittance = json!([{"invoice": invoice, "amount": "40.00"}]);
        let data = json!({"payment": id, "payer": "C-1", "amount": "40.00", "currency": "COP", "value_date": "2026-03-01", "remittance": remittance});
        let mut paid = fact("list", id, "payment.received", data);
        paid["time"] = json!(time);
        paid
    };
    // What the list has shown already, and what came after it.
    let before = world.post(&paid("P-1", "2026-03-01T18:00:00Z", "F-1")).await;
    assert_eq!(before.body["status"], "stale", "{before:?}");
    let after = world.post(&paid("P-2", "2026-03-02T18:00:00Z", "F-2")).await;
    assert_eq!(after.body["status"], "applied", "{after:?}");
    assert_eq!((invoice(&world, "F-1").await.0, invoice(&world, "F-2").await.0), ("60.00".into(), "60.00".into()));
    assert_eq!(send(&world, 3, "", &items(0..1)).await.slug(), "source-mode");

    // And back: what the events told is part of what is open.
    operator::set_mode(&world.bed.worker(), Clock::Database, "acme", "list", "snapshot").await.unwrap();
    let back = listed(&world, 4, &[item("F-1", "60.00"), item("F-2", "60.00")].concat()).await;
    assert_eq!(counted(&back), [0, 0, 2, 0, 0, 0], "{back}");
    world.role.stop().await;
}

#[tokio::test]
async fn what_the_erp_has_dunned_is_told_once_with_the_invoice() {
    let world = with_lists().await;
    let header = "invoice,customer,currency,open_amount,due_date,dunning_level,last_dunned_on\n";
    let rows = "F-1,C-1,COP,100.00,2026-01-31,2,2026-02-20\nF-2,C-1,COP,100.00,2026-01-31,1,\nF-3,C-1,COP,100.00,2026-01-31,0,\n";
    let send = async |day: u32, rows: &str| {
        let url = format!("{}/v1/snapshots?source=list&as_of=2026-03-{day:02}T15:00:00Z", world.bed.base_url());
        let request = world.http.post(url).header("content-type", "text/csv").bearer_auth(&world.acme.key);
        world::answer(request.body(format!("{header}{rows}"))).await
    };
    assert_eq!(send(1, rows).await.status, StatusCode::OK);
    let dunned = async |number: &str| {
        let events = world.bed.published::<InvoiceChanged>().await;
        events.into_iter().rfind(|event| event.number == number).unwrap().last_dunned_on
    };
    assert_eq!(dunned("F-1").await, "2026-02-20");
    assert_eq!(dunned("F-2").await, "2026-03-01", "a level without a day is of the list's day");
    assert_eq!(dunned("F-3").await, "");
    // From then on what Puntual sends is what was sent.
    let later = send(2, &rows.replace(",1,\n", ",2,2026-03-02\n")).await;
    assert_eq!(counted(&later.body), [0, 0, 3, 0, 0, 0], "{later:?}");
    assert_eq!(dunned("F-2").await, "2026-03-01");
    world.role.stop().await;
}

#[tokio::test]
async fn money_on_account_is_in_the_list_and_goes_with_it() {
    let world = with_lists().await;
    let on_account = |number: &str, open: &str| format!("{number},C-1,COP,,{open},2026-02-10,,Comercial Andina\n");
    let first = [item("F-1", "100.00"), on_account("P-7", "-60.00"), on_account("N-2", "-15.00")].concat();
    let answer = send(&world, 1, "&count=3&sums=COP:25.00", &first).await;
    assert_eq!((answer.status, counted(&answer.body)), (StatusCode::OK, [3, 0, 0, 0, 0, 0]), "{answer:?}");
    let on_account_of = async |world: &World| {
        let rows = world.get("/v1/unapplied").await.body["rows"].clone();
        (rows[0]["payer"].clone(), rows[0]["on_account"].clone())
    };
    assert_eq!(on_account_of(&world).await, (json!("C-1"), json!("75.00")));
    assert_eq!(invoice(&world, "F-1").await.0, "100.00", "it settles nothing until the list says so");

    // The same again is no news; less of one, and the other applied to the invoice.
    let same = listed(&world, 2, &first).await;
    assert_eq!((counted(&same), &same["items"]["facts"]), ([0, 0, 3, 0, 0, 0], &json!(1)), "{same}");
    let third = listed(&world, 3, &[item("F-1", "40.00"), on_account("N-2", "-10.00")].concat()).await;
    assert_eq!(counted(&third), [0, 2, 0, 1, 0, 1], "{third}");
    assert_eq!(on_account_of(&world).await.1, "10.00");
    // It comes back, and a line that cannot be read closes nothing.
    let back = listed(&world, 4, &format!("{}{}F-9,C-1\n", item("F-1", "40.00"), on_account("P-7", "-60.00"))).await;
    assert_eq!(counted(&back), [0, 1, 1, 0, 0, 0], "{back}");
    assert_eq!(on_account_of(&world).await.1, "70.00");
    let wrong = listed(&world, 5, &format!("{}P-7,C-1,COP,-10.00,-60.00,,,\n", item("F-1", "40.00"))).await;
    assert_eq!(wrong["problems"][0]["code"], "amount-range", "{wrong}");
    assert_eq!((counted(&wrong)[5], on_account_of(&world).await.1), (1, json!("60.00")), "what is mentioned is there");
    world.role.stop().await;
}
