//! How a promise is judged (D7, P1 to P5).
//!
//! Three things end a promise by what happened on a *day*, and the earliest day wins: it was paid, a later promise took
//! its place, it was withdrawn. On one day they rank in that order, because whoever paid has kept their word. Only when
//! nothing of the kind happened until its last day does the deadline decide, and only once the sources have covered it.
//!
//! An instalment of a payment plan is a promise like any other, with two differences. What is paid on the invoices keeps the
//! instalments one after the other: it is kept once the payments reach what those before it and itself come to. And an
//! instalment that is broken, or kept in part, breaks the plan: what comes after it does not hold any more, as if it had been
//! withdrawn on the day of the default, so that reminders go on.
//!
//! All of this is a function of what is known, not of the order in which it became known. What is not, is *when* a
//! conclusion may be drawn: news that has just arrived may keep a promise at once, but what follows from the absence of
//! news ("nobody paid") and what takes back an earlier conclusion waits for [`Moment::BehindBarrier`].
//!
//! Each deadline is *confirmed* once, however the promise had ended: when it has passed and is covered, or was waited for
//! long enough. What changes a state after that is late information.

use chrono::{DateTime, NaiveDate, Utc};
use primitives::{Money, MoneyError};
use rust_decimal::Decimal;

use crate::domain::coverage::Coverage;
use crate::domain::facts::Facts;
use crate::domain::policy::Policy;
use crate::domain::promise::{Promise, State, Status, Terms};

/// What the one who judges may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Something arrived; what was accepted with it may still be on its way.
    OnArrival,
    /// Everything that was accepted before `now` is known (D11), and this is what the sources cover.
    BehindBarrier(Coverage),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub state: State,
    /// When to look again without being asked; `None` when only news can change anything.
    pub look_again: LookAgain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LookAgain {
    /// Behind the next barrier.
    AtOnce,
    At(DateTime<Utc>),
    OnNews,
}

/// Judges one promise at `now`, given where it stood before.
pub(crate) fn judge(
    promise: &Promise,
    terms: Terms,
    before: State,
    facts: &Facts,
    policy: &Policy,
    now: DateTime<Utc>,
    moment: Moment,
) -> Result<Judgement, MoneyError> {
    let payments = Payments::of(promise, terms, facts)?;
    let by_deed = payments.ended_by;
    let deadline = terms.deadline(promise.zone);
    let cap = policy.cap(promise, terms);
    let mut state = State { paid: payments.paid, ..before };

    let Moment::BehindBarrier(coverage) = moment else {
        return Ok(on_arrival(before, state, by_deed, deadline));
    };

    let is_past = now >= deadline;
    if before.confirmed_at.is_none() && (is_past && coverage.reaches(deadline) || now >= cap) {
        state.confirmed_at = Some(now);
    }
    state.status = match by_deed {
        Some(status) => status,
        None if state.confirmed_at.is_some() => payments.at_the_deadline(),
        // A clock that goes back does not reopen what was past its deadline.
        None if is_past || before.status == Status::DueUnconfirmed => Status::DueUnconfirmed,
        None => Status::Open,
    };
    if before.confirmed_at.is_some() && state.status != before.status {
        state.late_information = true;
    }
    let look_again = match state.confirmed_at {
        Some(_) => LookAgain::OnNews,
        None if is_past => LookAgain::At(cap),
        None => LookAgain::At(deadline),
    };
    Ok(Judgement { state, look_again })
}

/// News may end a promise that stands, and shows as progress on it. Whatever contradicts a conclusion already drawn waits
/// for the barrier: a payment that moves between two invoices is first taken from the one and then given to the other,
/// and must not break a promise in between.
fn on_arrival(before: State, known: State, by_deed: Option<Status>, deadline: DateTime<Utc>) -> Judgement {
    // A deadline that has passed by now is at once.
    let rest = if before.confirmed_at.is_some() { LookAgain::OnNews } else { LookAgain::At(deadline) };
    if before.status.is_terminal() {
        let agrees = known.paid == before.paid && by_deed.is_none_or(|status| status == before.status);
        let stands = agrees && (by_deed.is_some() || before.status.needs_the_clock());
        return Judgement { state: before, look_again: if stands { rest } else { LookAgain::AtOnce } };
    }
    Judgement { state: by_deed.map_or(known, |status| State { status, ..known }), look_again: rest }
}

