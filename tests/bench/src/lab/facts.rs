//! What a company tells in the order in which it happens: customers with a contact each, invoices, and payments that name
//! them. Nothing is due for two weeks, so that no reminder leaves while something else is measured.

use bytes::Bytes;
use chrono::{Days, NaiveDate, Utc};
use serde_json::{Value, json};

/// Lines in a request, unless said otherwise.
pub(crate) const LINES: usize = 1_000;

/// Of each ten facts of a company one is a customer, one a contact, five are invoices and three payments.
pub(crate) struct Company {
    /// Tells companies and runs apart.
    name: String,
    customers: u64,
    invoices: u64,
    payments: u64,
    today: NaiveDate,
}

impl Company {
    pub(crate) fn new(name: &str, facts: usize) -> Self {
        let tenth = (facts as u64).div_ceil(10);
        let today = Utc::now().date_naive();
        Self { name: name.to_owned(), customers: tenth, invoices: 5 * tenth, payments: 3 * tenth, today }
    }

    /// Everything, as bodies of requests with at most `lines` facts each.
    pub(crate) fn requests(&self, lines: usize) -> Vec<Bytes> {
        let facts: Vec<Value> = self.masters().chain(self.invoices()).chain(self.payments()).collect();
        bodies(&facts, lines)
    }

    pub(crate) fn masters(&self) -> impl Iterator<Item = Value> {
        (0..self.customers).flat_map(|number| [self.customer(number), self.contact(number)])
    }

    pub(crate) fn invoices(&self) -> impl Iterator<Item = Value> {
        (0..self.invoices).map(|number| self.invoice(number))
    }

    pub(crate) fn payments(&self) -> impl Iterator<Item = Value> {
        (0..self.payments).map(|number| self.payment(number))
    }

    fn customer(&self, number: u64) -> Value {
        let code = self.code(number);
        let data = json!({ "customer": code, "name": format!("Comercial del Valle {number}"), "country": "CO",
            "time_zone": "America/Bogota", "language": "es" });
        fact("erp", &format!("cust-{code}"), "customer.upserted", self.day(40), &data)
    }

    fn contact(&self, number: u64) -> Value {
        let code = self.code(number);
        let data = json!({ "contact": format!("K-{code}"), "customer": code, "name": "Ana Ruiz",
            "email": format!("{}@example.com", code.to_lowercase()), "role": "payables" });
        fact("erp", &format!("contact-{code}"), "contact.upserted", self.day(40), &data)
    }

    /// Issued in the course of twenty days, the last of them ten days ago; due in 15 to 65 days.
    pub(crate) fn invoice(&self, number: u64) -> Value {
        let issued = self.day(30 - number * 20 / self.invoices.max(1));
        let terms = 45 + 15 * (mix(number) % 3);
        let data = json!({ "invoice": self.invoice_number(number), "customer": self.debtor(number),
            "amount": self.amount(number), "currency": "COP", "issue_date": issued.to_string(),
            "due_date": (issued + Days::new(terms)).to_string() });
        fact("erp", &format!("inv-{}-{number}", self.name), "invoice.issued", issued, &data)
    }

    /// In the course of the last nine days; one invoice each, paid in full by four of five.
    pub(crate) fn payment(&self, number: u64) -> Value {
        let on = self.day(9 - number * 9 / self.payments.max(1));
        // A permutation of the invoices, so that no invoice is paid twice.
        let invoice = (number * 7_919) % self.invoices.max(1);
        self.payment_of(number, invoice, on, !number.is_multiple_of(5))
    }

    pub(crate) fn payment_of(&self, number: u64, invoice: u64, on: NaiveDate, whole: bool) -> Value {
        let amount = if whole { self.amount(invoice) } else { "1000.00".to_owned() };
        let data = json!({ "payment": format!("{}-{number}", self.name), "payer": self.debtor(invoice), "amount": amount,
            "currency": "COP", "value_date": on.to_string(),
            "remittance": [{ "invoice": self.invoice_number(invoice), "amount": amount }] });
        fact("bank", &format!("pay-{}-{number}", self.name), "payment.received", on, &data)
    }

    pub(crate) fn invoice_number(&self, number: u64) -> String {
        format!("F-{}-{number:07}", self.name)
    }

    pub(crate) fn today(&self) -> NaiveDate {
        self.today
    }

    pub(crate) fn invoice_count(&self) -> u64 {
        self.invoices
    }

    fn code(&self, customer: u64) -> String {
        format!("C-{}-{customer:06}", self.name)
    }

    fn debtor(&self, invoice: u64) -> String {
        self.code(mix(invoice) % self.customers.max(1))
    }

    #[allow(clippy::unused_self, reason = "an amount is the company's, like the rest")]
    fn amount(&self, invoice: u64) -> String {
        format!("{}.00", 100_000 + mix(invoice + 77) % 9_000_000)
    }

    fn day(&self, ago: u64) -> NaiveDate {
        self.today - Days::new(ago)
    }
}

/// Bodies of requests with at most `lines` facts each.
pub(crate) fn bodies(facts: &[Value], lines: usize) -> Vec<Bytes> {
    let body = |lines: &[Value]| lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n").into();
    facts.chunks(lines).map(body).collect()
}

fn fact(source: &str, id: &str, kind: &str, day: NaiveDate, data: &Value) -> Value {
    json!({ "id": id, "source": source, "type": kind, "time": format!("{day}T12:00:00Z"), "data": data })
}

/// `SplitMix64`: scatters numbers, the same way in every run.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
