//! What a debtor does when a reminder comes.

use super::behaviour::Habit;
use super::dice::Dice;

/// Of promises, how many are taken back before their day.
const WITHDRAWN_PERCENT: u32 = 3;
/// Of promises that are not kept, how many are kept in part.
const PARTLY_PERCENT: u32 = 25;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Nothing,
    PaySooner {
        within_days: i32,
    },
    Promise(Plan),
    Dispute {
        resolved_after_days: i32,
        accepted: bool,
        /// Of the amount; `None`: the whole invoice.
        share_percent: Option<u32>,
    },
}

/// A promise, and what will come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) in_days: i32,
    pub(crate) outcome: Outcome,
    pub(crate) withdrawn_after_days: Option<i32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Kept,
    Partly,
    Broken { late_days: i32 },
}

/// One throw decides the kind of answer; the details follow from the same stream.
pub(crate) fn answer(habit: &Habit, dice: &mut Dice) -> Answer {
    let throw = dice.below(100);
    let promises = habit.promises_percent;
    let disputes = promises.saturating_add(habit.disputes_percent);
    let responds = disputes.saturating_add(habit.responds_percent);
    if throw < promises {
        Answer::Promise(plan(habit, dice))
    } else if throw < disputes {
        Answer::Dispute {
            resolved_after_days: dice.between(8, 28),
            accepted: dice.chance(55),
            share_percent: dice.chance(70).then(|| u32::try_from(dice.between(10, 40)).unwrap_or(10)),
        }
    } else if throw < responds {
        Answer::PaySooner { within_days: dice.between(1, 3) }
    } else {
        Answer::Nothing
    }
}

fn plan(habit: &Habit, dice: &mut Dice) -> Plan {
    let in_days = dice.between(3, 9);
    let outcome = if dice.chance(habit.keeps_percent) {
        Outcome::Kept
    } else if habit.pays && dice.chance(PARTLY_PERCENT) {
        Outcome::Partly
    } else {
        Outcome::Broken { late_days: dice.between(6, 30) }
    };
    let withdrawn_after_days = dice.chance(WITHDRAWN_PERCENT).then(|| dice.between(1, 2));
    Plan { in_days, outcome, withdrawn_after_days }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;

    use super::super::behaviour::{Behaviour, DECK};
    use super::super::dice::Purpose;
    use super::*;

    fn dice(seed: u64) -> Dice {
        Dice::of(seed, 1, NaiveDate::from_ymd_opt(2026, 1, 5).unwrap(), Purpose::Reaction)
    }

    #[test]
    fn who_never_pays_never_keeps_a_promise() {
        let habit = Behaviour::NeverPays.habit();
        for seed in 0..2000 {
            if let Answer::Promise(plan) = answer(&habit, &mut dice(seed)) {
                assert!(matches!(plan.outcome, Outcome::Broken { .. }));
            }
        }
    }

    proptest! {
        #[test]
        fn every_answer_lies_in_the_future_and_is_the_same_twice(seed in any::<u64>(), card in 0..DECK.len()) {
            let habit = DECK[card].0.habit();
            let first = answer(&habit, &mut dice(seed));
            prop_assert_eq!(first, answer(&habit, &mut dice(seed)));
            let days = match first {
                Answer::Nothing => 1,
                Answer::PaySooner { within_days } => within_days,
                Answer::Promise(plan) => plan.in_days,
                Answer::Dispute { resolved_after_days, .. } => resolved_after_days,
            };
            prop_assert!(days >= 1);
        }

        #[test]
        fn percentages_of_answers_fit_into_a_hundred(card in 0..DECK.len()) {
            let habit = DECK[card].0.habit();
            prop_assert!(habit.promises_percent + habit.disputes_percent + habit.responds_percent <= 100);
        }
    }
}
