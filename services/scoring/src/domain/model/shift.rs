//! Has a customer begun to pay differently (R10)? A test that nobody has to look at a chart for, and that says how often it
//! cries wolf.
//!
//! Each payment day's delay is ranked among the earlier ones (those of the last few payment days apart, so that a change
//! does not become the usual before it is noticed). While nothing changes, ranks are uniform, whatever the shape of the
//! delays. Each is bet against, once that it is unusually large and once that it is unusually small; the wins of bets that
//! begin at every day are added up (the Shiryaev–Roberts sum). With uniform ranks such a sum passes 1,000 once in 1,000
//! payment days or less (Volkhonskiy et al. 2017, conformal test martingales; Shin, Ramdas and Rinaldo 2023, e-detectors).
//! The window makes ranks a little dependent; simulated, both directions together: one false alarm in 550 to 830 payment
//! days. Ten days more where delays spread by five are found after six payment days.

use std::collections::VecDeque;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::arithmetic::{exp, ln};
use super::memory::day_number;

/// Payment days that the newest is ranked among, at most …
const WINDOW: usize = 40;
/// … and at least.
const FEWEST: usize = 8;
/// The last ones, which it is not ranked among.
const LAG: usize = 6;
/// A bet pays κ·p^(κ−1): fair for a uniform p.
const KAPPA: f64 = 0.4;
/// Payment days of a customer that does not change for each false alarm, at least; a test simulates it.
pub(crate) const PAYMENTS_PER_FALSE_ALARM: u32 = 450;
/// The sum of bets at which a shift is declared.
const ALARM: f64 = 1_000.0;
/// Each side of a shift has at least so many payment days.
const FEWEST_OF_SIDE: usize = 3;

/// A payment day: the median delay of what was cleared on it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Payment {
    #[serde(with = "day_number")]
    on: NaiveDate,
    delay: i32,
}

/// A change of habit with its evidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shift {
    /// First payment day of the new habit.
    #[serde(with = "day_number")]
    pub since: NaiveDate,
    /// Day on which the test was sure.
    #[serde(with = "day_number")]
    pub found_on: NaiveDate,
    /// Mean days from due to cleared before and since, and how many payment days each rests on.
    pub before: f64,
    pub after: f64,
    pub payments_before: u32,
    pub payments_after: u32,
}

/// What the test remembers of one customer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Watch {
    /// Since the last shift, newest last.
    payments: VecDeque<Payment>,
    /// Sums of bets that delays have become longer, and shorter.
    longer: f64,
    shorter: f64,
    /// The last shift.
    pub shift: Option<Shift>,
}

impl Watch {
    /// Takes in the median delay of a payment day. Days must not go back.
    pub(super) fn paid(&mut self, customer_id: Uuid, on: NaiveDate, delay: i32) {
        let rank = self.rank(delay, chance(customer_id, on));
        self.payments.push_back(Payment { on, delay });
        while self.payments.len() > WINDOW + LAG {
            self.payments.pop_front();
        }
        let Some(rank) = rank else { return };
        self.longer = (1.0 + self.longer) * bet(rank);
        self.shorter = (1.0 + self.shorter) * bet(1.0 - rank);
        if self.longer >= ALARM || self.shorter >= ALARM {
            let longer = self.longer >= self.shorter;
            self.declare(on, longer);
        }
    }

    /// Share of the earlier payments with a longer delay, ties broken by chance; `None` while too few are known.
    fn rank(&self, delay: i32, chance: f64) -> Option<f64> {
        let among = self.payments.len().checked_sub(LAG).filter(|among| *among >= FEWEST)?;
        let earlier = || self.payments.iter().take(among);
        let longer = count(earlier().filter(|payment| payment.delay > delay).count());
        let equal = count(earlier().filter(|payment| payment.delay == delay).count());
        Some((longer + chance * (equal + 1.0)) / (count(among) + 1.0))
    }

    fn declare(&mut self, found_on: NaiveDate, longer: bool) {
        (self.longer, self.shorter) = (0.0, 0.0);
        let Some((at, shift)) = self.change(found_on) else { return };
        // The new habit is the usual from here on.
        self.payments.drain(..at);
        if (shift.after > shift.before) == longer {
            self.shift = Some(shift);
        }
    }

