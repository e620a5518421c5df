//! The hierarchical late rate (scoring.md §3, 2): tenant → group → payer → customer → weekday, each shrunk to the one above.

use chrono::NaiveDate;

use super::evidence::Threshold;
use super::model::statistics::{Prior, mean, shrunk, weighted_mean};
use super::state::{Slot, State};

/// g = (S + 1) / (N + 3).
const LATE: Prior = Prior { mean: 1.0 / 3.0, strength: 3.0 };
/// One invoice in twenty is severely late before anything is known: well below the share that makes a high risk.
const SEVERE: Prior = Prior { mean: 0.05, strength: 20.0 };
const STRENGTH_OF_TENANT: f64 = 20.0;
const STRENGTH_OF_GROUP: f64 = 4.0;
const STRENGTH_OF_CUSTOMER: f64 = 5.0;
const STRENGTH_OF_CUSTOMER_ON_FAST: f64 = 2.0;
const STRENGTH_OF_TENANT_ON_DAYS: f64 = 2.0;

/// The states that a customer's rates rest on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Levels<'a> {
    pub tenant: &'a State,
    pub group: &'a State,
    /// The other customers that its payer pays for, as one; `None` when there are none.
    pub payer: Option<&'a State>,
    pub customer: &'a State,
}

/// Probabilities that an invoice is paid after its due date.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LateRates {
    /// g
    pub tenant: f64,
    /// `p_seg`
    pub group: f64,
    /// `p_c`
    pub customer: f64,
    /// `p_cd` by weekday of the due date, Monday first.
    pub weekday: [f64; 7],
    /// The same by week of the month of the due date.
    pub week_of_month: [f64; 4],
    /// The same over the last weeks.
    pub fast: f64,
    /// The next invoice, due on one of the customer's usual weekdays: `p_cd` weighted by how often each was seen.
    pub next: f64,
}

impl Levels<'_> {
    /// Rates for an invoice issued on `day`, when the states hold what was known before it.
    pub(crate) fn late_rates(&self, day: NaiveDate) -> LateRates {
        let chain = self.chain(Threshold::LATE, LATE, day);
        let under = |strength| Prior { mean: chain.customer, strength };
        let cell = |slot| self.customer.cell(slot, day);
        let weekdays = [0, 1, 2, 3, 4, 5, 6].map(|weekday| cell(Slot::Weekday(weekday)));
        let weekday = weekdays.map(|cell| shrunk(cell, under(STRENGTH_OF_CUSTOMER)));
        let usual = weekdays.iter().zip(weekday).map(|(cell, rate)| (cell.n, rate));
        LateRates {
            tenant: chain.tenant,
            group: chain.group,
            customer: chain.customer,
            weekday,
            week_of_month: [0, 1, 2, 3].map(|week| shrunk(cell(Slot::WeekOfMonth(week)), under(STRENGTH_OF_CUSTOMER))),
            fast: shrunk(cell(Slot::Fast), under(STRENGTH_OF_CUSTOMER_ON_FAST)),
            next: weighted_mean(usual).unwrap_or(chain.customer),
        }
    }

    /// Share of the customer's invoices that are more than `threshold` late.
    pub(crate) fn late_share(&self, threshold: Threshold, day: NaiveDate) -> f64 {
        self.chain(threshold, LATE, day).customer
    }

    /// The same for a threshold that few invoices pass.
    pub(crate) fn severe_share(&self, threshold: Threshold, day: NaiveDate) -> f64 {
        self.chain(threshold, SEVERE, day).customer
    }

    /// Mean days late of the customer's late invoices, shrunk to the tenant's; `None` before the first was cleared.
    pub(crate) fn mean_days_late(&self, day: NaiveDate) -> Option<f64> {
        let own = self.customer.cell(Slot::DaysLate, day);
        mean(own)?;
        let usual = mean(self.tenant.cell(Slot::DaysLate, day))?;
        Some(shrunk(own, Prior { mean: usual, strength: STRENGTH_OF_TENANT_ON_DAYS }))
    }

    fn chain(&self, threshold: Threshold, prior: Prior, day: NaiveDate) -> Chain {
        let slot = Slot::Over(threshold);
        let tenant = shrunk(self.tenant.cell(slot, day), prior);
        let group = shrunk(self.group.cell(slot, day), Prior { mean: tenant, strength: STRENGTH_OF_TENANT });
        let under = |mean| Prior { mean, strength: STRENGTH_OF_GROUP };
        let payer = self.payer.map_or(group, |payer| shrunk(payer.cell(slot, day), under(group)));
        let customer = shrunk(self.customer.cell(slot, day), under(payer));
        Chain { tenant, group, customer }
    }
}

