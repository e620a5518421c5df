use chrono::Duration;
use chrono_tz::Tz;
use proptest::prelude::*;

use super::samples::{cop, date, instant, promise, settled};
use super::*;
use crate::domain::promise::Instalment;

const MADE: &str = "2026-03-02";
const DUE: &str = "2026-03-13"; // a Friday
const BEFORE: &str = "2026-03-14T04:59:59.999Z"; // Bogotá is UTC-5
const DEADLINE: &str = "2026-03-14T05:00:00Z";
const CAP: &str = "2026-03-19T05:00:00Z"; // three bank days later: Wednesday the 18th is over

fn policy() -> Policy {
    Policy { unconfirmed_cap_days: 3, ..Policy::default() }
}

fn covered() -> Moment {
    Moment::BehindBarrier(Coverage::Undeclared)
}

fn uncovered() -> Moment {
    Moment::BehindBarrier(Coverage::of(&[None]))
}

fn judge_from(before: State, promise: &Promise, facts: &Facts, now: &str, moment: Moment) -> Judgement {
    let policy = policy();
    judge(promise, policy.terms(promise), before, facts, &policy, instant(now), moment).unwrap()
}

fn status(facts: &Facts, now: &str, moment: Moment) -> Status {
    let promise = promise(MADE, DUE, "100.00");
    judge_from(State::new(promise.amount), &promise, facts, now, moment).state.status
}

#[test]
fn the_table_of_judgements() {
    let unpaid = settled("100", &[]);
    let in_full = settled("100", &[(DUE, "100")]);
    let in_two_parts = settled("100", &[("2026-03-05", "40"), (DUE, "60")]);
    let in_part = settled("100", &[("2026-03-05", "40")]);
    let too_late = settled("100", &[("2026-03-14", "100")]);
    let too_early = settled("200", &[("2026-03-01", "100")]);
    let on_the_first_day = settled("100", &[(MADE, "100")]);
    let cases = [
        ("nothing yet", &unpaid, BEFORE, covered(), Status::Open),
        ("nothing, at the deadline exactly", &unpaid, DEADLINE, covered(), Status::Broken),
        ("nothing, without coverage", &unpaid, DEADLINE, uncovered(), Status::DueUnconfirmed),
        (
            "nothing, without coverage, just before the cap",
            &unpaid,
            "2026-03-19T04:59:59Z",
            uncovered(),
            Status::DueUnconfirmed,
        ),
        ("nothing, without coverage, at the cap", &unpaid, CAP, uncovered(), Status::Broken),
        ("in full", &in_full, BEFORE, covered(), Status::Kept),
        ("in full, on arrival", &in_full, BEFORE, Moment::OnArrival, Status::Kept),
        ("in full, without coverage", &in_full, DEADLINE, uncovered(), Status::Kept),
        ("in two parts", &in_two_parts, BEFORE, covered(), Status::Kept),
        ("in part, before", &in_part, BEFORE, covered(), Status::Open),
        ("in part, after", &in_part, DEADLINE, covered(), Status::PartiallyKept),
        ("in part, without coverage", &in_part, DEADLINE, uncovered(), Status::DueUnconfirmed),
        ("a day too late", &too_late, CAP, covered(), Status::Broken),
        ("before it was made", &too_early, CAP, covered(), Status::Broken),
        ("on the day it was made", &on_the_first_day, BEFORE, covered(), Status::Kept),
        ("arrival never breaks", &unpaid, CAP, Moment::OnArrival, Status::Open),
        ("arrival never half-breaks", &in_part, CAP, Moment::OnArrival, Status::Open),
    ];
    for (name, facts, now, moment, expected) in cases {
        assert_eq!(status(facts, now, moment), expected, "{name}");
    }
}

