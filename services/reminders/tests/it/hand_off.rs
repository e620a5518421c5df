//! What happens between us and the relay, and after it.

use mailcatcher::Behaviour;

use crate::world::{DUE_DAY, WEEK_BEFORE, World, invoice, message_id, paid, said};

async fn one_invoice() -> (World, testkit::TestTenant) {
    let world = World::new().await;
    let acme = world.tenant("acme").await;
    world.bed.publish(&invoice(&acme, "F-1")).await;
    (world, acme)
}

fn state(day: &str, status: &str) -> (String, String) {
    (day.to_owned(), status.to_owned())
}

#[tokio::test]
async fn a_dropped_connection_after_data_is_uncertain_and_not_repeated() {
    let (world, acme) = one_invoice().await;
    world.relay.set_behaviour(Behaviour::AcceptThenDrop);
    world.tick(WEEK_BEFORE).await;
    assert_eq!(world.mails().len(), 1, "the relay took it, and nobody told us");
    world.relay.set_behaviour(Behaviour::Accept);
    for hour in 15..20 {
        world.tick(&format!("2026-03-24T{hour}:00:00Z")).await;
    }
    world.tick("2026-03-25T14:00:00Z").await;
    assert!(world.mails().is_empty());
    let states = world.message_states(&acme, "C-1").await;
    assert_eq!(states, [state("2026-03-24", "sending"), state("2026-03-24", "uncertain")]);
    assert_eq!(world.decided(&acme, "F-1").await, [said(-7, "send", "")]);

    world.tick(DUE_DAY).await; // the next step goes on
    assert_eq!(world.mails().len(), 1);
}

#[tokio::test]
async fn a_relay_that_never_answers_is_uncertain_too() {
    let (world, acme) = one_invoice().await;
    world.relay.set_behaviour(Behaviour::Hang);
    world.tick(WEEK_BEFORE).await;
    assert_eq!(world.message_states(&acme, "C-1").await[1], state("2026-03-24", "uncertain"));
}

#[tokio::test]
async fn what_was_refused_for_now_is_checked_again_before_it_is_tried_again() {
    let (world, acme) = one_invoice().await;
    let second = invoice(&acme, "F-2");
    world.bed.publish(&second).await;
    world.relay.set_behaviour(Behaviour::RefuseTransient(450));
    world.tick(WEEK_BEFORE).await;
    assert_eq!(world.decided(&acme, "F-1").await, [], "a step that surely did not leave is due again");

    world.bed.publish(&paid(&second)).await;
    world.relay.set_behaviour(Behaviour::Accept);
    world.tick("2026-03-24T14:00:29Z").await;
    assert!(world.mails().is_empty(), "not so soon");
    world.tick("2026-03-24T14:00:30Z").await;
    let mails = world.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.contains("F-1") && !mails[0].text.contains("F-2"), "paid in between");
    let id = message_id(&acme, "C-1", "2026-03-24");
    assert_eq!(mails[0].message_id, format!("{id}@puntual.example"));
    let states: Vec<_> = world.message_states(&acme, "C-1").await.into_iter().map(|(_, status)| status).collect();
    assert_eq!(states, ["sending", "planned", "sending", "sent"]);
    assert_eq!(world.decided(&acme, "F-2").await, [said(-7, "suppressed", "paid")]);
}

#[tokio::test]
async fn a_refusal_for_good_fails_and_the_next_step_goes_on() {
    for behaviour in [Behaviour::RefusePermanent(550), Behaviour::RefuseContent(554)] {
        let (world, acme) = one_invoice().await;
        world.relay.set_behaviour(behaviour);
        world.tick(WEEK_BEFORE).await;
        world.relay.set_behaviour(Behaviour::Accept);
        world.tick("2026-03-25T14:00:00Z").await;
        assert!(world.mails().is_empty());
        assert_eq!(world.message_states(&acme, "C-1").await[1], state("2026-03-24", "failed"));
        world.tick(DUE_DAY).await;
        assert_eq!(world.mails().len(), 1);
    }
}

#[tokio::test]
async fn a_relay_that_was_away_for_a_day_costs_nobody_a_reminder() {
    let (world, acme) = one_invoice().await;
    world.relay.set_behaviour(Behaviour::DropBeforeData);
    world.tick(WEEK_BEFORE).await;
    world.tick("2026-03-24T16:00:00Z").await;
    assert_eq!(world.decided(&acme, "F-1").await, []);
    world.relay.set_behaviour(Behaviour::Accept);
    world.tick("2026-03-25T14:00:00Z").await;
    assert_eq!(world.mails().len(), 1);
    assert_eq!(world.decided(&acme, "F-1").await, [said(-7, "send", "")]);
    let states = world.message_states(&acme, "C-1").await;
    let last: Vec<_> = states.iter().rev().take(3).cloned().collect();
    assert_eq!(last, [state("2026-03-25", "sent"), state("2026-03-25", "sending"), state("2026-03-24", "failed")]);
}

