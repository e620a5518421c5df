//! Golden bytes: what each revision of each event looked like on the wire, kept for ever.
//!
//! `golden/<subject>.r<revision>.hex` is written once, when a revision is first published, and never edited. Today's
//! writer must still produce the newest file, and today's reader must accept every file.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot read its files has failed")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use contracts::ingestion::{
    ApiKeyChanged, BuyerCalendar, ConsentChanged, ContactChanged, ContactLogged, CreditChanged, CustomerChanged,
    DeliveryReported, DisputeChanged, HoldChanged, InvoiceChanged, IssueChanged, LegalEntity, PromiseMade,
    PromiseWithdrawn, Settlement, SourceChanged, TenantChanged,
};
use contracts::promises::{AlertChanged, PromiseChanged};
use contracts::reminders::{MessageChanged, ReminderDecided};
use contracts::scoring::{Contribution, CustomerScored, InvoicePredicted, PatternShifted, RiskRaised, SegmentAssigned};
use contracts::{Event, SCHEMA_REV};
use prost_types::Timestamp;

fn id(last: u8) -> String {
    format!("00000000-0000-5000-8000-0000000000{last:02x}")
}

fn text(value: &str) -> String {
    value.to_owned()
}

#[allow(clippy::unnecessary_wraps, reason = "the fields are optional")]
fn instant(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: 1_770_000_000 + seconds, nanos: 5_000 })
}

struct Case {
    subject: &'static str,
    bytes: Vec<u8>,
    accepts: fn(&[u8]) -> Result<String, prost::DecodeError>,
}

fn case<E: Event>(event: &E) -> Case {
    Case {
        subject: E::SUBJECT,
        bytes: event.encode_to_vec(),
        accepts: |bytes| E::decode(bytes).map(|event| event.tenant().to_owned()),
    }
}

fn facts() -> Vec<Case> {
    vec![
        case(&TenantChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            version: 2,
            slug: text("andina"),
            name: text("Distribuidora Andina"),
            time_zone: text("America/Bogota"),
            send_hour: 9,
            language: text("es"),
            legal_entities: vec![LegalEntity {
                legal_entity_id: id(2),
                code: text("CO01"),
                name: text("Andina Colombia"),
                country: text("CO"),
                time_zone: text("America/Bogota"),
            }],
            late_delivery_days: Some(10),
        }),
        case(&ApiKeyChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            key_id: id(3),
            version: 1,
            secret_sha256: vec![7; 32],
            scopes: vec![text("read")],
            revoked: true,
            name: text("erp"),
        }),
        case(&SourceChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            source_id: id(4),
            version: 9,
            code: text("bank"),
            application_authority: text("puntual"),
            mode: text("events"),
            covers: vec![text("payments")],
            covered_until: instant(0),
        }),
        case(&CustomerChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            customer_id: id(5),
            version: 3,
            code: text("C-1"),
            party_kind: text("company"),
            name: text("Ferretería Ñandú"),
            country: text("CO"),
            time_zone: text("America/Bogota"),
            language: text("es"),
            tier: text("strategic"),
            payer_id: id(6),
            group_code: text("G"),
            provisional: true,
            credit_limit: text("5000000.00"),
            credit_limit_currency: text("COP"),
            rating: text("BB+"),
            tax_id: text("900123456-7"),
            preferred_channel: text("whatsapp"),
            requires_submission: true,
            calendar: Some(BuyerCalendar {
                payment_weekdays: vec![text("fri")],
                payment_days: vec![15, 30],
                reception_weekdays: vec![text("mon")],
                reception_days: vec![1],
                reception_cut_off: text("16:30"),
            }),
        }),
        case(&ContactChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            contact_id: id(7),
            version: 1,
            customer_id: id(5),
            role: text("payables"),
            name: text("Ana"),
            email: text("ana@example.com"),
            language: text("en"),
            active: true,
        }),
    ]
}

fn words() -> Vec<Case> {
    vec![
        case(&PromiseMade {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            promise_id: id(8),
            code: text("P-1"),
            customer_id: id(5),
            legal_entity_id: id(2),
            invoice_ids: vec![id(9), id(10)],
            amount: text("100.00"),
            currency: text("COP"),
            promised_date: text("2026-03-02"),
            time_zone: text("America/Bogota"),
            made_on: text("2026-02-20"),
            channel: text("call"),
            replaces_promise_id: id(11),
            recorded_at: instant(1),
            plan_id: id(31),
            plan_code: text("PL-1"),
            instalment: 2,
            instalments: 3,
            amount_before: text("100.00"),
        }),
        case(&PromiseWithdrawn {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            promise_id: id(8),
            customer_id: id(5),
            withdrawn_on: text("2026-02-25"),
            recorded_at: instant(2),
        }),
    ]
}