#[test]
fn the_earliest_end_wins_and_payment_wins_a_day() {
    let cases = [
        // (paid on, replaced on, withdrawn on, expected)
        (None, None, Some("2026-03-05"), Status::Withdrawn),
        (None, None, Some("2026-03-14"), Status::Broken), // withdrawn after it was due
        (None, Some("2026-03-05"), None, Status::Replaced),
        (None, Some("2026-03-14"), None, Status::Broken), // replaced after it was due
        (None, Some("2026-03-05"), Some("2026-03-05"), Status::Replaced),
        (None, Some("2026-03-06"), Some("2026-03-05"), Status::Withdrawn),
        (Some("2026-03-05"), Some("2026-03-05"), Some("2026-03-05"), Status::Kept),
        (Some("2026-03-06"), Some("2026-03-05"), None, Status::Replaced),
        (Some("2026-03-06"), None, Some("2026-03-05"), Status::Withdrawn),
        (Some("2026-03-06"), Some("2026-03-07"), None, Status::Kept),
    ];
    for (paid, replaced, withdrawn, expected) in cases {
        let facts = Facts {
            replaced_on: replaced.map(date),
            withdrawn_on: withdrawn.map(date),
            ..settled("100", &paid.map(|day| vec![(day, "100")]).unwrap_or_default())
        };
        assert_eq!(status(&facts, DEADLINE, covered()), expected, "{paid:?} {replaced:?} {withdrawn:?}");
    }
}

#[test]
fn what_was_already_paid_need_not_be_paid_again() {
    // 70 of 100 were paid before the promise of 100 was made: the 30 that were left keep it.
    let rest = settled("100", &[("2026-03-01", "70"), ("2026-03-05", "30")]);
    assert_eq!(status(&rest, BEFORE, covered()), Status::Kept);
    let nothing_left = settled("100", &[("2026-03-01", "100")]);
    assert_eq!(status(&nothing_left, BEFORE, covered()), Status::Kept);
    let unknown = Facts { all_invoices_known: false, ..rest };
    assert_eq!(status(&unknown, DEADLINE, covered()), Status::PartiallyKept);
}

#[test]
fn a_promise_about_what_was_voided_is_neither_kept_nor_broken() {
    let voided = |on: &str| {
        let mut facts = settled("100", &[]);
        facts.invoices[0].voided_on = Some(date(on));
        facts
    };
    for on in ["2026-02-20", "2026-03-05", DUE, "2026-03-20"] {
        for (now, moment) in [(BEFORE, Moment::OnArrival), (DEADLINE, covered()), (CAP, covered())] {
            assert_eq!(status(&voided(on), now, moment), Status::Withdrawn, "{on} {now}");
        }
    }
    // Of two invoices the one that is still owed is what the promise is about.
    let mut half = voided("2026-03-05");
    half.invoices.extend(settled("40", &[("2026-03-06", "40")]).invoices);
    assert_eq!(status(&half, BEFORE, covered()), Status::Kept);
    half.invoices[1].settled.clear();
    assert_eq!(status(&half, DEADLINE, covered()), Status::Broken);
    let half_known = Facts { all_invoices_known: false, ..voided("2026-03-05") };
    assert_eq!(status(&half_known, BEFORE, covered()), Status::Open);
}

#[test]
fn another_currency_keeps_nothing() {
    let mut facts = settled("100", &[("2026-03-05", "100")]);
    facts.invoices[0].currency = primitives::Currency::parse("USD").unwrap();
    assert_eq!(status(&facts, DEADLINE, covered()), Status::Broken);
}

#[test]
fn paid_is_capped_and_stops_where_the_promise_stops() {
    let promise = promise(MADE, DUE, "100.00");
    let paid = |facts: &Facts| judge_from(State::new(promise.amount), &promise, facts, DEADLINE, covered()).state.paid;
    assert_eq!(paid(&settled("500", &[("2026-03-05", "300")])), cop("100"));
    let replaced = Facts {
        replaced_on: Some(date("2026-03-06")),
        ..settled("500", &[("2026-03-05", "30"), ("2026-03-07", "60")])
    };
    assert_eq!(paid(&replaced), cop("30"));
}

