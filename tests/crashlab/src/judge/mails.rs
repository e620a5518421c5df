//! R1 to R3: at most one hand-off, never after a stop, every message ends. The mail server's own log is what counts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use mail_parser::MessageParser;

use super::promises::{self, Said};
use super::{Case, Findings, rows, tenant_of, text};
use crate::clock::noon;
use crate::oracle::{self, Key, Truth};
use crate::told::{Fact, TENANTS, address};

/// A mail that the server accepted.
struct Mail {
    message_id: String,
    tenant: usize,
    customer: String,
    /// Civil day of its business time.
    day: NaiveDate,
    /// Numbers of invoices in its text.
    invoices: BTreeSet<String>,
}

pub(super) async fn judge(case: &Case<'_>, findings: &mut Findings) -> anyhow::Result<()> {
    let mails = read(case, findings);
    let messages = rows(
        case.world,
        "reminders",
        "SELECT m.tenant_id, m.message_id, m.status, m.reason, m.day::text AS day, c.code,
                (SELECT json_agg(i.number) FROM invoices i
                 WHERE i.tenant_id = m.tenant_id AND i.invoice_id = ANY(m.invoice_ids)) AS numbers
         FROM messages m JOIN customers c USING (tenant_id, customer_id)",
    )
    .await?;
    let mut handed: BTreeMap<&str, usize> = BTreeMap::new();
    for mail in &mails {
        *handed.entry(mail.message_id.as_str()).or_default() += 1;
    }
    for (message, count) in &handed {
        findings.unless(*count == 1, "R1", || format!("message {message} was handed over {count} times"));
    }
    let last = case.schedule.days[case.schedule.days.len() - 1].to_string();
    let known: BTreeSet<&str> = messages.iter().map(|row| text(row, "message_id")).collect();
    for mail in &mails {
        findings.unless(known.contains(mail.message_id.as_str()), "R3", || {
            format!("a mail to {} of tenant {} belongs to no message", mail.customer, mail.tenant)
        });
    }
    for row in &messages {
        let (id, status) = (text(row, "message_id"), text(row, "status"));
        let count = handed.get(id).copied().unwrap_or(0);
        let ends = matches!(status, "sent" | "suppressed" | "failed" | "uncertain");
        findings.unless(ends || (status == "planned" && text(row, "day") == last), "R3", || {
            format!("message {id} of {} never ended: {row}", text(row, "day"))
        });
        let fits = match status {
            "sent" => count == 1,
            "uncertain" => count <= 1,
            _ => count == 0,
        };
        findings.unless(fits, "R3", || format!("message {id} is {status}, the mail server took it {count} times"));
        if status == "uncertain" {
            case.world.tally.add("uncertain_send", 1);
        }
    }
    for mail in &mails {
        if let Some(row) = messages.iter().find(|row| text(row, "message_id") == mail.message_id) {
            let carried: BTreeSet<String> =
                row["numbers"].as_array().into_iter().flatten().filter_map(|n| n.as_str().map(str::to_owned)).collect();
            let right = carried == mail.invoices && text(row, "code") == mail.customer && tenant_of(row) == mail.tenant;
            findings.unless(right, "R5", || format!("the mail lists {:?}, its message {row}", mail.invoices));
        }
    }
    stops(case, &mails, findings).await
}

/// What the mail server kept.
fn read(case: &Case<'_>, findings: &mut Findings) -> Vec<Mail> {
    let mut mails = Vec::new();
    for (_, caught) in case.world.mail_log() {
        let parsed = MessageParser::default().parse(&caught.raw);
        let whom = caught.recipients.first().cloned().unwrap_or_default();
        let found = parsed.as_ref().and_then(|mail| {
            let id = mail.message_id()?.split('@').next()?.to_owned();
            let at = chrono::DateTime::from_timestamp(mail.date()?.to_timestamp(), 0)?;
            let customer = crate::workload::CUSTOMERS.iter().find_map(|customer| {
                let tenant = (0..TENANTS.len()).find(|tenant| address(*tenant, customer) == whom)?;
                Some((tenant, (*customer).to_owned()))
            })?;
            let text = mail.body_text(0)?;
            Some(Mail {
                message_id: id,
                tenant: customer.0,
                customer: customer.1,
                day: at.date_naive(),
                invoices: numbers(&text),
            })
        });
        match found {
            Some(mail) => mails.push(mail),
            None => findings.add("R5", format!("a mail to {whom} that cannot be read")),
        }
    }
    mails
}