fn ledger() -> Vec<Case> {
    vec![
        case(&InvoiceChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            invoice_id: id(9),
            version: 4,
            legal_entity_id: id(2),
            customer_id: id(5),
            payer_id: id(6),
            number: text("F-1"),
            currency: text("COP"),
            amount: text("150.00"),
            open_amount: text("50.00"),
            expected_net: text("46.00"),
            issue_date: text("2026-01-10"),
            due_date: text("2026-02-10"),
            effective_due_date: text("2026-02-15"),
            delivered_date: text("2026-01-12"),
            status: text("settled"),
            settled_on: text("2026-02-12"),
            settlements: vec![Settlement {
                settlement_id: id(12),
                credit_id: id(13),
                kind: text("cash"),
                amount: text("100.00"),
                value_date: text("2026-02-12"),
                recorded_at: instant(3),
                inferred: true,
            }],
            disputed_amount: text("5.00"),
            recorded_at: instant(4),
            last_dunned_on: text("2026-02-11"),
            document: text("debit_note"),
            corrects_invoice_id: id(18),
            voided_on: text("2026-02-12"),
            delivery_channel: text("post"),
            delivery_delay_days: 2,
            acceptance: text("rejected"),
            submitted_on: text("2026-01-13"),
            answered_on: text("2026-01-14"),
            rejection_reason: text("missing_document"),
            factor: text("SUR"),
            payee: text("SUR-1"),
            assigned_on: text("2026-01-20"),
            covered_amount: text("3.00"),
            expected_credit: text("1.00"),
        }),
        case(&CreditChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            credit_id: id(13),
            version: 1,
            legal_entity_id: id(2),
            payer_id: id(6),
            kind: text("cash"),
            number: text("R-1"),
            currency: text("COP"),
            amount: text("100.00"),
            applied: text("70.00"),
            on_account: text("10.00"),
            waiting: text("15.00"),
            held: text("5.00"),
            value_date: text("2026-02-12"),
            recorded_at: instant(5),
        }),
        case(&DisputeChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            dispute_id: id(14),
            version: 2,
            invoice_id: id(9),
            customer_id: id(5),
            reason: text("pricing"),
            status: text("resolved"),
            amount: text("5.00"),
            currency: text("COP"),
            opened_on: text("2026-02-01"),
            resolved_on: text("2026-02-05"),
            recorded_at: instant(6),
        }),
    ]
}

fn conduct() -> Vec<Case> {
    vec![
        case(&HoldChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            hold_id: id(18),
            version: 2,
            customer_id: id(5),
            invoice_ids: vec![id(9), id(10)],
            kind: text("issue"),
            placed_on: text("2026-02-03"),
            until: text("2026-02-28"),
            lifted_on: text("2026-02-20"),
            code: text("I-1"),
            origin_id: id(19),
            recorded_at: instant(14),
        }),
        case(&IssueChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            issue_id: id(19),
            version: 2,
            code: text("I-1"),
            customer_id: id(5),
            invoice_ids: vec![id(9), id(10)],
            reason: text("delivery"),
            status: text("resolved"),
            outcome: text("converted"),
            dispute_id: id(14),
            owner: text("ventas-norte"),
            raised_on: text("2026-02-03"),
            resolved_on: text("2026-02-20"),
            recorded_at: instant(15),
        }),
        case(&ConsentChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            consent_id: id(20),
            version: 3,
            contact_id: id(7),
            customer_id: id(5),
            channel: text("email"),
            status: text("withdrawn"),
            cause: text("complaint"),
            changed_on: text("2026-02-21"),
            recorded_at: instant(16),
        }),
        case(&ContactLogged {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            attempt_id: id(21),
            customer_id: id(5),
            contact_id: id(7),
            channel: text("call"),
            outcome: text("no_answer"),
            logged_on: text("2026-02-22"),
            by: text("u-17"),
            recorded_at: instant(17),
        }),
        case(&DeliveryReported {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            report_id: id(22),
            message_id: id(16),
            contact_id: id(7),
            channel: text("email"),
            outcome: text("bounced"),
            permanent: true,
            reported_at: instant(18),
            recorded_at: instant(19),
        }),
    ]
}

fn contributions() -> Vec<Contribution> {
    let one = |family: &str, log_odds: &str| Contribution { family: text(family), log_odds: text(log_odds) };
    vec![one("rate", "0.957010101"), one("open_book", "-0.5")]
}

