//! The back-test: the model of the day close, run over a ledger file, so that its forecasts can be judged by others.
//!
//! Every invoice is foretold on its issue date with what was known before it, in one pass and with nothing set for the
//! file. No database.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::domain::close::concerned;
use crate::domain::evidence::Invoice;
use crate::domain::model::learner::{Bill, Learner, Prediction};
use crate::domain::model::statistics::{days, probability};
use crate::domain::segment::{Rules, Segment, StructuralDelay, decide};

/// Columns of the file, in any order; others are ignored.
const COLUMNS: [&str; 9] =
    ["invoice_id", "customer_id", "segment", "issue_date", "due_date", "amount", "bill_type", "clear_date", "disputed"];

/// A line that cannot be used, counted from 1.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {expected}")]
pub struct Unusable {
    pub line: usize,
    pub expected: String,
}

/// Two files of comma-separated values with a header each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backtest {
    /// `invoice_id,p_late,expected_days_late,expected_delay,p80_delay,p90_delay,structural_days`, by issue date and id; days from due to
    /// cleared, the first of them not below 0.
    pub predictions: String,
    /// `customer_id,segment` at the start of the split day.
    pub segments: String,
    /// First issue date that is judged: that of the row after three fifths of all.
    pub split_day: NaiveDate,
}

struct Ledger {
    bills: Vec<Bill>,
    /// The file's own ids, by ours.
    invoices: BTreeMap<Uuid, String>,
    customers: BTreeMap<Uuid, String>,
}

/// Runs the model over the text of a ledger file.
pub fn run(text: &str) -> Result<Backtest, Unusable> {
    let ledger = Ledger::read(text)?;
    let split_day = ledger.split_day().ok_or(Unusable { line: 2, expected: "at least one invoice".into() })?;
    let mut by_day: BTreeMap<NaiveDate, Vec<&Bill>> = BTreeMap::new();
    for bill in &ledger.bills {
        for day in concerned(&bill.invoice) {
            by_day.entry(day).or_default().push(bill);
        }
    }
    let mut learner = Learner::new();
    let mut segments = None;
    let mut predictions = Vec::new();
    for (day, bills) in by_day {
        if day >= split_day && segments.is_none() {
            segments = Some(ledger.segments(&learner, split_day));
        }
        predictions.extend(learner.close(day, &bills).into_iter().map(|(id, (prediction, _))| (id, prediction)));
    }
    Ok(Backtest {
        predictions: ledger.predictions(&predictions),
        segments: ledger.written(&segments.unwrap_or_default()),
        split_day,
    })
}

