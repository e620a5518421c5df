//! A line of a list of open items: what a source shows of one invoice at one moment.

use chrono::NaiveDate;
use primitives::Money;

use super::members::{Members, Read, Refusal, Sign};
use super::{Finding, data, json};
use crate::domain::text::{self, TEXT_CHARS};

/// What is open of an invoice, and what the list says of it besides; or, where the amount is negative, money on account.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OpenItem {
    pub(crate) invoice: String,
    /// Code; the tenant's first legal entity when absent.
    pub(crate) legal_entity: Option<String>,
    pub(crate) customer: String,
    pub(crate) customer_name: Option<String>,
    pub(crate) country: Option<String>,
    pub(crate) payer: Option<String>,
    pub(crate) open_amount: Money,
    /// Of the whole invoice, not less than what is open, and of its sign.
    pub(crate) amount: Option<Money>,
    pub(crate) expected_withholding: Option<Money>,
    pub(crate) issue_date: Option<NaiveDate>,
    /// Always told of an invoice.
    pub(crate) due_date: Option<NaiveDate>,
    pub(crate) effective_due_date: Option<NaiveDate>,
    pub(crate) delivered_date: Option<NaiveDate>,
    /// How far the source has dunned it: a level without a day is of the list's day.
    pub(crate) dunning_level: Option<u8>,
    pub(crate) last_dunned_on: Option<NaiveDate>,
}

/// Names the invoice of a line that is refused, as far as it can be read: it is still in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mentioned {
    pub(crate) legal_entity: Option<String>,
    pub(crate) invoice: String,
}

impl Mentioned {
    /// Of what could be read of a row.
    pub(crate) fn of(row: &serde_json::Value) -> Option<Self> {
        let text = |name: &str| row.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
        Some(Self { legal_entity: text("legal_entity"), invoice: text("invoice")? })
    }
}

/// Reads one line, or says all that is wrong with it.
pub(crate) fn open_item(bytes: &[u8], today: NaiveDate) -> Result<OpenItem, (Vec<Finding>, Option<Mentioned>)> {
    let json = json::parse(bytes).map_err(|finding| (vec![finding], None))?;
    let mut findings = Vec::new();
    match read(&json, today, &mut findings) {
        Ok(item) if findings.is_empty() => Ok(item),
        _ => Err((findings, mentioned(&json))),
    }
}

fn read(json: &json::Json, today: NaiveDate, findings: &mut Vec<Finding>) -> Read<OpenItem> {
    let mut line = Members::of(json, "#", today, findings)?;
    let (invoice, legal_entity) = (line.key("invoice"), line.optional_key("legal_entity"));
    let (customer, payer) = (line.key("customer"), line.optional_key("payer"));
    let customer_name = line.optional_text("customer_name", TEXT_CHARS);
    let country = line.optional("country", data::country);
    let currency = line.currency();
    let open_amount = line.amount("open_amount", currency, Sign::Any);
    let amount = line.optional_amount("amount", currency, Sign::Any);
    let expected_withholding = line.optional_amount("expected_withholding", currency, Sign::NotNegative);
    let (issue_date, due_date) = (line.optional_date("issue_date"), line.optional_date("due_date"));
    let effective_due_date = line.optional_date("effective_due_date");
    let delivered_date = line.optional_date("delivered_date");
    let dunning_level = line.optional("dunning_level", dunning_level);
    let last_dunned_on = line.optional_date("last_dunned_on");
    if let (Ok(open), Ok(Some(amount))) = (open_amount, amount) {
        if amount.is_zero() {
            line.note("amount", "amount-zero", "must not be zero".to_owned());
        } else if open.is_negative() != amount.is_negative() && !open.is_zero()
            || open.is_zero() && amount.is_negative()
        {
            line.note("open_amount", "amount-sign", format!("not of the sign of {amount}"));
        } else if open.amount().abs() > amount.amount().abs() {
            line.note("open_amount", "amount-range", format!("more than the invoice's {amount}"));
        }
    }
    if let (Ok(open), Ok(None)) = (open_amount, due_date)
        && !open.is_negative()
    {
        line.missing("due_date");
    }
    if let (Ok(Some(issued)), Ok(Some(due))) = (issue_date, due_date)
        && due < issued
    {
        line.note("due_date", "date-order", format!("due before it is issued on {issued}"));
    }
    if let (Ok(Some(due)), Ok(Some(effective))) = (due_date, effective_due_date)
        && effective < due
    {
        line.note("effective_due_date", "date-order", format!("earlier than the due date {due}"));
    }
    line.finish();
    Ok(OpenItem {
        invoice: invoice?,
        legal_entity: legal_entity?,
        customer: customer?,
        customer_name: customer_name?,
        country: country?,
        payer: payer?,
        open_amount: open_amount?,
        amount: amount?,
        expected_withholding: expected_withholding?,
        issue_date: issue_date?,
        due_date: due_date?,
        effective_due_date: effective_due_date?,
        delivered_date: delivered_date?,
        dunning_level: dunning_level?,
        last_dunned_on: last_dunned_on?,
    })
}