#[test]
fn late_information_corrects_a_terminal_state_behind_the_next_barrier() {
    let promise = promise(MADE, DUE, "100.00");
    let open = State::new(promise.amount);
    let broken = judge_from(open, &promise, &settled("100", &[]), DEADLINE, covered()).state;
    assert_eq!((broken.status, broken.late_information), (Status::Broken, false));

    let paid = settled("100", &[(DUE, "100")]);
    let on_arrival = judge_from(broken, &promise, &paid, CAP, Moment::OnArrival);
    assert_eq!(on_arrival, Judgement { state: broken, look_again: LookAgain::AtOnce });
    let kept = judge_from(broken, &promise, &paid, CAP, covered()).state;
    assert_eq!((kept.status, kept.late_information), (Status::Kept, true));

    // The cheque bounces: the source that is behind by now does not reopen what was confirmed.
    let bounced = judge_from(kept, &promise, &settled("100", &[]), CAP, uncovered()).state;
    assert_eq!((bounced.status, bounced.late_information), (Status::Broken, true));

    let withdrawn = Facts { withdrawn_on: Some(date("2026-03-04")), ..settled("100", &[]) };
    let corrected = judge_from(broken, &promise, &withdrawn, CAP, covered()).state;
    assert_eq!((corrected.status, corrected.late_information), (Status::Withdrawn, true));
}

#[test]
fn a_reversal_before_the_deadline_just_reopens() {
    let promise = promise(MADE, DUE, "100.00");
    let kept = judge_from(State::new(promise.amount), &promise, &settled("100", &[(MADE, "100")]), BEFORE, covered());
    assert_eq!((kept.state.status, kept.look_again), (Status::Kept, LookAgain::At(instant(DEADLINE))));
    let unpaid = settled("100", &[]);
    let waiting = judge_from(kept.state, &promise, &unpaid, BEFORE, Moment::OnArrival);
    assert_eq!((waiting.state, waiting.look_again), (kept.state, LookAgain::AtOnce));
    let reopened = judge_from(kept.state, &promise, &unpaid, BEFORE, covered());
    assert_eq!(reopened.state, State::new(promise.amount));
    assert_eq!(reopened.look_again, LookAgain::At(instant(DEADLINE)));
}

#[test]
fn every_deadline_is_confirmed_once_however_the_promise_ended() {
    let promise = promise(MADE, DUE, "100.00");
    let paid = settled("100", &[(DUE, "100")]);
    let kept = judge_from(State::new(promise.amount), &promise, &paid, BEFORE, Moment::OnArrival);
    let waiting = judge_from(kept.state, &promise, &paid, DEADLINE, uncovered());
    assert_eq!((waiting.state, waiting.look_again), (kept.state, LookAgain::At(instant(CAP))));
    let confirmed = judge_from(kept.state, &promise, &paid, DEADLINE, covered());
    assert!(confirmed.state.looks_like(&kept.state));
    assert_eq!(confirmed.state.confirmed_at, Some(instant(DEADLINE)));
    assert_eq!(confirmed.look_again, LookAgain::OnNews);

    // News that came before the deadline was confirmed is not late, whenever it is judged.
    let unpaid = settled("100", &[]);
    let bounced = |before| judge_from(before, &promise, &unpaid, CAP, covered()).state;
    assert_eq!((bounced(kept.state).status, bounced(kept.state).late_information), (Status::Broken, false));
    let late = bounced(confirmed.state);
    assert_eq!((late.status, late.late_information), (Status::Broken, true));
}

#[test]
fn a_clock_that_goes_back_does_not_fire_twice() {
    let promise = promise(MADE, DUE, "100.00");
    let unpaid = settled("100", &[]);
    for moment in [covered(), uncovered()] {
        let fired = judge_from(State::new(promise.amount), &promise, &unpaid, DEADLINE, moment).state;
        assert_eq!(judge_from(fired, &promise, &unpaid, "2026-03-14T04:00:00Z", moment).state, fired);
    }
}

