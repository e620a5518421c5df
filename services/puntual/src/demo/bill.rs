//! An invoice in the books of the debtor who received it.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::behaviour::plus_days;
use super::dice::Dice;

/// Of withholding agents, how many never send the certificate.
const CERTIFICATE_FORGOTTEN_PERCENT: u32 = 4;

/// A first payment of a part, the rest later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) percent: u32,
    pub(crate) rest_after: i32,
}

/// A reduction that becomes known on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Credit {
    pub(crate) on: NaiveDate,
    pub(crate) amount: Decimal,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dispute {
    pub(crate) code: String,
    pub(crate) resolved_on: NaiveDate,
    pub(crate) accepted: bool,
    /// `None`: all of it.
    pub(crate) amount: Option<Decimal>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bill {
    pub(crate) number: String,
    pub(crate) currency: &'static str,
    /// Decimals of the currency.
    pub(crate) scale: u32,
    pub(crate) owed: Decimal,
    /// What will be kept back and paid to the tax office.
    pub(crate) withhold: Decimal,
    pub(crate) due: NaiveDate,
    pub(crate) pay_on: NaiveDate,
    pub(crate) part: Option<Part>,
    pub(crate) credit: Option<Credit>,
    /// While set, nothing is paid.
    pub(crate) dispute: Option<Dispute>,
    /// The withholding certificate that is still to come after the payment.
    pub(crate) certificate: Option<Credit>,
    pub(crate) promised_until: Option<NaiveDate>,
}

impl Bill {
    /// Nothing left to pay, nor to certify.
    pub(crate) fn is_settled(&self) -> bool {
        self.owed <= Decimal::ZERO || (self.cash_due() <= Decimal::ZERO && self.certificate.is_none())
    }

    /// A reminder about it makes sense to the debtor.
    pub(crate) fn is_payable(&self, day: NaiveDate) -> bool {
        self.dispute.is_none()
            && self.cash_due() > Decimal::ZERO
            && self.promised_until.is_none_or(|promised| promised < day)
    }

    /// What is to be paid in money.
    pub(crate) fn cash_due(&self) -> Decimal {
        self.owed - self.withhold
    }

    /// So many hundredths of what is due, at the scale of the currency.
    pub(crate) fn share(&self, percent: u32) -> Decimal {
        let mut share = (self.cash_due() * Decimal::new(i64::from(percent), 2)).round_dp(self.scale);
        share.rescale(self.scale);
        share
    }

    /// Applies a credit note; answers how much of it there was room for.
    pub(crate) fn take_credit(&mut self, amount: Decimal) -> Decimal {
        let taken = amount.min(self.cash_due()).max(Decimal::ZERO);
        self.owed -= taken;
        taken
    }

    /// Pays what is planned for the day, if anything: the amount in cash.
    pub(crate) fn pay(&mut self, day: NaiveDate, dice: &mut Dice) -> Option<Decimal> {
        if self.pay_on > day || self.dispute.is_some() || self.cash_due() <= Decimal::ZERO {
            return None;
        }
        if let Some(part) = self.part.take() {
            let cash = self.share(part.percent);
            if cash > Decimal::ZERO && cash < self.cash_due() {
                self.owed -= cash;
                self.pay_on = plus_days(day, part.rest_after);
                return Some(cash);
            }
        }
        let cash = self.cash_due();
        self.owed -= cash;
        if self.withhold > Decimal::ZERO && !dice.chance(CERTIFICATE_FORGOTTEN_PERCENT) {
            self.certificate = Some(Credit { on: plus_days(day, dice.between(1, 12)), amount: self.withhold });
        }
        Some(cash)
    }
}
