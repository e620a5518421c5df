//! The main job, told as stories over real processes.

use serde_json::{Value, json};

use crate::world::{Tenant, World, customer, invoice, payment, promise};

/// Mails accepted so far for one address.
fn mails_to(world: &World, address: &str) -> usize {
    world.mails.all().iter().filter(|mail| mail.recipients.iter().any(|to| to == address)).count()
}

async fn decisions(world: &World, tenant: &Tenant, customer: &str, day: &str) -> Vec<(String, String)> {
    let answer = world.get(tenant, "reminders", &format!("/v1/decisions?customer={customer}&day={day}")).await;
    let text = |decision: &Value, field: &str| decision[field].as_str().unwrap_or_default().to_owned();
    let list = answer["decisions"].as_array().unwrap();
    list.iter().map(|decision| (text(decision, "outcome"), text(decision, "reason"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_silences_the_reminder() {
    let world = World::start().await;
    let acme = world.tenant("acme").await;
    world.dawn("2026-03-01").await;
    world.tell(&acme, &customer("C1")).await;
    world.tell(&acme, &customer("C2")).await;
    let due = "2026-03-10";
    world
        .tell(
            &acme,
            &[invoice("F1", "C1", "500000.00", "2026-02-10", due), invoice("F2", "C2", "500000.00", "2026-02-10", due)],
        )
        .await;

    world.live(&[&acme], "2026-03-10").await;
    assert_eq!(
        (mails_to(&world, "c1@example.com"), mails_to(&world, "c2@example.com")),
        (1, 1),
        "both are reminded on the due date"
    );

    world.dawn("2026-03-13").await;
    world.tell(&acme, &[payment("R1", "C1", "500000.00", "2026-03-12", "F1")]).await;
    world.live(&[&acme], "2026-03-13").await;
    assert_eq!(mails_to(&world, "c1@example.com"), 1, "who has paid hears nothing more");
    assert_eq!(mails_to(&world, "c2@example.com"), 2, "who has not is reminded");
    assert_eq!(decisions(&world, &acme, "C1", "2026-03-13").await, [("suppressed".into(), "paid".into())]);

    let kpis = world.get(&acme, "reporting", "/v1/kpis").await;
    assert_eq!(kpis["reminders"]["sent"], json!(3), "{kpis:#}");
    assert_eq!(kpis["reminders"]["held_back"]["paid"], json!(1), "{kpis:#}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_promise_raises_an_alert() {
    let world = World::start().await;
    let acme = world.tenant("acme").await;
    world.dawn("2026-03-01").await;
    world.tell(&acme, &customer("C1")).await;
    world.tell(&acme, &[invoice("F1", "C1", "900000.00", "2026-02-10", "2026-03-10")]).await;
    world.live(&[&acme], "2026-03-10").await;
    assert_eq!(mails_to(&world, "c1@example.com"), 1);

    world.dawn("2026-03-11").await;
    world.tell(&acme, &[promise("P1", "C1", "F1", "900000.00", "2026-03-11", "2026-03-16")]).await;
    world.live(&[&acme], "2026-03-13").await;
    assert_eq!(mails_to(&world, "c1@example.com"), 1, "a promise stops the reminder of its invoice");
    assert_eq!(decisions(&world, &acme, "C1", "2026-03-13").await, [("suppressed".into(), "promised".into())]);

    world.live(&[&acme], "2026-03-17").await;
    let promises = world.get(&acme, "promises", "/v1/promises").await;
    assert_eq!(promises["promises"][0]["status"], json!("broken"), "{promises:#}");
    let alerts = world.get(&acme, "promises", "/v1/alerts?status=raised").await;
    assert_eq!(alerts["alerts"][0]["kind"], json!("promise_broken"), "{alerts:#}");
    let kpis = world.get(&acme, "reporting", "/v1/kpis").await;
    assert_eq!((&kpis["promises"]["broken"], &kpis["alerts"]), (&json!(1), &json!(1)), "{kpis:#}");

    world.live(&[&acme], "2026-03-20").await;
    assert_eq!(mails_to(&world, "c1@example.com"), 2, "a broken promise lets dunning resume");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_of_downtime_is_caught_up_once() {
    let mut world = World::start().await;
    let acme = world.tenant("acme").await;
    world.dawn("2026-03-01").await;
    world.tell(&acme, &customer("C1")).await;
    world.tell(&acme, &customer("C2")).await;
    world
        .tell(
            &acme,
            &[
                invoice("F1", "C1", "100.00", "2026-02-10", "2026-03-10"),
                invoice("F2", "C2", "100.00", "2026-02-10", "2026-03-10"),
            ],
        )
        .await;
    world.live(&[&acme], "2026-03-08").await;
    let before = mails_to(&world, "c1@example.com");

    // Steps at 0 and +3 days pass while nobody is there; the payment of C2 comes in meanwhile.
    world.kill_role("reminders").await;
    for day in ["2026-03-10", "2026-03-11", "2026-03-13"] {
        world.live(&[&acme], day).await;
    }
    world.tell(&acme, &[payment("R1", "C2", "100.00", "2026-03-13", "F2")]).await;
    world.live(&[&acme], "2026-03-15").await;
    let mails_of_c2 = mails_to(&world, "c2@example.com");
    world.start_role("reminders").await;

    world.live(&[&acme], "2026-03-15").await;
    assert_eq!(mails_to(&world, "c1@example.com"), before + 1, "one reminder for two missed steps");
    let mut outcomes = decisions(&world, &acme, "C1", "2026-03-15").await;
    outcomes.sort();
    assert_eq!(outcomes.iter().map(|(outcome, _)| outcome.as_str()).collect::<Vec<_>>(), ["send", "superseded"]);
    assert_eq!(mails_to(&world, "c2@example.com"), mails_of_c2, "who paid during the downtime hears nothing");

    // Killed and started again, it repeats nothing.
    world.kill_role("reminders").await;
    world.start_role("reminders").await;
    world.live(&[&acme], "2026-03-16").await;
    assert_eq!(mails_to(&world, "c1@example.com"), before + 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tenants_never_meet() {
    let world = World::start().await;
    let (acme, globex) = (world.tenant("acme").await, world.tenant("globex").await);
    world.dawn("2026-03-01").await;
    // The same natural keys on both sides, told apart by nothing but the key they come with.
    for (tenant, amount) in [(&acme, "111.00"), (&globex, "222.00")] {
        world.tell(tenant, &customer("C1")).await;
        world.tell(tenant, &[invoice("F1", "C1", amount, "2026-02-10", "2026-03-10")]).await;
    }
    world.tell(&acme, &[payment("R1", "C1", "111.00", "2026-03-02", "F1")]).await;
    world.tell(&acme, &[promise("P1", "C1", "F1", "111.00", "2026-03-02", "2026-03-03")]).await;
    world.live(&[&acme, &globex], "2026-03-10").await;

    let aging = world.get(&globex, "reporting", "/v1/aging").await.to_string();
    assert!(aging.contains("222.00") && !aging.contains("111.00"), "{aging}");
    assert_eq!(mails_to(&world, "c1@example.com"), 1, "only the unpaid one is reminded");
    let mail = world.mails.all().pop().unwrap();
    let text = String::from_utf8_lossy(&mail.raw).into_owned();
    assert!(text.contains("globex") && !text.contains("acme"), "{text}");
    let promises = world.get(&globex, "promises", "/v1/promises").await;
    assert_eq!(promises["promises"], json!([]));

    // A tenant in the envelope that is not the key's is refused without telling whether it exists.
    let mut foreign = invoice("F9", "C1", "1.00", "2026-02-10", "2026-03-10");
    foreign["tenant"] = json!("acme");
    let answer = world
        .http
        .post(world.url("ingestion", "/v1/facts"))
        .bearer_auth(&globex.key)
        .json(&foreign)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 403);
    let absent = world
        .http
        .get(world.url("scoring", "/v1/customers/no-such/score"))
        .bearer_auth(&globex.key)
        .send()
        .await
        .unwrap();
    assert_eq!(absent.status(), 404);
    world.end().await;
}
