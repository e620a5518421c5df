//! Whose a payment is: what each rule finds, and how sure it is.
//!
//! Confidences are bands that say how a person should look at a suggestion. Whether they are right is counted: how often persons
//! agreed with each rule at each confidence, `GET /v1/cash-rules` shows.
//!
//! | from | means |
//! | --- | --- |
//! | 1.00 | certain: applied, nobody is asked |
//! | 0.80 | the payer is as good as certain; rules disagree, or what it pays is open |
//! | 0.50 | likely: a name without an amount, documents of several payers |
//! | 0.10 | an amount and nothing else |

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::Remitted;
use super::chain::{Chain, Rule};

/// Where more invoices are open, some of them make up any amount.
const MAX_COMBINED: usize = 40;
/// Numbers of a suggestion that a person still reads.
const MAX_SHOWN: usize = 50;

/// An open invoice that may be meant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) number: String,
    pub(crate) payer_id: Uuid,
    pub(crate) open_amount: Decimal,
    pub(crate) due_date: NaiveDate,
}

/// What is known that bears on one payment. Invoices are in its currency and of its legal entity.
#[derive(Debug, Clone, Default)]
pub(crate) struct Evidence {
    pub(crate) amount: Decimal,
    /// What it says it pays, each with the payer of the invoice where that is known.
    pub(crate) remitted: Vec<(Remitted, Option<Uuid>)>,
    /// Open invoices that it names.
    pub(crate) referenced: Vec<Candidate>,
    pub(crate) in_text: Vec<Candidate>,
    pub(crate) payers_by_account: BTreeSet<Uuid>,
    pub(crate) payers_by_name: BTreeSet<Uuid>,
    /// Open invoices of those payers.
    pub(crate) of_payers: Vec<Candidate>,
    /// Open invoices of this very amount, whoever owes them.
    pub(crate) of_amount: Vec<Candidate>,
    /// Who belongs together, of all that are in question.
    pub(crate) families: BTreeMap<Uuid, Family>,
}

/// What a customer's file says of whom it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Family {
    /// Who pays for it; itself where nobody else does.
    pub(crate) payer_id: Uuid,
    /// Code of its corporate group; empty without one.
    pub(crate) group: String,
}

impl Evidence {
    /// Who alone can have paid for all of these: who pays for each of them, else the one of their group whose account or name
    /// it is.
    fn payer_for(&self, payers: &BTreeSet<Uuid>) -> Option<Uuid> {
        let families: Vec<&Family> = payers.iter().map(|id| self.families.get(id)).collect::<Option<_>>()?;
        let first = families.first()?;
        if families.iter().all(|family| family.payer_id == first.payer_id) {
            return Some(first.payer_id);
        }
        if first.group.is_empty() || families.iter().any(|family| family.group != first.group) {
            return None;
        }
        let known = self.payers_by_account.union(&self.payers_by_name);
        let mut of_group = known.filter(|id| self.families.get(id).is_some_and(|family| family.group == first.group));
        of_group.next().copied().filter(|_| of_group.next().is_none())
    }
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Match {
    pub(crate) rule: &'static str,
    pub(crate) payer_id: Uuid,
    /// Numbers with amounts where these are told; empty where the ledger's own rule is to choose.
    pub(crate) parts: Vec<(String, Option<Decimal>)>,
    pub(crate) confidence: Decimal,
    /// For people.
    pub(crate) reason: &'static str,
}

impl Match {
    pub(crate) fn is_certain(&self) -> bool {
        self.confidence == Decimal::ONE
    }

