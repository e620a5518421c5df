//! Segments, what they are decided from (scoring.md §3, 7), and the calibration that keeps them meaningful for every tenant.
//!
//! *Structural delay* is what the tenant's whole portfolio is late by: payment runs, slow portals, bank days. It is the
//! median delay of what was paid in the last year, never negative, in whole weeks. All thresholds are net of it, so
//! that adding a week to every delay moves nobody into another segment (field-rules.md §2).

use super::evidence::Threshold;
use super::features::Subject;
use super::rates::Levels;
pub(crate) use super::rules::Rules;

/// Fewer paid invoices than these have no meaningful median.
const FEWEST_FOR_CALIBRATION: u32 = 30;
/// Above this it is not structure any more.
const LONGEST_STRUCTURAL_DAYS: u32 = 28;
const SEVERE_DAYS: u32 = 14;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Segment {
    /// Established, seldom late.
    Regular,
    OccasionalLate,
    OftenLate,
    HighRisk,
    /// Not enough history.
    New,
}

impl Segment {
    pub(crate) const ALL: [Self; 5] = [Self::Regular, Self::OccasionalLate, Self::OftenLate, Self::HighRisk, Self::New];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::OccasionalLate => "occasional_late",
            Self::OftenLate => "often_late",
            Self::HighRisk => "high_risk",
            Self::New => "new",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|segment| segment.as_str() == text)
    }
}

/// Whole weeks by which a tenant's portfolio is late as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StructuralDelay(Threshold);

impl StructuralDelay {
    pub(crate) const NONE: Self = Self(Threshold::LATE);

    /// From the median of (cleared − due) in days over the last year's paid invoices.
    pub(crate) fn from_median(median_days: Option<i32>, invoices: u32) -> Self {
        let days = median_days.and_then(|days| u32::try_from(days).ok()).unwrap_or(0);
        if invoices < FEWEST_FOR_CALIBRATION { Self::NONE } else { Self::of_days(days) }
    }

    pub(crate) fn of_days(days: u32) -> Self {
        Self(Threshold::of_days(days.min(LONGEST_STRUCTURAL_DAYS)))
    }

    pub(crate) fn days(self) -> u32 {
        self.0.days()
    }

    fn severe(self) -> Threshold {
        Threshold::of_days(self.days() + SEVERE_DAYS)
    }
}

/// What a segment is decided from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Habit {
    pub observations: u32,
    /// Posterior share of invoices later than the structural delay.
    pub late_share: f64,
    /// Posterior share of invoices more than two weeks later than that.
    pub severe_share: f64,
    pub structural: StructuralDelay,
}

impl Habit {
    /// Of a customer of whom nothing is known.
    #[cfg(test)]
    pub(crate) const NONE: Self =
        Self { observations: 0, late_share: 0.0, severe_share: 0.0, structural: StructuralDelay::NONE };

    pub(crate) fn of(levels: Levels<'_>, structural: StructuralDelay, day: chrono::NaiveDate) -> Self {
        Self {
            observations: levels.customer.observations,
            late_share: levels.late_share(structural.0, day),
            severe_share: levels.severe_share(structural.severe(), day),
            structural,
        }
    }
}

/// The segment of a customer of whom only the habit is known, with its reasons, the deciding one first.
pub(crate) fn decide(habit: Habit, rules: &Rules) -> (Segment, Vec<String>) {
    rules.decide(&Subject::of_habit(habit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_cut_off_that_is_passed_decides() {
        let cases = [
            (2, 0.9, 0.9, 0, Segment::New, "observations=2<3"),
            (3, 0.9, 0.1299, 0, Segment::HighRisk, "severe_share=0.12>=0.10"),
            (9, 0.6249, 0.05, 0, Segment::OftenLate, "late_share=0.62>=0.50 severe_share=0.05<0.10"),
            (9, 0.1999, 0.0999, 0, Segment::Regular, "late_share=0.19<0.20 severe_share=0.09<0.10"),
            (
                9,
                0.20,
                0.05,
                7,
                Segment::OccasionalLate,
                "late_share=0.20>=0.20 late_share=0.20<0.50 severe_share=0.05<0.10 net_of_structural_days=7",
            ),
        ];
        for (observations, late_share, severe_share, days, segment, reasons) in cases {
            let habit = Habit { observations, late_share, severe_share, structural: StructuralDelay::of_days(days) };
            let decided = decide(habit, Rules::standard());
            assert_eq!((decided.0, decided.1.join(" ").as_str()), (segment, reasons));
        }
    }

    #[test]
    fn structural_delay_is_bounded_and_in_weeks() {
        let cases = [
            (None, 0, 0),
            (Some(9), 29, 0),
            (Some(9), 30, 7),
            (Some(-5), 500, 0),
            (Some(6), 500, 0),
            (Some(20), 500, 14),
            (Some(365), 500, 28),
        ];
        for (median, invoices, days) in cases {
            assert_eq!(StructuralDelay::from_median(median, invoices).days(), days, "{median:?} {invoices}");
        }
        assert_eq!(StructuralDelay::of_days(28).severe().days(), 42);
    }

    #[test]
    fn segments_are_read_as_they_are_written() {
        for segment in Segment::ALL {
            assert_eq!(Segment::parse(segment.as_str()), Some(segment));
        }
        assert_eq!(Segment::parse("titular"), None);
    }
}
