//! What a dispute of the invoice itself says: known only after its issue, so it is no input of the regression but shifts
//! the odds by how much more often late invoices were disputed before they were late than others (Bayes).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::arithmetic::ln;
use super::statistics::{Cell, HalfLife, Prior, shrunk};

/// Before anything is known one invoice in twenty is disputed, late or not.
const DISPUTED: Prior = Prior { mean: 0.05, strength: 20.0 };

/// How often invoices were disputed before their label settled.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Disputes {
    late: Cell,
    on_time: Cell,
}

impl Disputes {
    pub(super) fn learn(&mut self, day: NaiveDate, late: bool, disputed: bool) {
        let cell = if late { &mut self.late } else { &mut self.on_time };
        cell.add(day, if disputed { 1.0 } else { 0.0 }, 1.0, HalfLife::Days365);
    }

    /// ln(P(disputed | late) / P(disputed | on time)): what a dispute adds to the log-odds of being late.
    pub(super) fn log_ratio(&self, day: NaiveDate) -> f64 {
        let share = |cell: Cell| shrunk(cell.at(day, HalfLife::Days365), DISPUTED);
        ln(share(self.late) / share(self.on_time))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::evidence::tests::date;
    use super::*;

    #[test]
    fn a_dispute_says_as_much_as_was_seen() {
        let day = date("2026-01-01");
        let mut disputes = Disputes::default();
        assert_eq!(disputes.log_ratio(day).to_bits(), 0.0_f64.to_bits());
        for number in 0..80 {
            disputes.learn(day, number % 2 == 0, number % 4 == 0);
        }
        // late: 40 labels of which 20 were disputed, on time: 40 of which none was; both with 1 of 20 before
        let expected = ((21.0_f64 / 60.0) / (1.0 / 60.0)).ln();
        assert!((disputes.log_ratio(day) - expected).abs() < 1e-12, "{}", disputes.log_ratio(day));
    }
}
