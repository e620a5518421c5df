//! What rules read besides habits: counted when it was told, whichever way it came.

use chrono::{Days, NaiveDate};
use contracts::Event;
use contracts::ingestion::{CustomerChanged, DisputeChanged, InvoiceChanged, Settlement};
use contracts::promises::PromiseChanged;
use contracts::scoring::SegmentAssigned;
use contracts::{SCHEMA_REV, wire};
use serde_json::{Value, json};
use testkit::TestTenant;
use uuid::Uuid;

use crate::house::{House, customer, customer_id, date, invoice, morning, paid};

fn promise(
    tenant: &TestTenant,
    number: u128,
    customer: u128,
    version: u64,
    status: &str,
    day: NaiveDate,
) -> PromiseChanged {
    PromiseChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant.tenant_id.to_string(),
        promise_id: Uuid::from_u128(0xA000 + number).to_string(),
        version,
        customer_id: customer_id(customer).to_string(),
        amount: "10.00".into(),
        currency: "COP".into(),
        paid_amount: "0.00".into(),
        promised_date: day.to_string(),
        status: status.into(),
        legal_entity_id: tenant.legal_entity_id.to_string(),
        made_on: day.to_string(),
        ..PromiseChanged::default()
    }
}

fn dispute(
    tenant: &TestTenant,
    number: u128,
    customer: u128,
    version: u64,
    status: &str,
    day: NaiveDate,
) -> DisputeChanged {
    DisputeChanged {
        schema_rev: SCHEMA_REV,
        tenant_id: tenant.tenant_id.to_string(),
        dispute_id: Uuid::from_u128(0xD000 + number).to_string(),
        version,
        invoice_id: Uuid::from_u128(1).to_string(),
        customer_id: customer_id(customer).to_string(),
        reason: "pricing".into(),
        status: status.into(),
        opened_on: day.to_string(),
        recorded_at: Some(wire::timestamp(morning(day))),
        ..DisputeChanged::default()
    }
}

/// The same invoice with a first part paid.
fn part_paid(invoice: &InvoiceChanged, on: NaiveDate, amount: &str, open_amount: &str) -> InvoiceChanged {
    InvoiceChanged {
        version: 2,
        open_amount: open_amount.into(),
        expected_net: open_amount.into(),
        settlements: vec![Settlement {
            settlement_id: invoice.invoice_id.clone(),
            credit_id: invoice.invoice_id.clone(),
            kind: "cash".into(),
            amount: amount.into(),
            value_date: on.to_string(),
            ..Settlement::default()
        }],
        ..invoice.clone()
    }
}

async fn activate(house: &House, tenant: &TestTenant, rules: &Value) {
    let (status, version) = house.post(&tenant.key, "/v1/segmentation-rules", Some(rules)).await;
    assert_eq!(status, 201, "{version}");
    let version = version.get("version").and_then(Value::as_str).unwrap();
    let (status, answer) = house.post(&tenant.key, &format!("/v1/segmentation-rules/{version}/activate"), None).await;
    assert_eq!(status, 200, "{answer}");
}

/// One rule for each customer of a small portfolio, so that each shows one feature.
fn rules(conditions: &[(&str, &str)]) -> Value {
    let rules: Vec<Value> =
        conditions.iter().map(|(segment, when)| json!({"segment": segment, "when": when})).collect();
    json!({"rules": rules, "fallback": {"segment": "new"}})
}