#[test]
fn deadlines_are_civil_in_every_zone() {
    // (zone, promised day, first instant that is too late); numbers are those of reliability.md §1.4
    let cases = [
        ("America/Santiago", "2026-09-05", "2026-09-06T04:00:00Z"), // 1: midnight does not exist
        ("America/Santiago", "2026-04-04", "2026-04-05T04:00:00Z"), // 2: an hour of the day happens twice
        ("Africa/Cairo", "2026-04-23", "2026-04-23T22:00:00Z"),     // 3: midnight gap
        ("Asia/Beirut", "2026-03-28", "2026-03-28T22:00:00Z"),      // 3
        ("America/Havana", "2026-03-07", "2026-03-08T05:00:00Z"),   // 3
        ("America/Havana", "2026-10-31", "2026-11-01T04:00:00Z"),   // 4: midnight happens twice, the first counts
        ("Australia/Lord_Howe", "2026-04-04", "2026-04-04T13:00:00Z"), // 5: the eve of a half-hour change
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-05T13:30:00Z"), // 5
        ("Africa/Casablanca", "2026-02-14", "2026-02-14T23:00:00Z"), // 6: before Ramadan
        ("Africa/Casablanca", "2026-02-15", "2026-02-16T00:00:00Z"), // 6: in Ramadan
        ("Asia/Kathmandu", "2026-01-01", "2026-01-01T18:15:00Z"),   // 7
        ("Pacific/Kiritimati", "2026-01-01", "2026-01-01T10:00:00Z"), // 7
        ("America/Asuncion", "2026-07-01", "2026-07-02T03:00:00Z"), // 8: fixed -03 since 2024b
        ("America/Bogota", "2026-07-01", "2026-07-02T05:00:00Z"),   // 9
        ("America/Mexico_City", "2026-07-01", "2026-07-02T06:00:00Z"), // 9: no daylight saving any more
        ("America/Sao_Paulo", "2026-12-31", "2027-01-01T03:00:00Z"), // 9
        ("America/Tijuana", "2026-07-01", "2026-07-02T07:00:00Z"),  // 9: still has it
        ("Pacific/Apia", "2011-12-29", "2011-12-30T10:00:00Z"),     // 10: the 30th was skipped
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),     // 10: and ends where it would have begun
    ];
    for (zone, day, expected) in cases {
        let mut promise = promise("2011-01-01", day, "100.00");
        promise.zone = zone.parse::<Tz>().unwrap();
        let unpaid = settled("100", &[]);
        let at = |now: DateTime<Utc>| {
            judge_from(State::new(promise.amount), &promise, &unpaid, &now.to_rfc3339(), covered())
        };
        let deadline = instant(expected);
        assert_eq!(at(deadline - Duration::milliseconds(1)).state.status, Status::Open, "{zone} {day}");
        assert_eq!(at(deadline - Duration::milliseconds(1)).look_again, LookAgain::At(deadline), "{zone} {day}");
        assert_eq!(at(deadline).state.status, Status::Broken, "{zone} {day}"); // 16: now exactly
        let paid = settled("100", &[(day, "100")]);
        let same_instant = judge_from(State::new(promise.amount), &promise, &paid, expected, covered());
        assert_eq!(same_instant.state.status, Status::Kept, "{zone} {day}"); // 17: paid in the same millisecond
    }
}

#[test]
fn the_zone_of_the_promise_counts_and_no_other() {
    // 18 and 19: the fact carries its zone. An instant at which the day is over in Madrid but not in Tijuana.
    let now = "2026-03-14T00:00:00Z";
    let unpaid = settled("100", &[]);
    for (zone, expected) in [(Tz::Europe__Madrid, Status::Broken), (Tz::America__Tijuana, Status::Open)] {
        let mut promise = promise(MADE, DUE, "100.00");
        promise.zone = zone;
        assert_eq!(judge_from(State::new(promise.amount), &promise, &unpaid, now, covered()).state.status, expected);
    }
}

#[test]
fn a_deadline_already_past_is_open_until_the_barrier() {
    // 15: entered a week late. Arrival leaves it open and asks for a judgement at a time that has passed.
    let promise = promise(MADE, DUE, "100.00");
    let unpaid = settled("100", &[]);
    let arrived = judge_from(State::new(promise.amount), &promise, &unpaid, CAP, Moment::OnArrival);
    assert_eq!((arrived.state.status, arrived.look_again), (Status::Open, LookAgain::At(instant(DEADLINE))));
    assert_eq!(judge_from(arrived.state, &promise, &unpaid, CAP, covered()).state.status, Status::Broken);
}

/// One thing that becomes known, as a set that only grows: the newest version of the invoice, a withdrawal, a successor.
#[derive(Debug, Clone)]
enum News {
    Invoice { version: usize, settlements: Vec<(u64, u32)> },
    Withdrawn(u64),
    Replaced(u64),
}

fn day(offset: u64) -> NaiveDate {
    date("2026-02-28") + chrono::Days::new(offset)
}

