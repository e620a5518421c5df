//! What a rule may read of a customer, as of the close of a day: the published list, and the values.
//!
//! Every feature has a value for every customer: where nothing is known it is the neutral one (0, empty, false). A rule
//! therefore never fails for want of a value, and a feature that is switched off reads as if nothing were known (R05).
//!
//! Amounts are never compared across currencies and never as floats: they are asked for in a currency, as
//! `open_amount("COP")`, and are decimals. Rates between currencies are not scoring's to know.

use rust_decimal::Decimal;

use super::segment::Habit;
use super::standing::{Corporation, GroupHabit, NOTHING, Standing};

/// The type of a feature in an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `bool`
    Flag,
    /// `int`
    Count,
    /// `double`: a statistic, never money.
    Share,
    /// `string`
    Text,
    /// A decimal; read by calling the feature with a currency.
    Money,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "bool",
            Self::Count => "int",
            Self::Share => "double",
            Self::Text => "string",
            Self::Money => "decimal(currency)",
        }
    }
}

/// Where a feature comes from, which decides what has to be read for it and whom it makes worth a second look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    /// What the close of the day has learned.
    Habit,
    /// Invoices that are open at the end of the day.
    Book,
    /// What the source says of the customer.
    Master,
    /// Promises and disputes.
    Conduct,
    /// The corporate group as a whole.
    Group,
}

impl Family {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Habit => "habit",
            Self::Book => "book",
            Self::Master => "master",
            Self::Conduct => "conduct",
            Self::Group => "group",
        }
    }
}

macro_rules! features {
    ($($feature:ident $name:literal $kind:ident $family:ident $meaning:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Feature {
            $($feature,)*
        }

        impl Feature {
            /// In the order of the list that people read.
            pub(crate) const ALL: &[Self] = &[$(Self::$feature,)*];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$feature => $name,)* }
            }

            pub(crate) fn kind(self) -> Kind {
                match self { $(Self::$feature => Kind::$kind,)* }
            }

            pub(crate) fn family(self) -> Family {
                match self { $(Self::$feature => Family::$family,)* }
            }

            pub(crate) fn meaning(self) -> &'static str {
                match self { $(Self::$feature => $meaning,)* }
            }
        }
    };
}

features! {
    Observations "observations" Count Habit
        "invoices of which it is known whether they were paid late",
    LateShare "late_share" Share Habit
        "share of invoices paid later than the structural delay, 0 to 1, weighing the last year most",
    SevereShare "severe_share" Share Habit
        "share of invoices more than 14 days later than the structural delay, 0 to 1",
    StructuralDays "structural_days" Count Habit
        "days by which the whole portfolio is late: median of the last year in whole weeks, 0 to 28",
    PLate "p_late" Share Habit
        "probability that the next invoice is paid after its due date, as published, not net of anything",
    MeanDaysLate "mean_days_late" Share Habit
        "mean days late of late invoices; 0 when none was",
    OpenAmount "open_amount" Money Book
        "what is owed in the currency at the end of the day, disputed or not",
    OverdueAmount "overdue_amount" Money Book
        "the part of open_amount whose original due date has passed",
    OpenInvoices "open_invoices" Count Book
        "invoices not settled, in all currencies",
    OverdueInvoices "overdue_invoices" Count Book
        "those of them whose original due date has passed",
    OldestOverdueDays "oldest_overdue_days" Count Book
        "days since the oldest of their due dates; 1 on the day after it, 0 when nothing is overdue",
    ExposurePercentile "exposure_percentile" Count Book
        "share of the tenant's debtors in the same currency that owe less, 0 to 100; of several currencies the highest; 0 when nothing is owed",
    OverduePercentile "overdue_percentile" Count Book
        "the same by what is overdue, among debtors with anything overdue",
    TenureDays "tenure_days" Count Book
        "days since the first invoice was issued",
    Tier "tier" Text Master
        "relationship as the CRM says it, as strategic; empty when unknown",
    Rating "rating" Text Master
        "credit rating as the source writes it; empty when unknown",
    Group "group" Text Master
        "code of the corporate group; empty when none",
    HasCreditLimit "has_credit_limit" Flag Master
        "the source has told a credit limit",
    CreditLimit "credit_limit" Money Master
        "the limit, where it is in this currency; else 0",
    KeptPromises "kept_promises" Count Conduct
        "promises of the last 365 days that were kept",
    BrokenPromises "broken_promises" Count Conduct
        "promises of the last 365 days that were broken, or kept in part only",
    OpenPromises "open_promises" Count Conduct
        "promises that wait for their day or for the bank",
    OpenDisputes "open_disputes" Count Conduct
        "disputes not resolved",
    GroupCustomers "group_customers" Count Group
        "customers of the corporate group, this one included; 1 without a group",
    GroupLateShare "group_late_share" Share Group
        "mean late_share of the group's customers, weighted by observations; the customer's own without a group",
    GroupSevereShare "group_severe_share" Share Group
        "the same of severe_share",
    GroupOpenAmount "group_open_amount" Money Group
        "open_amount of all customers of the group",
    GroupOverdueAmount "group_overdue_amount" Money Group
        "overdue_amount of all customers of the group",
    GroupBrokenPromises "group_broken_promises" Count Group
        "broken_promises of all customers of the group",
}

