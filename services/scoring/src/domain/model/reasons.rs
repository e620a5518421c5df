//! The reasons of a score: the families that weigh most, each told as what the account shows.

use super::super::reason::Reason;
use super::inputs::{Family, Known};
use super::pace::{Pace, Settled, weekday};

/// What moves the odds by less than a tenth is not worth a word.
const LEAST: f64 = 0.1;
const AT_MOST: usize = 3;
/// Settled invoices that "the last" means.
const LAST: usize = 9;
/// "Mostly" is so many of ten of at least three.
const MOSTLY_OF_TEN: usize = 6;

/// The reasons of these contributions, the weightiest first.
pub(super) fn reasons(known: &Known<'_>, contributions: &[(Family, f64)], structural_days: u32) -> Vec<Reason> {
    let mut weighty: Vec<(Family, f64)> =
        contributions.iter().copied().filter(|(_, contribution)| contribution.abs() >= LEAST).collect();
    weighty.sort_by(|(_, one), (_, other)| other.abs().total_cmp(&one.abs()));
    let mut reasons = Vec::new();
    for (family, contribution) in weighty {
        let said = reason(known, family, contribution).filter(|reason| !reasons.contains(reason));
        if reasons.len() < AT_MOST {
            reasons.extend(said);
        }
    }
    if known.pace.labels.n <= 0.0 && !reasons.contains(&Reason::NoHistory) {
        reasons.insert(0, Reason::NoHistory);
    }
    if structural_days > 0 {
        reasons.push(Reason::PaymentRun { days: structural_days });
    }
    reasons
}

fn reason(known: &Known<'_>, family: Family, contribution: f64) -> Option<Reason> {
    let Known { pace, book, .. } = *known;
    let days = |days: i64| u32::try_from(days).unwrap_or(0);
    let due_weekday = number(weekday(known.due_on));
    match family {
        Family::Rate => Some(late_of_last(pace).unwrap_or(Reason::NoHistory)),
        Family::Weekday => {
            let on: Vec<&Settled> = pace.recent.iter().filter(|it| it.weekday == weekday(known.due_on)).collect();
            let late = on.iter().filter(|settled| settled.delay > 0).count();
            (!on.is_empty()).then(|| Reason::DueOnWeekday {
                weekday: due_weekday,
                late: number(late),
                of: number(on.len()),
            })
        }
        Family::Delay => pace.median_of_recent_days().map(|days| Reason::UsualDelay { days }),
        Family::OpenBook if book.overdue > 0.0 => {
            Some(Reason::Overdue { invoices: whole(book.overdue), oldest_days: whole(book.oldest_overdue_days) })
        }
        Family::OpenBook => Some(Reason::NothingOverdue),
        Family::Amount => {
            let usual = super::statistics::mean(pace.amounts)?;
            Some(if known.log_amount > usual { Reason::AmountAboveUsual } else { Reason::AmountBelowUsual })
        }
        Family::Calendar => Some(Reason::Calendar { weekday: due_weekday }),
        Family::Waiting if contribution > 0.0 => {
            Some(Reason::StillUnpaid { days: days((known.day - known.issued_on).num_days()) })
        }
        Family::Dispute => Some(Reason::Disputed),
        Family::Intercept | Family::Waiting => None,
    }
}

/// Late ones among the last, and the weekday on which most of them were paid.
fn late_of_last(pace: &Pace) -> Option<Reason> {
    let last: Vec<&Settled> = pace.recent.iter().rev().take(LAST).collect();
    let late: Vec<&&Settled> = last.iter().filter(|settled| settled.delay > 0).collect();
    let on = |day: usize| late.iter().filter(|settled| weekday(settled.on) == day).count();
    let mostly = (0..7).find(|day| late.len() >= 3 && on(*day) * 10 >= late.len() * MOSTLY_OF_TEN);
    let habit = Reason::LateOfLast { late: number(late.len()), of: number(last.len()), weekday: mostly.map(number) };
    (!last.is_empty()).then_some(habit)
}

fn number(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

/// Counts and days that were summed as floats.
fn whole(value: f64) -> u32 {
    u32::try_from(super::statistics::whole(value.round())).unwrap_or(0)
}
