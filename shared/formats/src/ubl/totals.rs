//! Whether a document's totals agree with each other (EN 16931, rules BR-CO-10 to BR-CO-16, and the sums of DIAN's annex).

use primitives::Currency;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{CAC, CBC, Profile, amount_text, cbc};
use crate::xml::Element;
use crate::{Finding, Place, draft};

/// What a document says about its sums, in its currency; absent is zero where the standard has it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// How many lines, allowances and charges were added.
    pub terms: usize,
    pub lines: Decimal,
    pub allowances: Decimal,
    pub charges: Decimal,
    pub tax: Decimal,
    pub line_extension: Option<Decimal>,
    pub tax_exclusive: Option<Decimal>,
    pub tax_inclusive: Option<Decimal>,
    pub allowance_total: Decimal,
    pub charge_total: Decimal,
    pub prepaid: Decimal,
    pub rounding: Decimal,
    /// A tax whose parts sum to something else: its amount, and the sum.
    pub torn_tax: Option<(Decimal, Decimal)>,
}

impl Totals {
    pub(super) fn parse(
        root: Element<'_>,
        total: Element<'_>,
        line: &str,
        currency: Currency,
    ) -> Result<Self, Finding> {
        let named = |name| member(total, name, currency);
        let zero = |name| Ok::<_, Finding>(member(total, name, currency)?.unwrap_or_default());
        let lines = root.all(CAC, line)?;
        let adjustments = root.all(CAC, "AllowanceCharge")?;
        let mut totals = Self {
            terms: lines.len() + adjustments.len(),
            lines: Decimal::ZERO,
            allowances: Decimal::ZERO,
            charges: Decimal::ZERO,
            tax: Decimal::ZERO,
            line_extension: named("LineExtensionAmount")?,
            tax_exclusive: named("TaxExclusiveAmount")?,
            tax_inclusive: named("TaxInclusiveAmount")?,
            allowance_total: zero("AllowanceTotalAmount")?,
            charge_total: zero("ChargeTotalAmount")?,
            prepaid: zero("PrepaidAmount")?,
            rounding: zero("PayableRoundingAmount")?,
            torn_tax: None,
        };
        for line in lines {
            totals.lines += member(line, "LineExtensionAmount", currency)?.unwrap_or_default();
        }
        for adjustment in adjustments {
            let amount = member(adjustment, "Amount", currency)?.unwrap_or_default();
            let charge = cbc(adjustment, "ChargeIndicator")?.map_or(Ok(None), Element::token)?;
            let sum = if charge == Some("true") { &mut totals.charges } else { &mut totals.allowances };
            *sum += amount;
        }
        for tax in root.all(CAC, "TaxTotal")? {
            totals.add_tax(tax, currency)?;
        }
        Ok(totals)
    }

    /// The same tax in the currency of the books (BT-111) is no further tax.
    fn add_tax(&mut self, tax: Element<'_>, currency: Currency) -> Result<(), Finding> {
        let Some(amount) = cbc(tax, "TaxAmount")? else { return Ok(()) };
        if amount.attribute("currencyID").is_some_and(|other| other != currency.code()) {
            return Ok(());
        }
        let amount = draft::decimal(amount.text()?, &amount.place())?;
        self.tax += amount;
        let parts = tax.all(CAC, "TaxSubtotal")?;
        let mut sum = Decimal::ZERO;
        for part in &parts {
            sum += member(*part, "TaxAmount", currency)?.unwrap_or_default();
        }
        self.terms += parts.len();
        if !parts.is_empty() && sum != amount && self.torn_tax.is_none() {
            self.torn_tax = Some((amount, sum));
        }
        Ok(())
    }

    pub(super) fn check(&self, profile: Profile, payable: Decimal, place: &Place) -> Result<(), Finding> {
        let exact = profile == Profile::En16931;
        let tolerance = self.tolerance(profile);
        let holds = |rule: &str, said: Decimal, sum: Decimal| {
            let sum = sum.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
            if (said - sum).abs() <= tolerance {
                return Ok(());
            }
            Err(Finding::new("totals", place.clone(), format!("{rule}: {said} is said, the parts make {sum}")))
        };
        if let Some(said) = self.line_extension {
            holds("LineExtensionAmount is the sum of the lines (BR-CO-10)", said, self.lines)?;
        }
        if let Some((said, sum)) = self.torn_tax {
            holds("a tax is the sum of its categories (BR-CO-14)", said, sum)?;
        }
        let before_tax = if profile == Profile::Dian { self.line_extension } else { self.tax_exclusive };
        if let (Some(said), Some(before_tax)) = (self.tax_inclusive, before_tax) {
            holds("TaxInclusiveAmount is the amount before tax, and the tax (BR-CO-15)", said, before_tax + self.tax)?;
        }
        // Outside of EN 16931 their totals need not be told.
        let told = |total: Decimal, sum| if exact || !total.is_zero() { total } else { sum };
        let allowance_total = told(self.allowance_total, self.allowances);
        let charge_total = told(self.charge_total, self.charges);
        let mut due = self.tax_inclusive.map(|total| total - self.prepaid + self.rounding);
        if profile == Profile::Dian {
            // Its taxes are on the lines: what is granted on the document comes off at the end.
            due = due.map(|due| due - allowance_total + charge_total);
        } else {
            holds("AllowanceTotalAmount is the sum of the allowances (BR-CO-11)", allowance_total, self.allowances)?;
            holds("ChargeTotalAmount is the sum of the charges (BR-CO-12)", charge_total, self.charges)?;
            if let (Some(said), Some(lines)) = (self.tax_exclusive, self.line_extension) {
                let sum = lines - allowance_total + charge_total;
                holds("TaxExclusiveAmount is lines, allowances and charges (BR-CO-13)", said, sum)?;
            }
        }
        due.map_or(Ok(()), |due| holds("PayableAmount is what is left to pay (BR-CO-16)", payable, due))
    }

    /// Where no rule says how often to round: half a cent per term. In Colombia totals are rounded to whole pesos, too.
    fn tolerance(&self, profile: Profile) -> Decimal {
        let terms = i64::try_from(self.terms).unwrap_or(i64::MAX);
        let rounding = Decimal::from(terms) * Decimal::new(5, 3);
        match profile {
            Profile::En16931 => Decimal::ZERO,
            Profile::Dian => rounding.max(Decimal::ONE),
            Profile::Other => rounding.max(Decimal::new(1, 2)),
        }
    }
}

fn member(parent: Element<'_>, name: &str, currency: Currency) -> Result<Option<Decimal>, Finding> {
    let Some(found) = parent.only(CBC, name)? else { return Ok(None) };
    Ok(Some(draft::decimal(amount_text(found, currency)?, &found.place())?))
}
