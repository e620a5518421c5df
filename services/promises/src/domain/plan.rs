//! A payment plan: what its instalments come to.

use std::fmt;

use crate::domain::promise::Status;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlanStatus {
    /// Nothing of it failed, and something is still to come.
    Active,
    Completed,
    /// An instalment was broken, or kept in part.
    Broken,
    Withdrawn,
    /// A later agreement took its place.
    Replaced,
}

impl PlanStatus {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Broken => "broken",
            Self::Withdrawn => "withdrawn",
            Self::Replaced => "replaced",
        }
    }

    /// Of a plan with these instalments, of which `expected` there are in all: some may not have come yet.
    pub(crate) fn of(instalments: &[Status], expected: usize) -> Self {
        let any = |status: Status| instalments.contains(&status);
        if instalments.iter().any(|status| status.is_default()) {
            Self::Broken
        } else if any(Status::Replaced) {
            Self::Replaced
        } else if any(Status::Withdrawn) {
            Self::Withdrawn
        } else if instalments.len() >= expected && instalments.iter().all(|status| *status == Status::Kept) {
            Self::Completed
        } else {
            Self::Active
        }
    }
}

impl fmt::Display for PlanStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_what_its_instalments_come_to() {
        use Status::{Broken, DueUnconfirmed, Kept, Open, PartiallyKept, Replaced, Withdrawn};
        let cases: [(&[Status], PlanStatus); 9] = [
            (&[Open, Open], PlanStatus::Active),
            (&[Kept, DueUnconfirmed], PlanStatus::Active),
            (&[Kept], PlanStatus::Active),
            (&[Kept, Kept], PlanStatus::Completed),
            (&[Kept, Broken], PlanStatus::Broken),
            // What follows a default is withdrawn.
            (&[PartiallyKept, Withdrawn], PlanStatus::Broken),
            (&[Kept, Withdrawn], PlanStatus::Withdrawn),
            (&[Kept, Replaced], PlanStatus::Replaced),
            (&[], PlanStatus::Active),
        ];
        for (instalments, expected) in cases {
            assert_eq!(PlanStatus::of(instalments, 2), expected, "{instalments:?}");
        }
    }
}