fn learn(known: &mut (usize, Facts), news: &News) {
    let (newest, facts) = known;
    match news {
        News::Invoice { version, settlements } if *version > *newest => {
            *newest = *version;
            let settlements = settlements.iter().map(|(offset, amount)| (day(*offset), Decimal::from(*amount)));
            let settled = crate::domain::facts::by_day(settlements);
            facts.invoices = vec![crate::domain::facts::Invoice {
                currency: cop("0").currency(),
                amount: Decimal::from(500),
                settled,
                voided_on: None,
            }];
            facts.all_invoices_known = true;
        }
        News::Invoice { .. } => {}
        News::Withdrawn(offset) => {
            facts.withdrawn_on = Some(facts.withdrawn_on.map_or(day(*offset), |on| on.min(day(*offset))));
        }
        News::Replaced(offset) => {
            facts.replaced_on = Some(facts.replaced_on.map_or(day(*offset), |on| on.min(day(*offset))));
        }
    }
}

/// The model: walks through the days as a collector with a notebook would.
fn by_the_notebook(promise: &Promise, facts: &Facts) -> (Status, Decimal) {
    let mut sum = Decimal::ZERO;
    let mut on = promise.made_on;
    while on <= promise.promised_date {
        let today = facts.invoices.iter().flat_map(|invoice| &invoice.settled).filter(|entry| entry.on == on);
        sum += today.map(|entry| entry.amount).sum::<Decimal>();
        if sum >= promise.amount.amount() {
            return (Status::Kept, promise.amount.amount());
        }
        if facts.replaced_on.is_some_and(|day| day <= on) {
            return (Status::Replaced, sum);
        }
        if facts.withdrawn_on.is_some_and(|day| day <= on) {
            return (Status::Withdrawn, sum);
        }
        on = on.succ_opt().unwrap();
    }
    (if sum.is_zero() { Status::Broken } else { Status::PartiallyKept }, sum)
}

fn news() -> impl Strategy<Value = Vec<News>> {
    let settlements = prop::collection::vec((2_u64..18, 1_u32..80), 0..4);
    let invoices = prop::collection::vec(settlements, 0..4).prop_map(|versions| {
        let version = |(index, settlements)| News::Invoice { version: index + 1, settlements };
        versions.into_iter().enumerate().map(version).collect::<Vec<_>>()
    });
    let withdrawn = prop::collection::vec((2_u64..18).prop_map(News::Withdrawn), 0..2);
    let replaced = prop::collection::vec((2_u64..18).prop_map(News::Replaced), 0..2);
    (invoices, withdrawn, replaced).prop_map(|(invoices, withdrawn, replaced)| [invoices, withdrawn, replaced].concat())
}

fn shuffled_with_repetitions() -> impl Strategy<Value = (Vec<News>, Vec<News>)> {
    news().prop_flat_map(|news| {
        let twice = [news.clone(), news.clone()].concat();
        (Just(news), Just(twice).prop_shuffle())
    })
}

proptest! {
    /// Any order and duplication, with judgements in between at any time: one terminal state, the model's.
    #[test]
    fn any_order_ends_in_the_same_terminal_state(
        (news, shuffled) in shuffled_with_repetitions(),
        hours in prop::collection::vec(0_i64..30 * 24, 16),
        coverage in prop::collection::vec(prop::bool::ANY, 16),
    ) {
        let promise = promise(MADE, DUE, "100.00");
        let policy = policy();
        let terms = policy.terms(&promise);
        let deadline = terms.deadline(promise.zone);
        let mut hours = hours;
        hours.sort_unstable();

        let mut known = (0, Facts::default());
        let mut state = State::new(promise.amount);
        for ((news, hours), is_covered) in shuffled.iter().zip(hours.iter().cycle()).zip(coverage.iter().cycle()) {
            learn(&mut known, news);
            let now = instant("2026-03-02T12:00:00Z") + Duration::hours(*hours);
            for moment in [Moment::OnArrival, if *is_covered { covered() } else { uncovered() }] {
                let next = judge(&promise, terms, state, &known.1, &policy, now, moment).unwrap().state;
                if moment == Moment::OnArrival && state.status.is_terminal() {
                    prop_assert_eq!(next, state);
                }
                if now < deadline {
                    prop_assert!(!next.status.needs_the_clock(), "early: {:?} at {}", next, now);
                    prop_assert!(!next.late_information && next.confirmed_at.is_none());
                }
                prop_assert!(next.paid.amount() <= promise.amount.amount());
                state = next;
            }
        }

        let mut complete = (0, Facts::default());
        for news in &news {
            learn(&mut complete, news);
        }
        prop_assert_eq!(&complete.1, &known.1);
        let end = judge(&promise, terms, state, &known.1, &policy, instant("2026-06-01T00:00:00Z"), covered()).unwrap();
        let (expected, paid) = by_the_notebook(&promise, &complete.1);
        prop_assert_eq!(end.state.status, expected);
        prop_assert_eq!(end.state.paid.amount(), paid.normalize());
        prop_assert!(end.state.status.is_terminal());
        prop_assert_eq!(end.look_again, LookAgain::OnNews);

        // Once quiet, judging again changes nothing, on arrival or behind a barrier.
        let again = judge(&promise, terms, end.state, &known.1, &policy, instant("2026-06-02T00:00:00Z"), uncovered()).unwrap();
        prop_assert_eq!(again, end);
        let arrival = judge(&promise, terms, end.state, &known.1, &policy, instant("2026-06-02T00:00:00Z"), Moment::OnArrival).unwrap();
        prop_assert_eq!(arrival, end);
    }
}