struct Chain {
    tenant: f64,
    group: f64,
    customer: f64,
}

#[cfg(test)]
#[allow(clippy::float_arithmetic, reason = "rates are compared within a tolerance")]
mod tests {
    use uuid::Uuid;

    use super::super::evidence::Invoice;
    use super::super::evidence::tests::{date, invoice};
    use super::super::state::Owner;
    use super::*;

    fn learned(owner: &Owner, invoices: &[Invoice]) -> State {
        let mut state = State::empty(owner);
        let mut evidence: Vec<_> = invoices
            .iter()
            .flat_map(|invoice| invoice.evidence().into_iter().map(move |item| (item, invoice)))
            .collect();
        evidence.sort_by_key(|(item, invoice)| (item.day, invoice.invoice_id));
        for (item, invoice) in evidence.into_iter().filter(|(item, _)| item.day <= date("2026-03-06")) {
            state.learn(invoice, item);
        }
        state
    }

    fn close(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-12, "{value} is not {expected}");
    }

    #[test]
    fn nobody_known_is_late_one_time_in_three() {
        let owner = Owner::Customer(Uuid::from_u128(1));
        let (tenant, group, customer) =
            (State::empty(&Owner::Tenant), State::empty(&Owner::Group("CO".into())), State::empty(&owner));
        let levels = Levels { tenant: &tenant, group: &group, payer: None, customer: &customer };
        let rates = levels.late_rates(date("2026-01-01"));
        close(rates.next, 1.0 / 3.0);
        assert_eq!(levels.mean_days_late(date("2026-01-01")), None);
    }

    /// Two customers of one group; labels on 2026-01-05 (Monday, late), 2026-02-04 (Wednesday, on time) for the first,
    /// 2026-03-06 (late) for the second; scored for 2026-03-07. By hand, with d(h) = 2^(−days/h):
    /// N = Σ d, S = Σ d over the late ones, and the formulas of scoring.md.
    #[test]
    fn the_hierarchy_is_the_one_computed_by_hand() {
        let other = Invoice { customer_id: Uuid::from_u128(2), ..invoice(3, "2026-02-01", "2026-03-06", None) };
        let own = [
            invoice(1, "2025-12-01", "2026-01-05", Some("2026-01-15")),
            invoice(2, "2026-01-01", "2026-02-04", Some("2026-02-04")),
        ];
        let all = [own[0].clone(), own[1].clone(), other];
        let tenant = learned(&Owner::Tenant, &all);
        let group = learned(&Owner::Group("CO".into()), &all);
        let customer = learned(&Owner::Customer(Uuid::from_u128(1)), &own);
        let rates =
            Levels { tenant: &tenant, group: &group, payer: None, customer: &customer }.late_rates(date("2026-03-07"));

        // ages in days: 61, 31, 1
        close(rates.tenant, HAND.0);
        close(rates.group, HAND.1);
        close(rates.customer, HAND.2);
        close(rates.weekday[0], HAND.3);
        close(rates.weekday[2], HAND.4);
        close(rates.weekday[4], HAND.2);
        close(rates.week_of_month[0], HAND.5);
        close(rates.fast, HAND.6);
        close(rates.next, HAND.7);
    }

    /// From the formulas, evaluated apart with twenty digits.
    const HAND: (f64, f64, f64, f64, f64, f64, f64, f64) = (
        0.479_137_001_369_852_1,
        0.499_895_653_559_578_9,
        0.495_453_178_202_413_8,
        0.571_736_848_682_274_6,
        0.416_849_579_119_899_1,
        0.492_852_747_730_279_3,
        0.451_977_722_765_317_1,
        0.492_087_789_677_237_4,
    );
}
