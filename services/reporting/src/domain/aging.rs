//! What is owed, by how long it has been overdue.

use rust_decimal::Decimal;

/// Which due date tells the days: the one printed on the invoice, or the later one that was agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum AgingClock {
    #[default]
    Original,
    Effective,
}

/// A range of days past due. On the due date itself (0 days) an item is not overdue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bucket {
    NotDue,
    Days1To30,
    Days31To60,
    Days61To90,
    Days91To120,
    Over120,
}

impl Bucket {
    pub(crate) const ALL: [Self; 6] =
        [Self::NotDue, Self::Days1To30, Self::Days31To60, Self::Days61To90, Self::Days91To120, Self::Over120];

    /// The bucket of an item `days` past its due date; negative before it. Left-closed, without gaps.
    pub(crate) fn of(days: i64) -> Self {
        match days {
            ..=0 => Self::NotDue,
            1..=30 => Self::Days1To30,
            31..=60 => Self::Days31To60,
            61..=90 => Self::Days61To90,
            91..=120 => Self::Days91To120,
            121.. => Self::Over120,
        }
    }

    /// The name on the wire.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::NotDue => "not_due",
            Self::Days1To30 => "1-30",
            Self::Days31To60 => "31-60",
            Self::Days61To90 => "61-90",
            Self::Days91To120 => "91-120",
            Self::Over120 => ">120",
        }
    }
}

/// What is open in one currency at one number of days past due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenAtDays {
    pub(crate) currency: String,
    pub(crate) days_past_due: i64,
    pub(crate) amount: Decimal,
    pub(crate) items: i64,
}

/// One bar: amount and number of items of a bucket in a currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AgingRow {
    pub(crate) currency: String,
    pub(crate) bucket: Bucket,
    pub(crate) amount: Decimal,
    pub(crate) items: i64,
}

/// All buckets of every currency that owes anything, by currency and then age; empty buckets included, so that two days
/// can be laid side by side.
pub(crate) fn age(open: &[OpenAtDays]) -> Vec<AgingRow> {
    let mut currencies: Vec<&str> = open.iter().map(|row| row.currency.as_str()).collect();
    currencies.sort_unstable();
    currencies.dedup();
    currencies
        .into_iter()
        .flat_map(|currency| Bucket::ALL.map(|bucket| (currency, bucket)))
        .map(|(currency, bucket)| {
            let inside =
                || open.iter().filter(move |row| row.currency == currency && Bucket::of(row.days_past_due) == bucket);
            AgingRow {
                currency: currency.to_owned(),
                bucket,
                amount: inside().map(|row| row.amount).sum(),
                items: inside().map(|row| row.items).sum(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_start_the_day_after_the_due_date() {
        let cases = [
            (i64::MIN, "not_due"),
            (0, "not_due"),
            (1, "1-30"),
            (30, "1-30"),
            (31, "31-60"),
            (60, "31-60"),
            (61, "61-90"),
            (90, "61-90"),
            (91, "91-120"),
            (120, "91-120"),
            (121, ">120"),
            (i64::MAX, ">120"),
        ];
        for (days, expected) in cases {
            assert_eq!(Bucket::of(days).code(), expected, "{days} days");
        }
    }

    proptest! {
        #[test]
        fn the_buckets_partition_what_is_open(rows in prop::collection::vec(("COP|USD|MXN", -400_i64..800, 1_i64..1_000_000), 0..60)) {
            let open: Vec<OpenAtDays> = rows
                .into_iter()
                .map(|(currency, days_past_due, cents)| OpenAtDays { currency, days_past_due, amount: Decimal::new(cents, 2), items: 1 })
                .collect();
            let aged = age(&open);
            for currency in ["COP", "MXN", "USD"] {
                let of = |rows: &[AgingRow]| -> Decimal { rows.iter().filter(|row| row.currency == currency).map(|row| row.amount).sum() };
                let owed: Decimal = open.iter().filter(|row| row.currency == currency).map(|row| row.amount).sum();
                prop_assert_eq!(of(&aged), owed);
            }
            prop_assert_eq!(aged.iter().map(|row| row.items).sum::<i64>(), i64::try_from(open.len()).unwrap());
        }
    }
}