fn scores() -> Vec<Case> {
    vec![
        case(&CustomerScored {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            customer_id: id(5),
            version: 12,
            p_late: text("0.612345"),
            mean_days_late: text("7.25"),
            observations: 9,
            learned_through: text("2026-02-12"),
            model_version: text("rates-1"),
            scored_at: instant(7),
            log_odds: text("0.457010101"),
            contributions: contributions(),
            reasons: vec![text("late_of_last:late=7,of=9,weekday=4")],
            p50_delay: text("3.50"),
            p80_delay: text("11.25"),
            structural_days: 2,
        }),
        case(&SegmentAssigned {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            customer_id: id(5),
            version: 2,
            segment: text("often_late"),
            rules_version: text("default-1"),
            reasons: vec![text("late_share=0.62>=0.50")],
            assigned_at: instant(8),
        }),
        case(&InvoicePredicted {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            invoice_id: id(8),
            version: 3,
            customer_id: id(5),
            status: text("open"),
            p_late: text("0.612345"),
            p50_delay: text("-1.50"),
            p80_delay: text("6.00"),
            p90_delay: text("9.75"),
            structural_days: 2,
            log_odds: text("0.457010101"),
            contributions: contributions(),
            reasons: vec![text("overdue:invoices=2,oldest_days=31")],
            invoice_version: 4,
            learned_through: text("2026-02-12"),
            as_of: text("2026-02-13"),
            model_version: text("rates-1"),
            predicted_at: instant(20),
        }),
        case(&PatternShifted {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            customer_id: id(5),
            version: 1,
            status: text("shifted"),
            since: text("2026-01-15"),
            found_on: text("2026-02-12"),
            delay_before: text("2.50"),
            delay_after: text("12.00"),
            payments_before: 30,
            payments_after: 6,
            payments_per_false_alarm: 450,
            told_at: instant(21),
        }),
        case(&RiskRaised {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            invoice_id: id(8),
            version: 2,
            customer_id: id(5),
            status: text("raised"),
            p_late: text("0.812345"),
            threshold: text("0.70"),
            due_date: text("2026-03-01"),
            open_amount: text("1000.00"),
            currency: text("COP"),
            reasons: vec![text("late_of_last:late=7,of=9")],
            raised_at: instant(22),
        }),
    ]
}

fn decisions() -> Vec<Case> {
    vec![
        case(&ReminderDecided {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            decision_id: id(15),
            customer_id: id(5),
            invoice_id: id(9),
            strategy: text("default"),
            strategy_version: 1,
            step: 2,
            offset_days: -7,
            outcome: text("suppressed"),
            reason: text("paid"),
            message_id: id(16),
            day: text("2026-02-13"),
            decided_at: instant(9),
        }),
        case(&MessageChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            message_id: id(16),
            version: 4,
            customer_id: id(5),
            contact_id: id(7),
            channel: text("email"),
            status: text("uncertain"),
            reason: text("connection lost after data"),
            day: text("2026-02-13"),
            invoice_ids: vec![id(9)],
            level: 2,
            changed_at: instant(10),
        }),
        case(&PromiseChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            promise_id: id(8),
            version: 3,
            customer_id: id(5),
            invoice_ids: vec![id(9)],
            amount: text("100.00"),
            currency: text("COP"),
            paid_amount: text("40.00"),
            promised_date: text("2026-03-02"),
            status: text("partially_kept"),
            late_information: true,
            changed_at: instant(11),
            legal_entity_id: id(2),
            made_on: text("2026-02-20"),
            plan_id: id(31),
            instalment: 2,
        }),
        case(&AlertChanged {
            schema_rev: SCHEMA_REV,
            tenant_id: id(1),
            alert_id: id(17),
            version: 2,
            kind: text("promise_broken"),
            customer_id: id(5),
            subject_id: id(8),
            status: text("cleared"),
            amount: text("60.00"),
            currency: text("COP"),
            raised_at: instant(12),
            cleared_at: instant(13),
        }),
    ]
}

/// Files of one subject by revision.
fn golden(subject: &str) -> BTreeMap<u32, Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden");
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(revision) = name.strip_prefix(&format!("{subject}.r")).and_then(|rest| rest.strip_suffix(".hex"))
        else {
            continue;
        };
        let hex: String = std::fs::read_to_string(&path).unwrap().split_whitespace().collect();
        let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        found.insert(revision.parse().unwrap(), bytes);
    }
    found
}

#[test]
fn every_published_revision_is_still_read_and_the_newest_still_written() {
    for case in facts().into_iter().chain(words()).chain(ledger()).chain(conduct()).chain(scores()).chain(decisions()) {
        let files = golden(case.subject);
        let hex = case.bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        let newest = files.get(&SCHEMA_REV);
        assert!(newest.is_some(), "golden/{}.r{SCHEMA_REV}.hex is missing; it should hold\n{hex}", case.subject);
        assert_eq!(newest, Some(&case.bytes), "{} is written differently than when it was published", case.subject);
        for (revision, bytes) in files {
            let tenant = (case.accepts)(&bytes).unwrap_or_else(|error| panic!("{} r{revision}: {error}", case.subject));
            assert_eq!(tenant, id(1), "{} r{revision}", case.subject);
        }
    }
}