    fn new(
        rule: &Rule,
        payer_id: Uuid,
        parts: Vec<(String, Option<Decimal>)>,
        per_cent: i64,
        reason: &'static str,
    ) -> Self {
        Self { rule: rule.name(), payer_id, parts, confidence: Decimal::new(per_cent, 2), reason }
    }
}

/// The best match first. Only the first can be certain.
pub(crate) fn matches(chain: &Chain, evidence: &Evidence) -> Vec<Match> {
    let mut found = Vec::new();
    for rule in &chain.rules {
        match rule {
            Rule::Remittance => remittance(rule, evidence, &mut found),
            Rule::Reference { in_text } => reference(rule, *in_text, evidence, &mut found),
            Rule::Account => {
                let payers = &evidence.payers_by_account;
                found.extend(payers.iter().map(|payer_id| account(rule, chain, evidence, *payer_id)));
            }
            Rule::Name => {
                let payers = &evidence.payers_by_name;
                found.extend(payers.iter().map(|payer_id| name(rule, chain, evidence, *payer_id)));
            }
            Rule::Amount { .. } => amount_alone(rule, evidence, &mut found),
            Rule::OldestFirst
            | Rule::Withholding { .. }
            | Rule::Deduction { .. }
            | Rule::Tolerance(_)
            | Rule::Exchange { .. } => {}
        }
    }
    doubt(&mut found);
    // Stable: of matches that are as sure as each other the earlier rule's comes first.
    found.sort_by_key(|found| std::cmp::Reverse(found.confidence));
    let mut seen = BTreeSet::new();
    found.retain(|found| seen.insert(found.payer_id));
    found
}

/// Rules that disagree are not certain, except the first of those that go by documents.
fn doubt(found: &mut [Match]) {
    let certain: BTreeSet<Uuid> = found.iter().filter(|found| found.is_certain()).map(|found| found.payer_id).collect();
    if certain.len() < 2 {
        return;
    }
    let by_document = |found: &Match| matches!(found.rule, "remittance" | "reference");
    let first = found.iter().find(|found| found.is_certain() && by_document(found)).map(|found| found.payer_id);
    for other in found.iter_mut().filter(|found| found.is_certain()) {
        if !by_document(other) || first != Some(other.payer_id) {
            other.confidence = Decimal::new(80, 2);
            other.reason = "another rule finds another payer";
        }
    }
}

fn remittance(rule: &Rule, evidence: &Evidence, found: &mut Vec<Match>) {
    let payers: BTreeSet<Uuid> = evidence.remitted.iter().filter_map(|(_, payer_id)| *payer_id).collect();
    let is_told = evidence.remitted.iter().all(|(part, payer_id)| part.amount.is_some() && payer_id.is_some());
    let told: Decimal = evidence.remitted.iter().filter_map(|(part, _)| part.amount).sum();
    if let Some(payer_id) = evidence.payer_for(&payers)
        && payers.len() > 1
        && is_told
        && told == evidence.amount
    {
        let parts = evidence.remitted.iter().map(|(part, _)| (part.invoice.clone(), part.amount)).collect();
        found.push(Match::new(rule, payer_id, parts, 100, "the payment says what it pays for customers of one payer"));
        return;
    }
    for payer_id in &payers {
        // What is not known yet is this payer's as well, where there is no other: the part waits for its invoice.
        let told = evidence.remitted.iter().filter(|(_, of)| of.map_or(payers.len() == 1, |of| of == *payer_id));
        let parts = told.map(|(part, _)| (part.invoice.clone(), part.amount)).collect();
        found.push(if payers.len() == 1 {
            Match::new(rule, *payer_id, parts, 100, "the payment says what it pays")
        } else {
            Match::new(rule, *payer_id, parts, 60, "the payment names invoices of several payers")
        });
    }
}

fn reference(rule: &Rule, in_text: bool, evidence: &Evidence, found: &mut Vec<Match>) {
    let texts = if in_text { &evidence.in_text[..] } else { &[] };
    let mut named: Vec<&Candidate> = evidence.referenced.iter().chain(texts).collect();
    named.sort_by(|one, other| (one.due_date, &one.number).cmp(&(other.due_date, &other.number)));
    named.dedup();
    let payers: BTreeSet<Uuid> = named.iter().map(|invoice| invoice.payer_id).collect();
    let open: Decimal = named.iter().map(|invoice| invoice.open_amount).sum();
    if let Some(payer_id) = evidence.payer_for(&payers)
        && payers.len() > 1
        && open == evidence.amount
    {
        // With amounts: between accounts they are what says how much is meant for which.
        let parts = named.iter().map(|invoice| (invoice.number.clone(), Some(invoice.open_amount))).collect();
        found.push(Match::new(
            rule,
            payer_id,
            parts,
            100,
            "the payment is all that customers of one payer owe of what it names",
        ));
        return;
    }
    for payer_id in &payers {
        let invoices = named.iter().filter(|invoice| invoice.payer_id == *payer_id);
        let parts = invoices.map(|invoice| (invoice.number.clone(), None)).collect();
        found.push(if payers.len() == 1 {
            Match::new(rule, *payer_id, parts, 100, "the payment names the invoices")
        } else {
            Match::new(rule, *payer_id, parts, 60, "the payment names invoices of several payers")
        });
    }
}

fn account(rule: &Rule, chain: &Chain, evidence: &Evidence, payer_id: Uuid) -> Match {
    let parts = exactly(chain, evidence, payer_id);
    if evidence.payers_by_account.len() > 1 {
        return Match::new(rule, payer_id, parts, 50, "several payers have paid from this account");
    }
    if parts.is_empty() && !chain.chooses_oldest() {
        return Match::new(rule, payer_id, parts, 90, "the account is the payer's; what it pays is open");
    }
    Match::new(rule, payer_id, parts, 100, "the account is the payer's")
}

fn name(rule: &Rule, chain: &Chain, evidence: &Evidence, payer_id: Uuid) -> Match {
    let parts = exactly(chain, evidence, payer_id);
    match (evidence.payers_by_name.len() == 1, parts.is_empty()) {
        (true, false) => Match::new(rule, payer_id, parts, 100, "name and amount are the payer's"),
        (true, true) => {
            Match::new(rule, payer_id, parts, 70, "the name is the payer's; no open invoice has this amount")
        }
        (false, false) => Match::new(rule, payer_id, parts, 50, "several payers have this name; the amount fits"),
        (false, true) => Match::new(rule, payer_id, parts, 30, "several payers have this name"),
    }
}

fn amount_alone(rule: &Rule, evidence: &Evidence, found: &mut Vec<Match>) {
    let per_cent = match evidence.of_amount.len() {
        1 => 40,
        2 | 3 => 20,
        _ => 10,
    };
    let mut invoices: Vec<&Candidate> = evidence.of_amount.iter().collect();
    invoices.sort_by(|one, other| (one.due_date, &one.number).cmp(&(other.due_date, &other.number)));
    for invoice in invoices.into_iter().take(MAX_SHOWN) {
        let parts = vec![(invoice.number.clone(), None)];
        found.push(Match::new(rule, invoice.payer_id, parts, per_cent, "nothing but the amount fits"));
    }
}

/// The one open invoice of a payer that has the payment's amount, else the only few that make it up together. Nothing where
/// several would do.
fn exactly(chain: &Chain, evidence: &Evidence, payer_id: Uuid) -> Vec<(String, Option<Decimal>)> {
    let Some(up_to) = chain.amounts() else { return Vec::new() };
    let mut open: Vec<&Candidate> = evidence.of_payers.iter().filter(|invoice| invoice.payer_id == payer_id).collect();
    let equal: Vec<&&Candidate> = open.iter().filter(|invoice| invoice.open_amount == evidence.amount).collect();
    match equal.as_slice() {
        [only] => return vec![(only.number.clone(), None)],
        [] => {}
        _ => return Vec::new(),
    }
    open.retain(|invoice| invoice.open_amount < evidence.amount);
    if open.len() > MAX_COMBINED {
        return Vec::new();
    }
    open.sort_by(|one, other| (one.due_date, &one.number).cmp(&(other.due_date, &other.number)));
    for size in 2..=up_to {
        let mut search = Search { open: &open, found: Vec::new(), chosen: Vec::new() };
        search.combine(0, size, evidence.amount);
        match search.found.as_slice() {
            [only] => return only.iter().map(|invoice| (invoice.number.clone(), None)).collect(),
            [] => {}
            _ => return Vec::new(),
        }
    }
    Vec::new()
}

struct Search<'a> {
    open: &'a [&'a Candidate],
    /// Two are enough to know that there is no only one.
    found: Vec<Vec<&'a Candidate>>,
    chosen: Vec<&'a Candidate>,
}