/// `F-` and three digits.
fn numbers(text: &str) -> BTreeSet<String> {
    text.match_indices("F-")
        .filter_map(|(at, _)| text.get(at..at + 5))
        .filter(|number| number[2..].bytes().all(|byte| byte.is_ascii_digit()))
        .map(str::to_owned)
        .collect()
}

/// R2: nothing asks for an invoice whose stop was accepted before reminders was asked to do that day.
async fn stops(case: &Case<'_>, mails: &[Mail], findings: &mut Findings) -> anyhow::Result<()> {
    let decided = rows(
        case.world,
        "reminders",
        "SELECT d.tenant_id, i.number, d.decided_at, d.day::text AS day FROM decisions d
         JOIN invoices i USING (tenant_id, invoice_id) WHERE d.outcome = 'send'",
    )
    .await?;
    let mut asked: BTreeSet<(usize, String, NaiveDate)> = decided
        .iter()
        .filter_map(|row| Some((tenant_of(row), text(row, "number").to_owned(), text(row, "day").parse().ok()?)))
        .collect();
    for mail in mails {
        asked.extend(mail.invoices.iter().map(|number| (mail.tenant, number.clone(), mail.day)));
    }
    let said = promises::said(case).await?;
    let mut knowledge: BTreeMap<NaiveDate, Option<Known>> = BTreeMap::new();
    for (tenant, number, day) in asked {
        let Some(known) = knowledge.entry(day).or_insert_with(|| Known::on(case, day)) else {
            findings.add("R2", format!("something was decided for {day}, when reminders was not asked"));
            continue;
        };
        if let Some(stop) = known.stop(&(tenant, number.clone()), day, &said) {
            findings.add("R2", format!("invoice {number} of tenant {tenant} was asked for on {day}, but {stop}"));
        }
        let covered = promises::covered_on(case, tenant, day);
        findings.unless(covered.is_some_and(|until| until >= day), "R2", || {
            format!("invoice {number} of tenant {tenant} was asked for on {day}, the bank has told {covered:?} only")
        });
    }
    Ok(())
}

/// What must have been known when reminders did a day, and what may have been.
struct Known {
    surely: Truth,
    at_most: Truth,
}

impl Known {
    fn on(case: &Case<'_>, day: NaiveDate) -> Option<Self> {
        let began = *case.world.began().get(&day)?;
        let fates = case.world.client.history.fates();
        let pick = |take: &dyn Fn(usize) -> bool| -> Vec<&Fact> {
            let facts = case.schedule.facts.iter().enumerate();
            facts.filter(|(index, _)| take(*index)).map(|(_, fact)| fact).collect()
        };
        let surely =
            pick(&|index| fates.get(&index).and_then(|fate| fate.accepted).is_some_and(|accepted| accepted < began));
        // Whatever was offered until the next day began may have been in time.
        let next = case.schedule.days.iter().find(|next| **next > day);
        let end = next.and_then(|next| case.world.began().get(next).copied());
        let at_most = pick(&|index| fates.get(&index).is_some_and(|fate| end.is_none_or(|end| fate.offered < end)));
        Some(Self { surely: oracle::fold(surely), at_most: oracle::fold(at_most) })
    }

    /// Why the invoice must not be asked for, where that is so whatever else was known.
    fn stop(&self, key: &Key, day: NaiveDate, said: &BTreeMap<Key, Vec<Said>>) -> Option<String> {
        let both = [&self.surely, &self.at_most];
        let invoices: Vec<_> = both.iter().filter_map(|truth| truth.invoices.get(key)).collect();
        if invoices.len() == 2 && invoices.iter().all(|invoice| invoice.open.is_zero()) {
            return Some("it was paid".to_owned());
        }
        if invoices.len() == 2 && invoices.iter().all(|invoice| invoice.disputed == invoice.open) {
            return Some("it was disputed".to_owned());
        }
        for (name, promise) in self.surely.promises.iter().filter(|(name, _)| name.0 == key.0) {
            if promise.invoice != key.1 || promise.until < day {
                continue;
            }
            let open =
                both.iter().all(|truth| truth.promises.get(name).is_some_and(|promise| promise.status(day) == "open"));
            // What promises had concluded from less knowledge lifts the stop until it is corrected.
            let concluded =
                said.get(name).into_iter().flatten().any(|said| promises::is_end(&said.status) && said.at <= noon(day));
            if open && !concluded {
                return Some(format!("{} was promised on {} for {}", name.1, promise.made, promise.until));
            }
        }
        None
    }
}