impl Ledger {
    fn read(text: &str) -> Result<Self, Unusable> {
        let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate();
        let header = lines.next().map(|(_, header)| header).unwrap_or_default();
        let header: Vec<&str> = header.split(',').map(str::trim).collect();
        let positions = COLUMNS.map(|column| header.iter().position(|name| *name == column));
        if let Some((column, _)) = COLUMNS.iter().zip(positions).find(|(_, position)| position.is_none()) {
            return Err(Unusable { line: 1, expected: format!("a column {column}") });
        }
        let mut ledger = Self { bills: Vec::new(), invoices: BTreeMap::new(), customers: BTreeMap::new() };
        for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            let cells: Vec<&str> = line.split(',').map(str::trim).collect();
            let line = index + 1;
            if cells.len() != header.len() {
                return Err(Unusable { line, expected: format!("{} cells, none of them in quotes", header.len()) });
            }
            let cells = positions.map(|position| position.and_then(|at| cells.get(at)).copied().unwrap_or_default());
            ledger.push(cells, line)?;
        }
        Ok(ledger)
    }

    fn push(&mut self, cells: [&str; 9], line: usize) -> Result<(), Unusable> {
        let [invoice, customer, group, issued, due, amount, bill_type, cleared, disputed] = cells;
        let unusable = |column: &str, expected: &str| Unusable { line, expected: format!("{expected} in {column}") };
        let date = |column: &str, text: &str| text.parse().map_err(|_| unusable(column, "a date like 2026-01-31"));
        let settled_on = if cleared.is_empty() { None } else { Some(date("clear_date", cleared)?) };
        let id = |kind: &str, id: &str| Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{kind}/{id}").as_bytes());
        let (invoice_id, customer_id) = (id("invoice", invoice), id("customer", customer));
        if self.invoices.insert(invoice_id, invoice.to_owned()).is_some() {
            return Err(unusable("invoice_id", "an id that was not there before"));
        }
        self.customers.insert(customer_id, customer.to_owned());
        self.bills.push(Bill {
            invoice: Invoice {
                invoice_id,
                customer_id,
                issued_on: date("issue_date", issued)?,
                due_on: date("due_date", due)?,
                settled_on,
                paid: settled_on.is_some(),
                inferred: false,
            },
            group: group.to_owned(),
            amount: amount.parse::<Decimal>().map_err(|_| unusable("amount", "a number like 1250.50"))?,
            on_paper: bill_type == "P",
            // The file does not say when: it is known once the invoice is cleared.
            disputed_on: settled_on.filter(|_| disputed == "1"),
        });
        Ok(())
    }

    /// The issue date of the row after three fifths of those that were not paid before they were issued.
    fn split_day(&self) -> Option<NaiveDate> {
        let scored = self.bills.iter().map(|bill| &bill.invoice);
        let scored = scored.filter(|it| it.settled_on.is_none_or(|settled_on| settled_on >= it.issued_on));
        let mut days: Vec<NaiveDate> = scored.map(|invoice| invoice.issued_on).collect();
        days.sort_unstable();
        days.get(days.len() * 3 / 5).copied()
    }

    /// By days after the due date, not net of what is structural in the ledger: that is how they are judged.
    fn segments(&self, learner: &Learner, day: NaiveDate) -> BTreeMap<Uuid, Segment> {
        let groups: BTreeMap<Uuid, &str> =
            self.bills.iter().map(|bill| (bill.invoice.customer_id, bill.group.as_str())).collect();
        let segment = |customer_id| {
            let group = groups.get(&customer_id).copied().unwrap_or_default();
            decide(learner.habit(customer_id, group, StructuralDelay::NONE, day), Rules::standard()).0
        };
        learner.customers().map(|customer_id| (customer_id, segment(customer_id))).collect()
    }

    fn predictions(&self, predictions: &[(Uuid, Prediction)]) -> String {
        let mut text =
            String::from("invoice_id,p_late,expected_days_late,expected_delay,p80_delay,p90_delay,structural_days\n");
        for (invoice_id, prediction) in predictions {
            let Some(forecast) = prediction.forecast else { continue };
            let id = self.invoices.get(invoice_id).map_or("", String::as_str);
            let (p_late, p50) = (probability(prediction.p_late), days(forecast.p50));
            let structure = prediction.structural_days;
            let (p80, p90) = (days(forecast.p80), days(forecast.p90));
            let _ = writeln!(text, "{id},{p_late},{},{p50},{p80},{p90},{structure}", p50.max(Decimal::ZERO));
        }
        text
    }

    fn written(&self, segments: &BTreeMap<Uuid, Segment>) -> String {
        let mut text = String::from("customer_id,segment\n");
        for (customer_id, segment) in segments {
            let id = self.customers.get(customer_id).map_or("", String::as_str);
            let segment = match segment {
                Segment::HighRisk => "high_risk",
                Segment::OftenLate => "often_late",
                Segment::Regular | Segment::OccasionalLate | Segment::New => "occasional",
            };
            let _ = writeln!(text, "{id},{segment}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use chrono::Days;

    use super::*;

    const HEADER: &str =
        "invoice_id,customer_id,segment,issue_date,due_date,amount,bill_type,clear_date,disputed,remark\n";

    /// A hundred invoices of four customers; what is issued from `from` on is paid `shift` days later than else.
    fn ledger(shift: u64, from: NaiveDate) -> String {
        let first = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
        let line = |number: u64| {
            let issued = first + Days::new(number * 3);
            let due = issued + Days::new(30);
            let delay = [0, 4, 20, 9][usize::try_from(number % 4).unwrap()];
            let cleared = due + Days::new(delay + if issued >= from { shift } else { 0 });
            format!("I{number},C{},CO,{issued},{due},{}.50,E,{cleared},0,none\n", number % 4, 100 + number)
        };
        HEADER.to_owned() + &(0..100).map(line).collect::<String>()
    }

    #[test]
    fn habits_are_foretold_and_named() {
        let far = NaiveDate::MAX;
        let backtest = run(&ledger(0, far)).unwrap();
        assert_eq!(backtest.split_day.to_string(), "2025-06-30");
        assert_eq!(backtest.predictions.lines().count(), 101);
        let segments: Vec<&str> = backtest.segments.lines().collect();
        for (customer, segment) in
            [("C0", "occasional"), ("C1", "often_late"), ("C2", "high_risk"), ("C3", "often_late")]
        {
            assert!(segments.contains(&format!("{customer},{segment}").as_str()), "{segments:?}");
        }
        let last = backtest.predictions.lines().rfind(|line| line.starts_with("I98,")).unwrap();
        let cells: Vec<f64> = last.split(',').skip(1).map(|cell| cell.parse().unwrap()).collect();
        assert!(cells[0] > 0.8 && (15.0..25.0).contains(&cells[1]), "{last}");
        // C0 pays on the day, and nobody is a negative number of days late.
        let expected = backtest.predictions.lines().skip(1).map(|line| line.split(',').nth(2).unwrap());
        assert!(
            expected.clone().all(|days| !days.starts_with('-'))
                && expected.clone().any(|days| matches!(days, "0" | "0.00"))
        );
    }

    #[test]
    fn what_happens_after_the_split_is_not_in_what_was_said_before() {
        let split_day = run(&ledger(0, NaiveDate::MAX)).unwrap().split_day;
        let (one, other) = (run(&ledger(0, split_day)).unwrap(), run(&ledger(9, split_day)).unwrap());
        assert_eq!(one.segments, other.segments);
        assert_eq!(
            one.predictions.lines().take(62).collect::<Vec<_>>(),
            other.predictions.lines().take(62).collect::<Vec<_>>()
        );
        assert_ne!(one.predictions, other.predictions);
    }

    #[test]
    fn a_line_that_cannot_be_used_is_named() {
        let good = "I1,C1,CO,2025-01-01,2025-01-31,100,E,2025-02-03,0,\n";
        let cases = [
            ("invoice_id,customer_id\n".to_owned(), 1, "a column segment"),
            (HEADER.to_owned(), 2, "at least one invoice"),
            (format!("{HEADER}{good}{good}"), 3, "an id that was not there before in invoice_id"),
            (format!("{HEADER}{good}I2,C1\n"), 3, "10 cells, none of them in quotes"),
            (HEADER.to_owned() + &good.replace("2025-01-31", "31/01/2025"), 2, "a date like 2026-01-31 in due_date"),
            (HEADER.to_owned() + &good.replace("100", "a lot"), 2, "a number like 1250.50 in amount"),
        ];
        for (text, line, expected) in cases {
            assert_eq!(run(&text), Err(Unusable { line, expected: expected.into() }), "{text}");
        }
    }
}