#[tokio::test]
async fn one_bad_address_does_not_cost_the_others_their_reminder() {
    let (world, acme) = one_invoice().await;
    let mut bad = crate::world::contact(&acme, "C-1");
    bad.version = 2;
    bad.email = "ana@x.example\r\nRCPT TO:<all@evil.example>".into();
    world.bed.publish(&bad).await;
    world.customer(&acme, "C-2").await;
    let mut other = invoice(&acme, "F-2");
    other.customer_id = crate::world::id(&acme, primitives::ids::Kind::Customer, "C-2");
    world.bed.publish(&other).await;
    world.tick(WEEK_BEFORE).await;
    let mails = world.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["c-2@acme.example"]);
    assert_eq!(world.decided(&acme, "F-1").await, [said(-7, "suppressed", "no_contact")]);
}

/// Puts the day's message back to where a worker left it when it died a while ago.
async fn leave_half_done(world: &World, status: &str) {
    let claim = "UPDATE customers SET claim_id = gen_random_uuid(), claimed_until = now() - interval '1 second'";
    let message = "UPDATE messages SET status = $1, version = version + 1, attempt_id = gen_random_uuid(),
                     lease_until = now() - interval '1 second'";
    sqlx::query(claim).execute(&world.bed.worker()).await.unwrap();
    sqlx::query(message).bind(status).execute(&world.bed.worker()).await.unwrap();
}

#[tokio::test]
async fn a_worker_that_died_while_sending_leaves_an_uncertain_message() {
    let (world, acme) = one_invoice().await;
    world.tick(WEEK_BEFORE).await;
    assert_eq!(world.mails().len(), 1);
    leave_half_done(&world, "sending").await;
    world.tick("2026-03-24T15:00:00Z").await;
    assert_eq!(world.message_states(&acme, "C-1").await[2], state("2026-03-24", "uncertain"));
    assert!(world.mails().is_empty(), "nobody knows whether it arrived, so it is not sent again");
    world.tick(DUE_DAY).await;
    assert_eq!(world.mails().len(), 1);
}

#[tokio::test]
async fn a_worker_that_died_before_sending_costs_nobody_a_reminder() {
    let (world, acme) = one_invoice().await;
    "no relay".clone_into(&mut world.refusal.lock().unwrap());
    world.bed.applied().await;
    world.try_tick(WEEK_BEFORE).await.unwrap_err();
    world.refusal.lock().unwrap().clear();
    leave_half_done(&world, "claimed").await;
    world.tick(WEEK_BEFORE).await;
    assert_eq!(world.mails().len(), 1);
    let states = world.message_states(&acme, "C-1").await;
    assert_eq!(states, [state("2026-03-24", "sending"), state("2026-03-24", "sent")]);
}

#[tokio::test]
async fn a_planned_message_ends_even_when_nothing_is_due_any_more() {
    let (world, acme) = one_invoice().await;
    world.relay.set_behaviour(Behaviour::RefuseTransient(450));
    world.tick(WEEK_BEFORE).await;
    let mut later = invoice(&acme, "F-1");
    later.version = 2;
    later.effective_due_date = "2026-06-30".into();
    world.bed.publish(&later).await;
    world.tick("2026-03-26T14:00:00Z").await;
    let states = world.message_states(&acme, "C-1").await;
    assert_eq!(states.last().unwrap(), &state("2026-03-24", "failed"));
    assert!(world.mails().is_empty());
}

#[tokio::test]
async fn what_is_kept_of_an_answer_names_nobody() {
    let (world, _) = one_invoice().await;
    world.relay.set_behaviour(Behaviour::RefusePermanent(550));
    world.tick(WEEK_BEFORE).await;
    let reasons: Vec<String> = world
        .bed
        .published::<contracts::reminders::MessageChanged>()
        .await
        .into_iter()
        .filter(|message| message.status == "failed")
        .map(|message| message.reason)
        .collect();
    assert_eq!(reasons.len(), 1);
    assert!(reasons[0].starts_with("answer 550") && !reasons[0].contains('@'), "{reasons:?}");
}

#[tokio::test]
async fn a_customer_and_its_message_are_claimed_until_the_same_instant() {
    let (world, _) = one_invoice().await;
    "no relay".clone_into(&mut world.refusal.lock().unwrap());
    // What a claim that is not given back leaves: the leases must run out together, or the customer is free while its
    // message seems to be under way, and the day is lost.
    let keep = "CREATE TABLE seen AS SELECT NULL::timestamptz AS customer, NULL::timestamptz AS message WHERE false;
                GRANT ALL ON seen TO PUBLIC;
                CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                  INSERT INTO seen SELECT claimed_until, NEW.lease_until FROM customers
                    WHERE tenant_id = NEW.tenant_id AND customer_id = NEW.customer_id;
                  RETURN NULL; END $$;
                CREATE TRIGGER see AFTER INSERT ON messages FOR EACH ROW EXECUTE FUNCTION see();";
    sqlx::raw_sql(keep).execute(&world.bed.owner()).await.unwrap();
    world.bed.applied().await;
    world.try_tick(WEEK_BEFORE).await.unwrap_err();
    let together: Vec<bool> =
        sqlx::query_scalar("SELECT customer = message FROM seen").fetch_all(&world.bed.worker()).await.unwrap();
    assert_eq!(together, [true]);
}
