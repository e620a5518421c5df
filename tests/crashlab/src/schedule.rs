//! Everything that one seed decides before anything runs.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::dice::Dice;
use crate::fault::{self, Fault, Planned, ROLES};
use crate::told::Fact;
use crate::workload::{self, shift};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Schedule {
    pub seed: u64,
    /// The days that are lived with faults, then two without.
    pub days: Vec<NaiveDate>,
    /// How many of them have faults.
    pub faulty_days: usize,
    pub faults: Vec<Planned>,
    /// Roles that have two replicas from the start.
    pub doubled: Vec<String>,
    pub facts: Vec<Fact>,
}

impl Schedule {
    pub fn of(seed: u64, without: &[String]) -> Self {
        let mut days = workload::days(seed);
        let faulty_days = days.len();
        let faults = fault::plan(seed, faulty_days, without);
        let blind = faults.iter().find(|planned| planned.fault == Fault::Blind).map(|planned| planned.day);
        let mut facts = workload::facts(seed, &days, blind);
        let last = days[faulty_days - 1];
        for index in 0..2 {
            let day = shift(last, [4, 5][index]);
            facts.extend(workload::closing(day, faulty_days + index));
            days.push(day);
        }
        let mut dice = Dice::of(seed, 3);
        let doubled = ROLES[1..].iter().filter(|_| dice.percent(20)).map(|role| (*role).to_owned()).collect();
        Self { seed, days, faulty_days, faults, doubled, facts }
    }

    /// The same without some of its faults. What is told stays the same.
    #[must_use]
    pub fn with_faults(&self, faults: Vec<Planned>) -> Self {
        Self { faults, ..self.clone() }
    }

    pub(crate) fn blind_day(&self) -> Option<usize> {
        self.faults.iter().find(|planned| planned.fault == Fault::Blind).map(|planned| planned.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_gives_the_same_schedule() {
        let json = |seed| serde_json::to_string(&Schedule::of(seed, &[])).unwrap();
        assert_eq!(json(7), json(7));
        assert_ne!(json(7), json(8));
    }

    #[test]
    fn a_printed_schedule_can_be_read_again() {
        let schedule = Schedule::of(3, &[]);
        let text = serde_json::to_string(&schedule).unwrap();
        let read: Schedule = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }
}