fn instalment(number: i32, of: i32, promised: &str, amount: Decimal, before: Decimal) -> Promise {
    let plan = Instalment { plan_id: uuid::Uuid::nil(), plan_code: "PL-1".to_owned(), number, of, before };
    Promise { instalment: Some(plan), ..promise(MADE, promised, &format!("{amount:.2}")) }
}

#[test]
fn an_instalment_is_kept_after_those_before_it() {
    let second = instalment(2, 2, DUE, Decimal::from(100), Decimal::from(50));
    let judged = |facts: &Facts| judge_from(State::new(second.amount), &second, facts, DEADLINE, covered()).state;
    for (paid, status, of_it) in [
        ("50", Status::Broken, 0),
        ("120", Status::PartiallyKept, 70),
        ("150", Status::Kept, 100),
        ("400", Status::Kept, 100),
    ] {
        let state = judged(&settled("500", &[(DUE, paid)]));
        assert_eq!((state.status, state.paid.amount()), (status, Decimal::from(of_it)), "{paid}");
    }
    // Nobody pays more than was owed.
    assert_eq!(judged(&settled("140", &[(DUE, "140")])).status, Status::Kept);
    let defaulted = Facts { defaulted_on: Some(date("2026-03-06")), ..settled("500", &[("2026-03-09", "400")]) };
    let state = judged(&defaulted);
    assert_eq!((state.status, state.paid.amount()), (Status::Withdrawn, Decimal::ZERO), "paid after the default");
    let in_time = Facts { defaulted_on: Some(date("2026-03-06")), ..settled("500", &[("2026-03-06", "400")]) };
    assert_eq!(judged(&in_time).status, Status::Kept);
}

proptest! {
    /// However much is paid, the instalments share it one after the other, none twice and none left out.
    #[test]
    fn what_is_paid_is_split_between_instalments(
        amounts in prop::collection::vec(1_u32..100, 1..6),
        paid in 0_u32..700,
    ) {
        let facts = settled("1000", &[(DUE, &paid.to_string())]);
        let of = i32::try_from(amounts.len()).unwrap();
        let mut before = Decimal::ZERO;
        let mut parts = Vec::new();
        for (number, amount) in (1..).zip(&amounts) {
            let promise = instalment(number, of, DUE, Decimal::from(*amount), before);
            let state = judge_from(State::new(promise.amount), &promise, &facts, DEADLINE, covered()).state;
            parts.push((state.status, state.paid.amount(), Decimal::from(*amount)));
            before += Decimal::from(*amount);
        }
        let sum: Decimal = parts.iter().map(|(_, paid, _)| *paid).sum();
        prop_assert_eq!(sum, before.min(Decimal::from(paid)));
        for pair in parts.windows(2) {
            prop_assert!(pair[0].0 == Status::Kept || pair[1].1.is_zero(), "a later one is paid before: {:?}", parts);
        }
        for (status, paid, amount) in &parts {
            prop_assert_eq!(*status == Status::Kept, paid == amount);
        }
    }
}