fn dunning_level(value: &str) -> Result<u8, Refusal> {
    let level = value.parse::<u8>().ok().filter(|level| *level < 10);
    level.ok_or_else(|| Refusal { code: "unknown-value", detail: "a level from 0 to 9 is expected".to_owned() })
}

fn mentioned(json: &json::Json) -> Option<Mentioned> {
    let json::Json::Object(members) = json else { return None };
    let text = |wanted: &str| match members.iter().find(|(name, _)| name == wanted) {
        None => Some(None),
        Some((_, json::Json::Text(value))) => text::natural_key(value).ok().map(|value| Some(value.to_owned())),
        Some(_) => None,
    };
    Some(Mentioned { invoice: text("invoice")??, legal_entity: text("legal_entity")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 1).unwrap()
    }

    #[test]
    fn a_line_says_what_is_open() {
        let line = br#"{"invoice":"F-1","customer":"C-1","currency":"COP","open_amount":"60.00","amount":"100.00","due_date":"2026-02-01"}"#;
        let item = open_item(line, today()).unwrap();
        assert_eq!((item.open_amount.to_string(), item.amount.unwrap().to_string()), ("60.00".into(), "100.00".into()));
    }

    #[test]
    fn a_negative_item_is_money_on_account() {
        let line = br#"{"invoice":"P-7","customer":"C-1","currency":"COP","open_amount":"-60.00","amount":"-100.00"}"#;
        let item = open_item(line, today()).unwrap();
        assert!(item.open_amount.is_negative() && item.due_date.is_none());
        let cases: [(&[u8], &str); 3] = [
            (br#"{"invoice":"F-1","customer":"C-1","currency":"COP","open_amount":"60.00"}"#, "missing-member"),
            (
                br#"{"invoice":"F-1","customer":"C-1","currency":"COP","open_amount":"-60.00","amount":"100.00"}"#,
                "amount-sign",
            ),
            (
                br#"{"invoice":"F-1","customer":"C-1","currency":"COP","open_amount":"-160.00","amount":"-100.00"}"#,
                "amount-range",
            ),
        ];
        for (line, code) in cases {
            assert_eq!(open_item(line, today()).unwrap_err().0[0].code, code);
        }
    }

    #[test]
    fn what_is_refused_is_still_in_the_list_where_it_can_be_named() {
        let wrong = |line: &[u8]| {
            let (findings, mentioned) = open_item(line, today()).unwrap_err();
            (findings[0].code, mentioned.map(|mentioned| mentioned.invoice))
        };
        let more = br#"{"invoice":"F-1","customer":"C-1","currency":"COP","open_amount":"160","amount":"100","due_date":"2026-02-01"}"#;
        assert_eq!(wrong(more), ("amount-range", Some("F-1".into())));
        assert_eq!(wrong(br#"{"invoice":7}"#), ("wrong-type", None));
        assert_eq!(wrong(b"{"), ("malformed-json", None));
    }
}
