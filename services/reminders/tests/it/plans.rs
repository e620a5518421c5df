//! Which steps are decided, and when.

use chrono::{DateTime, Days, Utc};
use contracts::ingestion::{CustomerChanged, InvoiceChanged};
use primitives::ids::Kind;

use crate::world::{
    DUE_DAY, WEEK_BEFORE, World, bank, contact, customer, id, instant, invoice, judged, paid, promise, said,
};

#[tokio::test]
async fn a_week_of_downtime_is_caught_up_once() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    world.bed.publish(&InvoiceChanged { effective_due_date: "2026-04-05".into(), ..invoice(&acme, "F-2") }).await;
    world.tick(WEEK_BEFORE).await;
    world.mails();

    for _ in 0..2 {
        world.tick("2026-04-11T20:00:00Z").await;
    }
    let mails = world.mails();
    assert_eq!(mails.len(), 1, "one message for all that was missed");
    assert!(mails[0].subject.contains("2 facturas"), "{}", mails[0].subject);
    let superseded = |offset| said(offset, "superseded", "");
    assert_eq!(
        world.decided(&acme, "F-1").await,
        [said(-7, "send", ""), superseded(0), superseded(3), said(10, "send", "")]
    );
    assert_eq!(world.decided(&acme, "F-2").await, [superseded(-7), superseded(0), said(3, "send", "")]);
}

/// Civil days on which a customer was written to while its invoice stayed open from three weeks before to a month after.
async fn days_of_mail(world: &World, codes: &[&str]) -> Vec<Vec<i64>> {
    let due: DateTime<Utc> = instant(DUE_DAY);
    let mut days = vec![Vec::new(); codes.len()];
    for day in -21..=30 {
        let now = due + chrono::Duration::days(day);
        world.bed.tick(now).await;
        for mail in world.mails() {
            let index = codes.iter().position(|code| mail.to[0].starts_with(&code.to_lowercase())).unwrap();
            days[index].push(day);
        }
    }
    days
}

#[tokio::test]
async fn each_segment_hears_as_often_as_its_strategy_says() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let codes = ["C-1", "C-2", "C-3"];
    for (code, segment) in codes.into_iter().zip(["often_late", "regular", "high_risk"]) {
        world.customer(&acme, code).await;
        world.segment(&acme, code, 2, segment).await;
        world.segment(&acme, code, 1, "new").await; // late, and older
        let customer_id = id(&acme, Kind::Customer, code);
        world.bed.publish(&InvoiceChanged { customer_id, ..invoice(&acme, &format!("F{code}")) }).await;
    }
    let days = days_of_mail(&world, &codes).await;
    assert_eq!(days[0], [-7, 0, 3, 10, 20]);
    assert_eq!(days[1], [0, 5, 15]);
    assert_eq!(days[2], [-7, -2, 0, 3, 7, 14, 20]);
}

#[tokio::test]
async fn a_moved_due_date_neither_repeats_nor_skips_a_level() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let first = invoice(&acme, "F-1");
    world.bed.publish(&first).await;
    world.tick(WEEK_BEFORE).await;
    world.tick(DUE_DAY).await;
    assert_eq!(world.mails().len(), 2);

    let moved = InvoiceChanged { version: 2, effective_due_date: "2026-04-20".into(), ..first };
    world.bed.publish(&moved).await;
    for day in ["2026-04-03", "2026-04-13", "2026-04-20", "2026-04-22"] {
        world.tick(&format!("{day}T14:00:00Z")).await;
    }
    assert!(world.mails().is_empty(), "nothing is said again");
    world.tick("2026-04-23T14:00:00Z").await;
    assert_eq!(world.mails().len(), 1);
    let offsets: Vec<i32> = world.decided(&acme, "F-1").await.into_iter().map(|(offset, ..)| offset).collect();
    assert_eq!(offsets, [-7, 0, 3]);
}