async fn told(house: &House, number: u128) -> (String, Vec<String>) {
    let id = customer_id(number).to_string();
    let all = house.bed.published::<SegmentAssigned>().await;
    all.into_iter()
        .rfind(|event| event.customer_id == id)
        .map(|event| (event.segment, event.reasons))
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_on_a_day_decides_at_its_close() {
    let house = House::open().await;
    let acme = house.bed.tenant("acme").await;
    let (issued, due) = (date("2026-03-02"), date("2026-03-09"));
    for number in 1..=4 {
        house.bed.publish(&customer(&acme, number, "CO")).await;
        house.bed.publish(&invoice(&acme, number, number, issued, due)).await;
    }
    house.bed.applied().await;
    let conditions = [
        ("high_risk", "broken_promises > 0"),
        ("often_late", "open_disputes > 0"),
        ("regular", "tier == 'strategic' && credit_limit(\"USD\") > 5000"),
        ("occasional_late", "overdue_amount(\"COP\") >= 400 && oldest_overdue_days >= 6"),
    ];
    activate(&house, &acme, &rules(&conditions)).await;
    house.after(date("2026-03-11")).await;
    for number in 1..=4 {
        assert_eq!(told(&house, number).await.0, "new", "{number}");
    }

    let day = date("2026-03-12");
    let told_at = morning(day);
    house.bed.publish_told(told_at, &promise(&acme, 1, 1, 1, "open", date("2026-03-11"))).await;
    house.bed.publish_told(told_at, &promise(&acme, 1, 1, 2, "broken", date("2026-03-11"))).await;
    house.bed.publish_told(told_at, &dispute(&acme, 1, 2, 1, "open", day)).await;
    let strategic = CustomerChanged {
        version: 2,
        tier: "strategic".into(),
        credit_limit: "5000.01".into(),
        credit_limit_currency: "USD".into(),
        ..customer(&acme, 3, "CO")
    };
    house.bed.publish_told(told_at, &strategic).await;
    house.after(date("2026-03-12")).await;
    let at = async |number| told(&house, number).await;
    assert_eq!(at(1).await, ("high_risk".into(), vec!["broken_promises=1>0".into()]));
    assert_eq!(at(2).await.0, "often_late");
    assert_eq!(at(3).await.0, "regular");
    assert_eq!(at(4).await.0, "new");

    // The book: six days after the due date, unless enough was paid by then.
    house.bed.publish(&part_paid(&invoice(&acme, 4, 4, issued, due), date("2026-03-13"), "599.99", "400.01")).await;
    house.bed.publish_told(morning(date("2026-03-13")), &dispute(&acme, 1, 2, 2, "resolved", day)).await;
    house.bed.publish_told(morning(date("2026-03-13")), &promise(&acme, 1, 1, 3, "kept", date("2026-03-11"))).await;
    house.after(date("2026-03-13")).await;
    assert_eq!((at(1).await.0, at(2).await.0, at(4).await.0), ("new".into(), "new".into(), "new".into()));
    house.after(date("2026-03-14")).await;
    let expected = ["overdue_amount(COP)=400.01>=400", "oldest_overdue_days=6>=6"];
    let fourth = at(4).await;
    assert_eq!((fourth.0.as_str(), &fourth.1[..2]), ("occasional_late", &expected.map(str::to_owned)[..]));
    assert_eq!(at(1).await.0, "occasional_late");
    house.bed.publish(&paid(&invoice(&acme, 1, 1, issued, due), date("2026-03-15"))).await;
    house.after(date("2026-03-15")).await;
    assert_eq!((at(1).await.0, at(4).await.0), ("new".into(), "occasional_late".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_judged_together_and_apart() {
    let house = House::open().await;
    let acme = house.bed.tenant("acme").await;
    // 1 and 2 are one group: 1 pays late and owes, 2 pays on the day. 3 pays on the day and is alone.
    for number in 1..=3_u128 {
        let group_code = if number < 3 { "NORTE" } else { "" };
        house.bed.publish(&CustomerChanged { group_code: group_code.into(), ..customer(&acme, number, "CO") }).await;
        for week in 0..8_u64 {
            let due = date("2026-01-12") + Days::new(week * 7);
            let open = invoice(&acme, number * 100 + u128::from(week), number, due - Days::new(10), due);
            let delay = if number == 1 { 20 } else { 0 };
            house.bed.publish(&paid(&open, due + Days::new(delay))).await;
        }
    }
    let big = InvoiceChanged {
        amount: "5000.00".into(),
        open_amount: "5000.00".into(),
        expected_net: "5000.00".into(),
        ..invoice(&acme, 900, 1, date("2026-03-20"), date("2026-03-25"))
    };
    house.bed.publish(&big).await;
    house.bed.applied().await;
    let conditions = [
        ("high_risk", "late_share > 0.5"),
        ("often_late", "group_late_share > 0.3 && group_overdue_amount(\"COP\") >= 5000 && group_customers == 2"),
        ("regular", "late_share < 0.3"),
    ];
    activate(&house, &acme, &rules(&conditions)).await;
    house.after(date("2026-03-24")).await;
    let segments = async || (told(&house, 1).await.0, told(&house, 2).await.0, told(&house, 3).await.0);
    let is = |one: &str, two: &str, three: &str| (one.to_owned(), two.to_owned(), three.to_owned());
    assert_eq!(segments().await, is("high_risk", "regular", "regular"));
    // The other one's invoice passes its due date.
    house.after(date("2026-03-25")).await;
    assert_eq!(segments().await, is("high_risk", "often_late", "regular"));
    let alone = CustomerChanged { version: 2, ..customer(&acme, 2, "CO") };
    house.bed.publish_told(morning(date("2026-03-26")), &alone).await;
    house.after(date("2026-03-26")).await;
    assert_eq!(segments().await, is("high_risk", "regular", "regular"));
}

#[allow(clippy::large_enum_variant, reason = "a handful of facts")]
enum Told {
    Customer(CustomerChanged),
    Invoice(InvoiceChanged),
    Dispute(DisputeChanged),
    Promise(PromiseChanged),
}

/// (day on which it is told, event), in order.
fn history(tenant: &TestTenant) -> Vec<(NaiveDate, Told)> {
    let first = date("2026-01-01");
    let mut told = Vec::new();
    for number in 0..5_u128 {
        let group_code = if number % 2 == 0 { "NORTE" } else { "" };
        let customer = CustomerChanged { group_code: group_code.into(), ..customer(tenant, number, "CO") };
        let later =
            CustomerChanged { version: 2, tier: "strategic".into(), group_code: "SUR".into(), ..customer.clone() };
        told.push((first, Told::Customer(customer)));
        told.push((first + Days::new(20 + u64::try_from(number).unwrap() * 3), Told::Customer(later)));
    }
    for number in 0..40_u64 {
        let (id, of) = (u128::from(number), u128::from(number % 5));
        let issued = first + Days::new(number);
        let due = issued + Days::new(5 + number * 7 % 20);
        let open = invoice(tenant, id, of, issued, due);
        let settled = issued + Days::new(2 + number * 13 % 45);
        if number % 9 == 0 {
            told.push((settled, Told::Invoice(part_paid(&open, settled, "250.00", "750.00"))));
        } else if number % 4 != 0 {
            told.push((settled, Told::Invoice(paid(&open, settled))));
        }
        told.push((issued, Told::Invoice(open)));
        if number % 6 == 1 {
            let broken = if number % 4 == 1 { "broken" } else { "kept" };
            told.push((issued, Told::Promise(promise(tenant, id, of, 1, "open", due))));
            told.push((due + Days::new(2), Told::Promise(promise(tenant, id, of, 2, broken, due))));
        }
        if number % 7 == 2 {
            told.push((issued, Told::Dispute(dispute(tenant, id, of, 1, "open", issued))));
            told.push((issued + Days::new(12), Told::Dispute(dispute(tenant, id, of, 2, "resolved", issued))));
        }
    }
    told.sort_by_key(|(day, _)| *day);
    told
}

async fn tell(house: &House, (day, told): &(NaiveDate, Told)) {
    async fn publish<E: Event>(house: &House, day: NaiveDate, event: &E) {
        house.bed.publish_told(morning(day), event).await;
    }
    match told {
        Told::Customer(event) => publish(house, *day, event).await,
        Told::Invoice(event) => publish(house, *day, event).await,
        Told::Dispute(event) => publish(house, *day, event).await,
        Told::Promise(event) => publish(house, *day, event).await,
    }
}

/// Everything that was decided, day by day.
async fn decided(house: &House, tenant: &TestTenant) -> Vec<String> {
    let query =
        "SELECT concat_ws(' ', customer_id, day, p_late, observations, segment, segment_since, rules_version, segment_reasons)
                 FROM assessments WHERE tenant_id = $1 AND observations > 0 ORDER BY customer_id, day";
    sqlx::query_scalar(query).bind(tenant.tenant_id).fetch_all(&house.bed.worker()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_order_of_what_rules_read_decides_the_same() {
    let house = House::open().await;
    let (orderly, chaotic) = (house.bed.tenant("orderly").await, house.bed.tenant("chaotic").await);
    house.bed.applied().await;
    let first =
        [("high_risk", "broken_promises > 0 && overdue_amount(\"COP\") > 0"), ("regular", "tier == 'strategic'")];
    let second = [
        ("high_risk", "broken_promises > 0 && group_broken_promises > 2 && exposure_percentile < 50"),
        ("often_late", "open_disputes > 0"),
        ("occasional_late", "oldest_overdue_days > 25 || exposure_percentile >= 75"),
        ("regular", "group_late_share < 0.9 && group_overdue_amount(\"COP\") >= 1000"),
    ];
    for tenant in [&orderly, &chaotic] {
        activate(&house, tenant, &rules(&first)).await;
    }
    let (in_order, shuffled) = (history(&orderly), history(&chaotic));
    // A fixed shuffle: 37 and the number of events have no common divisor.
    let count = shuffled.len();
    assert_ne!(count % 37, 0);
    let mut positions: Vec<usize> = (0..count).map(|index| index * 37 % count).collect();
    positions.extend(positions.clone().iter().rev().step_by(3));
    let mut next = positions.into_iter();
    let last = date("2026-03-05");
    for day in date("2026-01-01").iter_days().take_while(|day| *day <= last) {
        for told in in_order.iter().filter(|(told_on, _)| *told_on == day) {
            tell(&house, told).await;
        }
        for position in next.by_ref().take(3) {
            tell(&house, &shuffled[position]).await;
        }
        house.after(day).await;
        if day == date("2026-02-10") {
            for tenant in [&orderly, &chaotic] {
                activate(&house, tenant, &rules(&second)).await;
            }
        }
    }
    for told in next.map(|position| &shuffled[position]).chain(in_order.iter().filter(|(day, _)| *day > last)) {
        tell(&house, told).await;
    }
    house.after(last + Days::new(1)).await;
    let (expected, found) = (decided(&house, &orderly).await, decided(&house, &chaotic).await);
    assert!(expected.len() > 100);
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(expected, found);
    }
    assert_eq!(expected.len(), found.len());
    assert_eq!(house.digest(&orderly).await, house.digest(&chaotic).await);
    for segment in ["high_risk", "often_late", "occasional_late", "regular"] {
        let by_second = |row: &&String| row.contains(&format!(" {segment} ")) && row.contains("rules-2");
        assert!(expected.iter().any(|row| by_second(&row)), "nobody is {segment}");
    }
}
