//! What an operator does: asks whether all is well, and mends what is not.

use serde_json::Value;

use crate::world::{Tenant, World, customer, invoice, payment, promise};

/// Two customers who owe, pay in part and promise; three days with reminders.
async fn lived() -> (World, Tenant) {
    let world = World::start().await;
    let acme = world.tenant("acme").await;
    world.dawn("2026-03-01").await;
    for code in ["C1", "C2"] {
        world.tell(&acme, &customer(code)).await;
    }
    world
        .tell(
            &acme,
            &[
                invoice("F1", "C1", "500000.15", "2026-02-10", "2026-03-10"),
                invoice("F2", "C2", "19.99", "2026-02-10", "2026-03-10"),
                invoice("F3", "C2", "4.35", "2026-02-10", "2026-03-10"),
            ],
        )
        .await;
    world.live(&[&acme], "2026-03-10").await;
    world.dawn("2026-03-11").await;
    world.tell(&acme, &[payment("R1", "C2", "10.00", "2026-03-11", "F2")]).await;
    world.tell(&acme, &[promise("P1", "C1", "F1", "500000.15", "2026-03-11", "2026-03-12")]).await;
    world.live(&[&acme], "2026-03-13").await;
    (world, acme)
}

/// What `puntual check` says; fails when it could not judge everything.
async fn check(world: &World) -> (bool, Vec<String>) {
    let (well, said) = world.operate(&["check", "--json", "--wait", "30"]).await;
    let report: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert_eq!(report["quiet"], Value::Bool(true), "{report:#}");
    assert_eq!(report["ok"], Value::Bool(well));
    let found = report["checks"].as_array().unwrap().iter().flat_map(|finding| {
        let place = format!("{} of {}", finding["check"].as_str().unwrap(), finding["place"].as_str().unwrap());
        let wrong = finding["found"].as_array().unwrap();
        wrong.iter().map(move |wrong| format!("{place}: {}", wrong.as_str().unwrap()))
    });
    (well, found.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn check_finds_what_was_broken_and_reemit_mends_what_can_be_told_again() {
    let (world, _) = lived().await;
    assert_eq!(check(&world).await, (true, vec![]));

    let reminders = world.database("reminders").await;
    sqlx::query("UPDATE invoices SET open_amount = open_amount / 2").execute(&reminders).await.unwrap();
    sqlx::query("DELETE FROM contacts").execute(&reminders).await.unwrap();
    let (well, found) = check(&world).await;
    assert!(!well);
    let places: Vec<_> = found.iter().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(places, ["projection of contacts in reminders", "projection of invoices in reminders"], "{found:#?}");

    let (well, said) = world.operate(&["reemit", "--service", "ingestion", "--kind", "invoice,contact"]).await;
    assert!(well && said.contains("3 of invoice") && said.contains("2 of contact"), "{said}");
    assert_eq!(check(&world).await, (true, vec![]));

    // A cent that vanished from the ledger is nobody's word but the fold's.
    let ledger = world.database("ingestion").await;
    sqlx::query("UPDATE receivables SET open_amount = open_amount - 0.01 WHERE number = 'F3'")
        .execute(&ledger)
        .await
        .unwrap();
    sqlx::query("DELETE FROM inbox WHERE event_id = (SELECT event_id FROM inbox LIMIT 1)")
        .execute(&reminders)
        .await
        .unwrap();
    let (_, found) = check(&world).await;
    for expected in
        ["conservation of ledger", "recomputation of ledger", "delivery of", "projection of invoices in reporting"]
    {
        assert!(found.iter().any(|line| line.starts_with(expected)), "{expected}: {found:#?}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_lost_its_database_is_told_everything_again() {
    let (mut world, acme) = lived().await;
    let mut before = Vec::new();
    for path in ["/v1/kpis", "/v1/aging"] {
        before.push(world.get(&acme, "reporting", path).await);
    }
    world.kill_role("reporting").await;
    world.empty_database("reporting").await;
    world.start_role("reporting").await;
    let (well, said) = world.operate(&["reemit"]).await;
    assert!(well, "{said}");
    assert_eq!(check(&world).await, (true, vec![]));
    world.dawn("2026-03-13").await;
    for (path, before) in ["/v1/kpis", "/v1/aging"].into_iter().zip(before) {
        assert_eq!(world.get(&acme, "reporting", path).await, before, "{path}");
    }
    // Nobody else took what was told again for something new.
    let mails = world.mails.all().len();
    world.live(&[&acme], "2026-03-13").await;
    assert_eq!(world.mails.all().len(), mails);
    assert_eq!(check(&world).await, (true, vec![]));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_tried_again_and_remembered() {
    let world = World::start().await;
    let acme = world.tenant("acme").await;
    // As a later release of ingestion may tell it, and as no release does.
    let ledger = world.database("ingestion").await;
    for (subject, payload) in
        [("puntual.ingestion.invoice.changed.v1", "not an invoice"), ("puntual.ingestion.invoice.changed.v2", "")]
    {
        sqlx::query(
            "INSERT INTO outbox (event_id, subject, headers, payload)
             SELECT id, $1, convert_to('ce-id: ' || id || E'\\r\\n' || 'ce-tenant: ' || tenant_id || E'\\r\\n', 'UTF8'),
                    convert_to($2, 'UTF8')
             FROM gen_random_uuid() AS id, tenants",
        )
        .bind(subject)
        .bind(payload)
        .execute(&ledger)
        .await
        .unwrap();
    }
    let (_, found) = check(&world).await;
    assert_eq!(found.len(), 8, "two for each of four readers: {found:#?}");

    let (well, said) = world.operate(&["dead-letters", "list", "--service", "scoring"]).await;
    assert!(well && said.contains("cannot be decoded") && said.contains("version 2 of"), "{said}");
    let own = world.get(&acme, "scoring", "/v1/dead-letters").await;
    assert_eq!(own["dead_letters"].as_array().unwrap().len(), 2, "{own:#}");

    let again =
        ["dead-letters", "redrive", "--service", "scoring", "--subject", "puntual.ingestion.invoice.changed.v1"];
    let (well, said) = world.operate(&again).await;
    assert!(well && said.contains("scoring: 1 to be tried again"), "{said}");
    testkit::eventually("it was tried again", || async {
        world.operate(&["dead-letters", "log", "--service", "scoring"]).await.1.contains("rejected")
    })
    .await;

    // What cannot be mended is a person's to end: here its word is worth nothing.
    for role in ["scoring", "promises", "reminders", "reporting"] {
        let database = world.database(role).await;
        sqlx::query("DELETE FROM dead_letter").execute(&database).await.unwrap();
    }
    assert_eq!(check(&world).await, (true, vec![]));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_into_a_folder_is_sent_and_says_what_became_of_it() {
    let world = World::start().await;
    let acme = world.tenant("acme").await;
    world.dawn("2026-03-01").await;
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, content: &str| std::fs::write(folder.path().join(name), content).unwrap();
    let row =
        |number: u32, amount: &str| format!("2026-03-01T12:00:00Z,F-{number},C-1,{amount},COP,2026-02-01,2026-03-01\n");
    let header = "time,invoice,customer,amount,currency,issue_date,due_date\n";
    put("good.csv", &format!("{header}{}{}", row(1, "100.00"), row(2, "50.00")));
    put("half.csv", &format!("{header}{}{}", row(3, "100.00"), row(4, "a lot")));
    put("torn.csv", "time,invo");
    put(
        "bank.sta",
        ":20:S\r\n:25:1\r\n:28C:1\r\n:60F:C260301COP0,00\r\n:61:2603010301C50,00NTRFNONREF//B1\r\n:86:PAGO F-2\r\n:62F:C260301COP50,00\r\n-",
    );
    let url = world.url("ingestion", "");
    let path = folder.path().to_string_lossy().into_owned();
    let arguments = ["feed", "--watch", &path, "--once", "--source", "erp", "--key", &acme.key, "--url", &url];
    let (well, said) = world.operate(&arguments).await;
    assert!(!well, "two were rejected: {said}");

    let report = |place: &str, name: &str| -> Value {
        let beside = folder.path().join(place).join(format!("{name}.report.json"));
        assert!(folder.path().join(place).join(name).exists(), "{place}/{name}: {said}");
        serde_json::from_str(&std::fs::read_to_string(beside).unwrap()).unwrap()
    };
    assert_eq!(report("done", "good.csv")["applied"], 2);
    assert_eq!(report("done", "bank.sta")["applied"], 1);
    let half = report("rejected", "half.csv");
    assert_eq!(
        (&half["applied"], &half["quarantined"], &half["problems"][0]["line"]),
        (&1.into(), &1.into(), &3.into())
    );
    assert!(report("rejected", "torn.csv")["refused"].as_str().unwrap().contains("the header fits no layout"));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the folders: {left:?}");
    world.end().await;
}