#[tokio::test]
async fn a_customer_hears_at_nine_in_its_own_zone_and_once_a_day() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    let in_madrid = CustomerChanged { version: 2, time_zone: "Europe/Madrid".into(), ..customer(&acme, "C-1") };
    world.bed.publish(&in_madrid).await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    world.tick("2026-03-24T07:59:59Z").await;
    assert!(world.mails().is_empty());
    world.tick("2026-03-24T08:00:00Z").await;
    assert_eq!(world.mails().len(), 1);

    // Another invoice comes in at noon: its step waits for tomorrow.
    world.bed.publish(&invoice(&acme, "F-2")).await;
    world.tick("2026-03-24T11:00:00Z").await;
    assert!(world.mails().is_empty());
    let (_, why) = world.get(&acme, "/v1/decisions?customer=C-1").await;
    assert_eq!(why["waiting"][0]["reason"], "waiting_for_customer");
    assert_eq!(why["waiting"][0]["number"], "F-2");
    world.tick("2026-03-25T08:00:00Z").await;
    let mails = world.mails();
    assert!(mails[0].text.contains("F-2") && !mails[0].text.contains("F-1"));
}

/// What is known and planned, as text.
async fn projections(world: &World) -> String {
    let mut dump = String::new();
    for table in ["customers", "contacts", "invoices", "promises", "promise_invoices", "sources", "strategy_steps"] {
        let rows: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT t::text FROM {table} t ORDER BY 1")))
                .fetch_all(&world.bed.worker())
                .await
                .unwrap();
        dump.extend([table, "\n", &rows.join("\n"), "\n"]);
    }
    dump
}

#[tokio::test]
async fn any_order_of_the_same_events_plans_the_same() {
    let mut dumps = Vec::new();
    for order in 0..3 {
        let world = World::new().await;
        let acme = testkit::TestTenant::new("acme");
        let first = invoice(&acme, "F-1");
        let made = promise(&acme, "P-1", &["F-1", "F-2"]);
        let moved = InvoiceChanged { version: 2, effective_due_date: "2026-04-09".into(), ..first.clone() };
        let elsewhere = CustomerChanged { version: 2, time_zone: "America/Santiago".into(), ..customer(&acme, "C-1") };
        let publish = async |step: usize| match step {
            0 => world.bed.publish(&acme.changed).await,
            1 => world.bed.publish(&customer(&acme, "C-1")).await,
            2 => world.bed.publish(&elsewhere).await,
            3 => world.bed.publish(&first).await,
            4 => world.bed.publish(&moved).await,
            5 => world.bed.publish(&paid(&invoice(&acme, "F-2"))).await,
            6 => world.bed.publish(&contact(&acme, "C-1")).await,
            7 => world.segment(&acme, "C-1", 1, "regular").await,
            8 => world.segment(&acme, "C-1", 2, "high_risk").await,
            9 => world.bed.publish(&made).await,
            10 => world.bed.publish(&judged(&made, 1, "open")).await,
            11 => world.bed.publish(&judged(&made, 2, "kept")).await,
            _ => world.bed.publish(&bank(&acme, 1, WEEK_BEFORE)).await,
        };
        let steps: Vec<usize> = match order {
            0 => (0..13).collect(),
            1 => (0..13).rev().chain([3, 1, 10]).collect(),
            _ => [8, 4, 9, 2, 12, 0, 11, 6, 3, 10, 5, 1, 7, 4, 4].into(),
        };
        for step in steps {
            publish(step).await;
        }
        world.bed.applied().await;
        dumps.push(projections(&world).await);
    }
    assert_eq!(dumps[0], dumps[1]);
    assert_eq!(dumps[0], dumps[2]);
    assert!(dumps[0].contains("2026-04-02 12:00:00+00"), "−7 from 9 April, at nine in Santiago:\n{}", dumps[0]);
}