    /// The split with the largest difference of means for its size: |m₂ − m₁| · √(n₁ n₂ / n).
    fn change(&self, found_on: NaiveDate) -> Option<(usize, Shift)> {
        let mean = |payments: &[Payment]| {
            let sum = payments.iter().fold(0.0, |sum, payment| sum + f64::from(payment.delay));
            sum / count(payments.len())
        };
        let payments: Vec<Payment> = self.payments.iter().copied().collect();
        let last = payments.len().checked_sub(FEWEST_OF_SIDE)?;
        let splits = (FEWEST_OF_SIDE..=last).filter_map(|at| {
            let (before, after) = payments.split_at_checked(at)?;
            let (first, second) = (count(before.len()), count(after.len()));
            let difference = mean(after) - mean(before);
            let shift = Shift {
                since: after.first()?.on,
                found_on,
                before: mean(before),
                after: mean(after),
                payments_before: u32::try_from(before.len()).unwrap_or(u32::MAX),
                payments_after: u32::try_from(after.len()).unwrap_or(u32::MAX),
            };
            Some((difference.abs() * (first * second / (first + second)).sqrt(), at, shift))
        });
        splits.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, at, shift)| (at, shift))
    }
}

fn bet(p: f64) -> f64 {
    KAPPA * exp((KAPPA - 1.0) * ln(p.max(1e-9)))
}

fn count(of: usize) -> f64 {
    f64::from(u32::try_from(of).unwrap_or(u32::MAX))
}

/// A number in (0, 1) that nobody can guess from the delay and that is the same when it is learned again.
fn chance(customer_id: Uuid, day: NaiveDate) -> f64 {
    let bits = Uuid::new_v5(&customer_id, day.to_string().as_bytes()).as_u64_pair().1;
    (f64::from(u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0)) + 0.5) / 4_294_967_296.0
}

#[cfg(test)]
mod tests {
    use super::super::super::evidence::tests::date;
    use super::*;

    /// Uniform numbers from the same source as the tie breaker.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self) -> f64 {
            self.0 += 1;
            chance(Uuid::from_u128(u128::from(self.0)), date("2026-01-01"))
        }

        /// Roughly normal with mean 3 and deviation 5.
        fn usual(&mut self) -> i32 {
            let sum: f64 = (0..12).map(|_| self.roll()).sum();
            format!("{:.0}", 3.0 + 5.0 * (sum - 6.0)).parse().unwrap()
        }

        /// On the day, a week or two weeks late.
        fn weekly(&mut self) -> i32 {
            let roll = self.roll();
            if roll < 0.5 {
                0
            } else if roll < 0.9 {
                7
            } else {
                14
            }
        }
    }

    /// Payment days until the first alarm.
    fn until_alarm(mut delays: impl FnMut() -> i32, customer: u128, at_most: u64) -> Option<u64> {
        let mut watch = Watch::default();
        let first = date("2000-01-01");
        (0..at_most).find(|number| {
            watch.paid(Uuid::from_u128(customer), first + chrono::Days::new(*number), delays());
            watch.shift.is_some()
        })
    }

    #[test]
    fn false_alarms_are_as_rare_as_is_said() {
        let mut dice = Dice(0);
        for weekly in [false, true] {
            let (mut days, mut alarms) = (0_u64, 0_u64);
            for customer in 0..40 {
                let found = until_alarm(|| if weekly { dice.weekly() } else { dice.usual() }, customer, 800);
                days += found.unwrap_or(800);
                alarms += u64::from(found.is_some());
            }
            assert!(alarms * u64::from(PAYMENTS_PER_FALSE_ALARM) <= days, "{alarms} in {days}, weekly: {weekly}");
        }
    }

    #[test]
    fn a_shift_is_found_with_its_day_and_its_size() {
        let mut dice = Dice(1_000_000);
        let mut delays_until_found = Vec::new();
        for customer in 0..60_u128 {
            let mut watch = Watch::default();
            let first = date("2026-01-01");
            for number in 0..80_u64 {
                let shifted = if number >= 40 { 10 } else { 0 };
                watch.paid(Uuid::from_u128(customer), first + chrono::Days::new(number), dice.usual() + shifted);
                if let Some(shift) = watch.shift.filter(|shift| shift.found_on >= first + chrono::Days::new(40)) {
                    delays_until_found.push(number - 39);
                    assert!((3.0..20.0).contains(&(shift.after - shift.before)), "{shift:?}");
                    assert!(shift.since <= shift.found_on && shift.payments_after >= 3, "{shift:?}");
                    break;
                }
            }
        }
        delays_until_found.sort_unstable();
        assert!(delays_until_found.len() >= 55, "{delays_until_found:?}");
        assert!(delays_until_found[30] <= 8, "{delays_until_found:?}");
    }

    #[test]
    fn better_is_told_from_worse() {
        let mut watch = Watch::default();
        for number in 0..60_u64 {
            let delay = if number < 40 { 20 + i32::try_from(number % 5).unwrap() } else { 2 };
            watch.paid(Uuid::nil(), date("2026-01-01") + chrono::Days::new(number), delay);
        }
        let shift = watch.shift.unwrap();
        assert_eq!((shift.since, shift.payments_before), (date("2026-02-10"), 40));
        assert!((shift.before - 22.0).abs() < 1e-9 && (shift.after - 2.0).abs() < 1e-9, "{shift:?}");
    }
}