/// What was paid on a promise, and what that and the words about it come to.
struct Payments {
    /// At most the promised amount; of a promise that was replaced or withdrawn, what was paid until then.
    paid: Money,
    /// The earliest of what ends a promise by itself, no later than its last day.
    ended_by: Option<Status>,
}

impl Payments {
    fn of(promise: &Promise, terms: Terms, facts: &Facts) -> Result<Self, MoneyError> {
        let currency = promise.amount.currency();
        let mut days: Vec<_> = facts
            .invoices
            .iter()
            .filter(|invoice| invoice.currency == currency)
            .flat_map(|invoice| &invoice.settled)
            .filter(|day| (promise.made_on..=terms.last_day).contains(&day.on))
            .collect();
        days.sort_by_key(|day| day.on);

        let before = promise.before();
        let required = before.checked_add(terms.required).ok_or(MoneyError::Range)?;
        let required = owed_when_made(promise, facts).map_or(required, |owed| owed.min(required));
        let mut sum = Decimal::ZERO;
        // Nobody keeps a promise about what was voided, and nobody breaks it: it is as if they had taken it back.
        let void_since = facts.void_since();
        let mut kept_on = (required <= Decimal::ZERO && void_since.is_none()).then_some(promise.made_on);
        for day in &days {
            sum = sum.checked_add(day.amount).ok_or(MoneyError::Range)?;
            if sum >= required {
                kept_on.get_or_insert(day.on);
            }
        }
        let void_on = void_since.map(|day| day.min(terms.last_day));
        let end = earliest_end(terms, facts, kept_on, void_on);
        if let Some((ended_on, Status::Replaced | Status::Withdrawn)) = end {
            sum = days.iter().filter(|day| day.on <= ended_on).map(|day| day.amount).sum();
        }
        let paid = Money::new((sum - before).clamp(Decimal::ZERO, promise.amount.amount()), currency)?;
        Ok(Self { paid, ended_by: end.map(|(_, status)| status) })
    }

    /// Not asked when enough was paid.
    fn at_the_deadline(&self) -> Status {
        if self.paid.is_positive() { Status::PartiallyKept } else { Status::Broken }
    }
}

fn earliest_end(
    terms: Terms,
    facts: &Facts,
    kept_on: Option<NaiveDate>,
    void_on: Option<NaiveDate>,
) -> Option<(NaiveDate, Status)> {
    let ends = [
        (kept_on, Status::Kept),
        (facts.replaced_on, Status::Replaced),
        (facts.withdrawn_on, Status::Withdrawn),
        (void_on, Status::Withdrawn),
        (facts.defaulted_on, Status::Withdrawn),
    ];
    ends.into_iter()
        .filter_map(|(day, status)| Some((day.filter(|day| *day <= terms.last_day)?, status)))
        .min_by_key(|(day, _)| *day) // the first of several on one day
}

/// What was left to pay on the named invoices when the promise was made. Nobody breaks a promise to pay what was, as it
/// turns out, already paid. `None` while an invoice is unknown or in another currency.
fn owed_when_made(promise: &Promise, facts: &Facts) -> Option<Decimal> {
    if !facts.all_invoices_known {
        return None;
    }
    facts.invoices.iter().try_fold(Decimal::ZERO, |owed, invoice| {
        let before = invoice.settled.iter().take_while(|day| day.on < promise.made_on);
        let asked = if invoice.voided_on.is_some() { Decimal::ZERO } else { invoice.amount };
        let left = before.fold(asked, |left, day| left - day.amount).max(Decimal::ZERO);
        (invoice.currency == promise.amount.currency()).then(|| owed.checked_add(left)).flatten()
    })
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