impl Search<'_> {
    fn combine(&mut self, from: usize, size: usize, missing: Decimal) {
        if self.found.len() > 1 {
            return;
        }
        if size == 0 {
            if missing.is_zero() {
                self.found.push(self.chosen.clone());
            }
            return;
        }
        for (index, invoice) in self.open.iter().enumerate().skip(from) {
            if invoice.open_amount <= missing {
                self.chosen.push(invoice);
                self.combine(index + 1, size - 1, missing - invoice.open_amount);
                self.chosen.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payer(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn open(number: &str, of: u128, amount: u32) -> Candidate {
        let due_date = NaiveDate::from_ymd_opt(2026, 1, 31).unwrap();
        Candidate { number: number.into(), payer_id: payer(of), open_amount: amount.into(), due_date }
    }

    fn parts(numbers: &[&str]) -> Vec<(String, Option<Decimal>)> {
        numbers.iter().map(|number| ((*number).to_owned(), None)).collect()
    }

    fn found(evidence: &Evidence) -> Vec<Match> {
        matches(&Chain::default(), evidence)
    }

    fn chain(rules: &[Rule]) -> Chain {
        Chain { version: 1, rules: rules.to_vec() }
    }

    fn per_cent(found: &Match) -> String {
        found.confidence.to_string()
    }

    #[test]
    fn an_invoice_that_is_named_tells_the_payer() {
        let referenced = vec![open("F-1", 1, 60), open("F-2", 1, 60)];
        let found = found(&Evidence { amount: 100.into(), referenced, ..Evidence::default() });
        assert_eq!((found[0].rule, found[0].payer_id), ("reference", payer(1)));
        assert_eq!((&found[0].parts, found[0].is_certain()), (&parts(&["F-1", "F-2"]), true));
    }

    #[test]
    fn a_text_is_read_where_the_tenant_says_so() {
        let evidence = Evidence { amount: 60.into(), in_text: vec![open("F-1", 1, 60)], ..Evidence::default() };
        assert!(found(&evidence)[0].is_certain());
        assert_eq!(matches(&chain(&[Rule::Reference { in_text: false }]), &evidence), []);
    }

    #[test]
    fn what_the_payment_says_it_pays_keeps_its_amounts_and_waits_for_what_is_not_known() {
        let told = |invoice: &str, amount: u32| Remitted {
            invoice: invoice.into(),
            amount: Some(amount.into()),
            deduction: None,
            reason: None,
        };
        let remitted = vec![(told("F-1", 60), Some(payer(1))), (told("F-9", 40), None)];
        let found = found(&Evidence { amount: 100.into(), remitted, ..Evidence::default() });
        let expected = [("F-1".to_owned(), Some(60.into())), ("F-9".to_owned(), Some(40.into()))];
        assert_eq!((found[0].rule, &found[0].parts[..]), ("remittance", &expected[..]));
    }

    #[test]
    fn invoices_of_two_payers_are_for_a_person_to_part() {
        let referenced = vec![open("F-1", 1, 60), open("F-2", 2, 40)];
        let found = found(&Evidence { amount: 100.into(), referenced, ..Evidence::default() });
        assert!(found.len() == 2 && found.iter().all(|found| per_cent(found) == "0.60"));
    }

    #[test]
    fn one_payer_of_several_customers_parts_by_what_is_open_or_told() {
        let family = |of: u128, group: &str| Family { payer_id: payer(of), group: group.into() };
        let named = Evidence {
            amount: 100.into(),
            referenced: vec![open("F-1", 1, 60), open("F-2", 2, 40)],
            families: [(payer(1), family(9, "")), (payer(2), family(9, ""))].into(),
            ..Evidence::default()
        };
        let first = &found(&named)[0];
        assert_eq!((first.payer_id, first.is_certain()), (payer(9), true));
        assert_eq!(first.parts, [("F-1".into(), Some(60.into())), ("F-2".into(), Some(40.into()))]);
        let short = Evidence { amount: 99.into(), ..named.clone() };
        assert!(!found(&short)[0].is_certain(), "which of them was paid short, nobody knows");
        // A group has no payer of its own: the account must say which of it has paid.
        let group = [(payer(1), family(1, "G")), (payer(2), family(2, "G")), (payer(3), family(3, "G"))];
        let grouped = Evidence { families: group.into(), ..named };
        assert!(!found(&grouped)[0].is_certain());
        let known = Evidence { payers_by_account: [payer(3)].into(), ..grouped };
        assert_eq!((found(&known)[0].payer_id, found(&known)[0].is_certain()), (payer(3), true));
    }

    #[test]
    fn an_account_is_known_by_who_paid_from_it() {
        let evidence = Evidence {
            amount: 40.into(),
            payers_by_account: [payer(1)].into(),
            of_payers: vec![open("F-1", 1, 60), open("F-2", 1, 40)],
            ..Evidence::default()
        };
        let first = &found(&evidence)[0];
        assert_eq!((first.rule, &first.parts, first.is_certain()), ("account", &parts(&["F-2"]), true));
        // Where the oldest are not to be paid first, a payer alone is not enough.
        let strict = chain(&[Rule::Account, Rule::Amount { up_to: 1 }]);
        let other = Evidence { amount: 50.into(), ..evidence };
        assert_eq!(per_cent(&matches(&strict, &other)[0]), "0.90");
        assert!(found(&other)[0].is_certain() && found(&other)[0].parts.is_empty());
    }

    #[test]
    fn a_few_invoices_make_up_an_amount_when_no_others_do() {
        let evidence = |amounts: &[u32]| Evidence {
            amount: 100.into(),
            payers_by_account: [payer(1)].into(),
            of_payers: (1..).zip(amounts).map(|(at, amount)| open(&format!("F-{at}"), 1, *amount)).collect(),
            ..Evidence::default()
        };
        let few = chain(&[Rule::Account, Rule::Amount { up_to: 3 }]);
        let cases: [(&[u32], &[&str]); 6] = [
            (&[70, 30, 45], &["F-1", "F-2"]),
            (&[20, 30, 50, 11], &["F-1", "F-2", "F-3"]),
            (&[70, 30, 60, 40], &[]),
            (&[100, 70, 30], &["F-1"]),
            (&[100, 100], &[]),
            (&[10, 20, 30, 40], &[]),
        ];
        for (amounts, expected) in cases {
            assert_eq!(matches(&few, &evidence(amounts))[0].parts, parts(expected), "{amounts:?}");
        }
        let many = vec![1; MAX_COMBINED + 1];
        assert!(matches(&few, &evidence(&many))[0].parts.is_empty());
    }

    #[test]
    fn a_name_alone_is_a_suggestion() {
        let evidence = Evidence {
            amount: 50.into(),
            payers_by_name: [payer(1)].into(),
            of_payers: vec![open("F-1", 1, 60)],
            ..Evidence::default()
        };
        assert_eq!(per_cent(&found(&evidence)[0]), "0.70");
    }

    #[test]
    fn an_amount_alone_is_never_certain() {
        let one = Evidence { amount: 50.into(), of_amount: vec![open("F-1", 1, 50)], ..Evidence::default() };
        assert_eq!((found(&one)[0].rule, per_cent(&found(&one)[0])), ("amount", "0.40".into()));
        let two = Evidence { of_amount: vec![open("F-1", 1, 50), open("F-2", 2, 50)], ..one };
        assert!(found(&two).iter().all(|found| per_cent(found) == "0.20"));
    }

    #[test]
    fn where_rules_disagree_the_document_wins() {
        let evidence = Evidence {
            amount: 50.into(),
            referenced: vec![open("F-1", 1, 60)],
            payers_by_account: [payer(2)].into(),
            ..Evidence::default()
        };
        let both = found(&evidence);
        assert_eq!((both[0].payer_id, both[0].is_certain(), per_cent(&both[1])), (payer(1), true, "0.80".into()));
        let evidence = Evidence {
            amount: 60.into(),
            payers_by_account: [payer(1)].into(),
            payers_by_name: [payer(2)].into(),
            of_payers: vec![open("F-1", 2, 60)],
            ..Evidence::default()
        };
        assert!(found(&evidence).iter().all(|found| !found.is_certain()));
    }
}
