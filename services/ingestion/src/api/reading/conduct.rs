//! The data of facts about pauses, problems and debtors' answers.

use chrono::NaiveDate;
use primitives::{Currency, Money};

use super::data::{DISPUTE_REASONS, invoice_list};
use super::members::{Members, Noted, Read, Refusal, Sign};
use crate::domain::fact::Body;
use crate::domain::fact::conduct::{Claimed, Conduct, HoldLifted, HoldPlaced, IssueRaised, IssueResolved};
use crate::domain::hold::{Answer, HoldKind};
use crate::domain::text::{self, TEXT_CHARS};

pub(super) fn hold_placed(data: &mut Members<'_>) -> Read<Body> {
    let (hold, customer) = (data.key("hold"), data.key("customer"));
    let invoices = invoice_list(data);
    let kind = data.required("kind", hold_kind);
    // Kept with the fact, where it can be erased.
    let reason = data.optional_text("reason", TEXT_CHARS);
    let (placed_on, until) = (data.date("placed_on"), data.optional_date("until"));
    not_before(data, "until", until.map(|day| day.unwrap_or(NaiveDate::MAX)), placed_on)?;
    reason?;
    Ok(Body::Conduct(Conduct::HoldPlaced(HoldPlaced {
        hold: hold?,
        customer: customer?,
        invoices: invoices?,
        kind: kind?,
        placed_on: placed_on?,
        until: until?,
    })))
}

pub(super) fn hold_lifted(data: &mut Members<'_>) -> Read<Body> {
    let (hold, lifted_on) = (data.key("hold"), data.date("lifted_on"));
    Ok(Body::Conduct(Conduct::HoldLifted(HoldLifted { hold: hold?, lifted_on: lifted_on? })))
}

pub(super) fn issue_raised(data: &mut Members<'_>) -> Read<Body> {
    let (issue, customer) = (data.key("issue"), data.key("customer"));
    let invoices = invoice_list(data);
    let reason = data.required_choice("reason", &DISPUTE_REASONS);
    let description = data.optional_text("description", TEXT_CHARS);
    let raised_on = data.date("raised_on");
    let (owner, raised_by) = (data.optional("owner", colleague), data.optional("raised_by", colleague));
    description?;
    Ok(Body::Conduct(Conduct::IssueRaised(IssueRaised {
        issue: issue?,
        customer: customer?,
        invoices: invoices?,
        reason: reason?,
        raised_on: raised_on?,
        owner: owner?,
        raised_by: raised_by?,
    })))
}

/// Of one that has become a dispute, which.
pub(super) fn issue_resolved(data: &mut Members<'_>) -> Read<Body> {
    let (issue, resolved_on) = (data.key("issue"), data.date("resolved_on"));
    let outcome = data.choice("outcome", &["solved", "unfounded", "converted", "other"], "solved");
    let dispute = data.optional_key("dispute");
    match (outcome, &dispute) {
        (Ok("converted"), Ok(None)) => return Err(data.missing("dispute")),
        (Ok(other), Ok(Some(_))) if other != "converted" => {
            let detail = format!("only an issue that was converted has become a dispute, this one was {other}");
            return Err(data.note("dispute", "unknown-field", detail));
        }
        _ => {}
    }
    Ok(Body::Conduct(Conduct::IssueResolved(IssueResolved {
        issue: issue?,
        resolved_on: resolved_on?,
        outcome: outcome?,
        dispute: dispute?,
    })))
}

pub(super) fn payment_claimed(data: &mut Members<'_>) -> Read<Body> {
    let paid_on = data.optional_date("paid_on");
    let proof = data.optional_text("proof", TEXT_CHARS);
    let fact = claimed(data, |_| Ok(Answer::Paid));
    if let (Ok(fact), Ok(Some(paid_on))) = (&fact, paid_on)
        && paid_on > fact.claimed_on
    {
        let detail = format!("paid after {}, when it was claimed: payment.scheduled says that", fact.claimed_on);
        return Err(data.note("paid_on", "date-order", detail));
    }
    proof?;
    Ok(Body::Conduct(Conduct::Claimed(Claimed { paid_on: paid_on?, ..fact? })))
}

pub(super) fn payment_scheduled(data: &mut Members<'_>) -> Read<Body> {
    let proof = data.optional_text("proof", TEXT_CHARS);
    let scheduled_for = data.date("scheduled_for");
    let fact = claimed(data, |_| Ok(Answer::Scheduled { on: scheduled_for? }));
    not_before(data, "scheduled_for", scheduled_for, fact.as_ref().map(|fact| fact.claimed_on).map_err(|_| Noted))?;
    proof?;
    Ok(Body::Conduct(Conduct::Claimed(fact?)))
}

pub(super) fn invoice_not_received(data: &mut Members<'_>) -> Read<Body> {
    let fact = claimed(data, |_| Ok(Answer::InvoiceNotReceived))?;
    if fact.invoices.is_empty() {
        return Err(data.note("invoices", "missing-member", "which invoices were not received?".to_owned()));
    }
    Ok(Body::Conduct(Conduct::Claimed(fact)))
}

pub(super) fn document_missing(data: &mut Members<'_>) -> Read<Body> {
    let documents = ["purchase_order", "hes", "contrarrecibo", "other"];
    let fact = claimed(data, |data| {
        let document = data.required_choice("document", &documents)?;
        Ok(Answer::DocumentMissing { document })
    });
    Ok(Body::Conduct(Conduct::Claimed(fact?)))
}

/// What every answer says.
fn claimed<'a>(data: &mut Members<'a>, answer: impl FnOnce(&mut Members<'a>) -> Read<Answer>) -> Read<Claimed> {
    let (claim, customer) = (data.key("claim"), data.key("customer"));
    let invoices = invoice_list(data);
    let amount = optional_money(data);
    let claimed_on = data.date("claimed_on");
    let answer = answer(data);
    Ok(Claimed {
        claim: claim?,
        answer: answer?,
        customer: customer?,
        invoices: invoices?,
        amount: amount?,
        claimed_on: claimed_on?,
        paid_on: None,
    })
}

/// An amount needs a currency, and a currency alone says nothing wrong.
fn optional_money(data: &mut Members<'_>) -> Read<Option<Money>> {
    let currency = data.optional("currency", |code| Ok(Currency::parse(code)?))?;
    let currency = match currency {
        Some(currency) => Ok(currency),
        None if data.has("amount") => Err(data.missing("currency")),
        None => Err(Noted),
    };
    data.optional_amount("amount", currency, Sign::Positive)
}

/// Notes a day that lies before the one that it follows.
fn not_before(data: &mut Members<'_>, name: &str, day: Read<NaiveDate>, first: Read<NaiveDate>) -> Read<()> {
    match (day, first) {
        (Ok(day), Ok(first)) if day < first => {
            Err(data.note(name, "date-order", format!("earlier than {first}, when it begins")))
        }
        _ => Ok(()),
    }
}

fn hold_kind(value: &str) -> Result<HoldKind, Refusal> {
    HoldKind::placed(value).ok_or_else(|| Refusal {
        code: "unknown-value",
        detail: "one of manual, hardship, legal, insolvency is expected; others follow from facts of their own"
            .to_owned(),
    })
}

/// The code of somebody of the creditor. It travels in events, where no personal data may be (L5).
pub(super) fn colleague(value: &str) -> Result<String, Refusal> {
    let code = text::natural_key(value)?;
    if code.contains('@') {
        let detail = "the code of a person or a team is expected, not an e-mail address".to_owned();
        return Err(Refusal { code: "personal-data", detail });
    }
    Ok(code.to_owned())
}