#[tokio::test]
async fn the_same_facts_give_the_same_letters_to_the_last_octet() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let world = World::new().await;
        let acme = world.tenant("acme").await;
        for number in 0..9 {
            let code = format!("C-{number}");
            world.customer(&acme, &code).await;
            let customer_id = id(&acme, Kind::Customer, &code);
            world.bed.publish(&InvoiceChanged { customer_id, ..invoice(&acme, &format!("F-{number}")) }).await;
        }
        let mut now = instant(WEEK_BEFORE);
        for _ in 0..15 {
            world.bed.tick(now).await;
            now = now + Days::new(1);
        }
        let letters: Vec<_> = world.relay.take().into_iter().map(|mail| (mail.accepted_no, mail.raw)).collect();
        assert_eq!(letters.len(), 27);
        runs.push(letters);
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn an_invoice_that_meets_its_tenant_half_way_is_planned() {
    let world = World::new().await;
    let acme = testkit::TestTenant::new("acme");
    // A replica that applies an invoice before the tenant's own batch is committed, and has looked for the tenant already.
    let mut replica = world.bed.worker().begin().await.unwrap();
    let keep_away = "SELECT count(pg_advisory_xact_lock_shared(hashtextextended($1::uuid::text, 0)))";
    sqlx::query(keep_away).bind(acme.tenant_id).execute(&mut *replica).await.unwrap();
    let customer = uuid::Uuid::from_u128(1);
    sqlx::query("INSERT INTO customers (tenant_id, customer_id) VALUES ($1, $2)")
        .bind(acme.tenant_id)
        .bind(customer)
        .execute(&mut *replica)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO invoices (tenant_id, invoice_id, version, legal_entity_id, customer_id, number, currency, amount,
           open_amount, expected_net, disputed_amount, issue_date, due_date, effective_due_date, status)
         VALUES ($1, $2, 1, $2, $2, 'F-1', 'COP', 1, 1, 1, 0, '2026-03-01', '2026-03-31', '2026-03-31', 'open')",
    )
    .bind(acme.tenant_id)
    .bind(customer)
    .execute(&mut *replica)
    .await
    .unwrap();
    world.bed.tenant("acme").await;
    let waits = "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let waiting = || async { sqlx::query_scalar(waits).fetch_one(&world.bed.worker()).await.unwrap() };
    testkit::eventually("the tenant waits for the replica", waiting).await;
    replica.commit().await.unwrap();
    world.bed.applied().await;
    let planned = "SELECT next_due_at IS NOT NULL FROM customers WHERE tenant_id = $1";
    let planned: bool = sqlx::query_scalar(planned).bind(acme.tenant_id).fetch_one(&world.bed.worker()).await.unwrap();
    assert!(planned);
}

#[tokio::test]
async fn what_a_tenant_calls_late_moves_the_steps_of_what_was_delivered() {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    world.customer(&acme, "C-1").await;
    world.bed.publish(&InvoiceChanged { delivered_date: "2026-03-10".into(), ..invoice(&acme, "F-1") }).await;
    let patient =
        contracts::ingestion::TenantChanged { version: 3, late_delivery_days: Some(10), ..acme.changed.clone() };
    let strict =
        contracts::ingestion::TenantChanged { version: 2, late_delivery_days: Some(0), ..acme.changed.clone() };
    let next = async || {
        world.bed.applied().await;
        let next = "SELECT next_step_at::date::text FROM invoices WHERE tenant_id = $1";
        sqlx::query_scalar::<_, String>(next).bind(acme.tenant_id).fetch_one(&world.bed.worker()).await.unwrap()
    };
    assert_eq!(next().await, "2026-04-02", "nine days are late, unless somebody says otherwise");
    world.bed.publish(&patient).await;
    assert_eq!(next().await, "2026-03-24");
    world.bed.publish(&strict).await;
    assert_eq!(next().await, "2026-03-24", "an older word");
}