impl Feature {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|feature| feature.name() == name)
    }
}

/// A customer as rules see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub habit: Habit,
    pub p_late: f64,
    /// 0 when no invoice was late.
    pub mean_days_late: f64,
    pub standing: &'a Standing,
    pub group: Option<(&'a Corporation, GroupHabit)>,
}

/// A value in an expression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scalar<'a> {
    Flag(bool),
    Count(i64),
    Share(f64),
    Text(&'a str),
    Money(Decimal),
}

impl Kind {
    /// What is read where nothing is known.
    pub(crate) fn neutral(self) -> Scalar<'static> {
        match self {
            Self::Flag => Scalar::Flag(false),
            Self::Count => Scalar::Count(0),
            Self::Share => Scalar::Share(0.0),
            Self::Text => Scalar::Text(""),
            Self::Money => Scalar::Money(Decimal::ZERO),
        }
    }
}

impl<'a> Subject<'a> {
    /// A customer of whom only the habit is known.
    pub(crate) fn of_habit(habit: Habit) -> Self {
        Self { habit, p_late: 0.0, mean_days_late: 0.0, standing: &NOTHING, group: None }
    }

    /// The value of a feature; of amounts, in `currency`.
    pub(crate) fn value(&self, feature: Feature, currency: &str) -> Scalar<'a> {
        let standing = self.standing;
        let count = |count: i32| Scalar::Count(i64::from(count));
        let owed = standing.owed.get(currency).copied().unwrap_or_default();
        let of_group = || match self.group {
            Some((group, _)) => group.owed.get(currency).copied().unwrap_or_default(),
            None => owed,
        };
        let group_habit = self.group.map(|(_, habit)| habit);
        match feature {
            Feature::Observations => Scalar::Count(i64::from(self.habit.observations)),
            Feature::LateShare => Scalar::Share(self.habit.late_share),
            Feature::SevereShare => Scalar::Share(self.habit.severe_share),
            Feature::StructuralDays => Scalar::Count(i64::from(self.habit.structural.days())),
            Feature::PLate => Scalar::Share(self.p_late),
            Feature::MeanDaysLate => Scalar::Share(self.mean_days_late),
            Feature::OpenAmount => Scalar::Money(owed.open),
            Feature::OverdueAmount => Scalar::Money(owed.overdue),
            Feature::OpenInvoices => count(standing.open_invoices),
            Feature::OverdueInvoices => count(standing.overdue_invoices),
            Feature::OldestOverdueDays => count(standing.oldest_overdue_days),
            Feature::ExposurePercentile => count(standing.exposure_percentile),
            Feature::OverduePercentile => count(standing.overdue_percentile),
            Feature::TenureDays => count(standing.tenure_days),
            Feature::Tier => Scalar::Text(&standing.tier),
            Feature::Rating => Scalar::Text(&standing.rating),
            Feature::Group => Scalar::Text(&standing.group),
            Feature::HasCreditLimit => Scalar::Flag(standing.credit_limit.is_some()),
            Feature::CreditLimit => {
                let limit = standing.credit_limit.as_ref().filter(|(of, _)| of == currency);
                Scalar::Money(limit.map(|(_, limit)| *limit).unwrap_or_default())
            }
            Feature::KeptPromises => count(standing.kept_promises),
            Feature::BrokenPromises => count(standing.broken_promises),
            Feature::OpenPromises => count(standing.open_promises),
            Feature::OpenDisputes => count(standing.open_disputes),
            Feature::GroupCustomers => {
                Scalar::Count(self.group.map_or(1, |(group, _)| i64::try_from(group.members.len()).unwrap_or(i64::MAX)))
            }
            Feature::GroupLateShare => {
                Scalar::Share(group_habit.map_or(self.habit.late_share, |habit| habit.late_share))
            }
            Feature::GroupSevereShare => {
                Scalar::Share(group_habit.map_or(self.habit.severe_share, |habit| habit.severe_share))
            }
            Feature::GroupOpenAmount => Scalar::Money(of_group().open),
            Feature::GroupOverdueAmount => Scalar::Money(of_group().overdue),
            Feature::GroupBrokenPromises => {
                count(self.group.map_or(standing.broken_promises, |(group, _)| group.broken_promises))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_there_once_and_fit_an_expression() {
        for feature in Feature::ALL {
            assert_eq!(Feature::named(feature.name()), Some(*feature));
            assert!(feature.name().chars().all(|it| it == '_' || it.is_ascii_lowercase()));
            let value = Subject::of_habit(Habit::NONE).value(*feature, "COP");
            assert_eq!(
                std::mem::discriminant(&value),
                std::mem::discriminant(&feature.kind().neutral()),
                "{feature:?}"
            );
        }
    }
}
