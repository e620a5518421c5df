//! Hostile and broken XML is refused by name, quickly, and without anything being fetched.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::fmt::Write;
use std::time::{Duration, Instant};

use formats::{Finding, Options};

fn read(document: &[u8]) -> Result<formats::Reading, Finding> {
    formats::read(document, &Options::default())
}

fn parsed(text: &str) -> Result<(), Finding> {
    formats::xml::Document::parse(text).map(drop)
}

#[test]
fn attacks_have_names() {
    let many: String = (0..101).fold(String::new(), |mut text, number| {
        let _ = write!(text, " a{number}='1'");
        text
    });
    let large = "x".repeat((1 << 20) + 1);
    let cases: [(&str, String, &str); 33] = [
        ("any document type", "<?xml version='1.0'?>\n<!DOCTYPE a><a/>".into(), "xml-doctype"),
        ("after blanks and a comment", "  <!-- c --> <!doctype a [".into(), "xml-doctype"),
        ("billion laughs", "<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><l>&b;</l>".into(), "xml-doctype"),
        ("external entity", "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>".into(), "xml-doctype"),
        ("external definition", "<!DOCTYPE a SYSTEM 'http://169.254.169.254/'><a/>".into(), "xml-doctype"),
        ("inside the root", "<a><!DOCTYPE b></a>".into(), "xml-doctype"),
        ("never ending", format!("<!DOCTYPE a [{}", "<!ENTITY a 'b'>".repeat(10_000)), "xml-doctype"),
        ("undefined entity", "<a>&x;</a>".into(), "malformed-xml"),
        ("depth", "<a>".repeat(30_000), "too-deep"),
        ("attributes", format!("<a{many}/>"), "xml-attributes"),
        ("an attribute twice", "<a b='1' b='2'/>".into(), "xml-attributes"),
        ("twice by two prefixes", "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>".into(), "xml-attributes"),
        ("a prefix twice", "<a xmlns:p='u' xmlns:p='v'/>".into(), "xml-attributes"),
        ("large attribute", format!("<a b='{large}'/>"), "too-large"),
        ("large text", format!("<a>{large}</a>"), "too-large"),
        ("large text of references", format!("<a>{}</a>", "&#65;".repeat((1 << 20) + 1)), "too-large"),
        ("large comment", format!("<a><!--{large}--></a>"), "too-large"),
        ("large CDATA", format!("<a><![CDATA[{large}]]></a>"), "too-large"),
        ("large instruction", format!("<a><?p {large}?></a>"), "too-large"),
        ("large name", format!("<a{large}/>"), "too-large"),
        ("undefined prefix", "<p:a/>".into(), "xml-namespace"),
        ("undefined prefix of an attribute", "<a p:b='1'/>".into(), "xml-namespace"),
        ("prefix out of its scope", "<a><b xmlns:p='u'/><p:c/></a>".into(), "xml-namespace"),
        ("NUL by number", "<a>&#0;</a>".into(), "xml-character"),
        ("surrogate by number", "<a b='&#xD800;'/>".into(), "xml-character"),
        ("out of Unicode", "<a>&#x110000;</a>".into(), "xml-character"),
        ("truncated", "<a><b>1</b>".into(), "malformed-xml"),
        ("truncated in a tag", "<a><b c='".into(), "malformed-xml"),
        ("crossed tags", "<a><b></a></b>".into(), "malformed-xml"),
        ("two roots", "<a/><b/>".into(), "malformed-xml"),
        ("text behind the root", "<a/>x".into(), "malformed-xml"),
        ("unquoted attribute", "<a b=1/>".into(), "malformed-xml"),
        ("dangling ampersand", "<a>R & D</a>".into(), "malformed-xml"),
    ];
    for (name, document, code) in cases {
        let finding = parsed(&document).expect_err(name);
        assert_eq!(finding.code, code, "{name}: {finding:?}");
    }
}

#[test]
fn harmless_things_are_read() {
    let documents = [
        "<?xml version='1.0'?><?xml-stylesheet href='x'?><!-- c --><a/>\n<!-- d -->\n",
        "<a xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='file:///etc/passwd'/></a>",
        "<a xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='http://x.invalid/ y.xsd'/>",
        "<a xml:lang='es'>&lt;&amp;&#241;&#xF1;</a>",
        "<a><![CDATA[<!DOCTYPE b>]]></a>",
    ];
    for document in documents {
        parsed(document).expect(document);
    }
}

/// A second is a thousand times what any of them needs, and a hundredth of what a quadratic reader would.
#[test]
fn nothing_takes_longer_than_its_length() {
    let nested = format!(
        "{}{}",
        (0..60).fold(String::new(), |mut text, depth| {
            let _ = write!(
                text,
                "<a{}>",
                (0..100).fold(String::new(), |mut text, number| {
                    let _ = write!(text, " xmlns:p{depth}x{number}='u'");
                    text
                })
            );
            text
        }),
        "<p0x0:b/>".repeat(50_000)
    );
    let names = (0..50_000).fold(String::from("<a>"), |mut text, number| {
        let _ = write!(text, "<b{number}/>");
        text
    });
    let documents = [
        "<".repeat(1_000_000),
        format!("<a>{}</a>", "&amp;".repeat(200_000)),
        format!("<a>{}", "<!---->".repeat(100_000)),
        format!("<a{}/>", " b='1'".repeat(200_000)),
        format!("<!DOCTYPE a [{}]>", "<!ENTITY a '&b;&b;'>".repeat(50_000)),
        nested,
        names,
        ":20:\n".repeat(200_000),
        format!(":20:A\n:25:B\n:60F:C260101EUR1,\n:86:{}", "?20".repeat(20_000)),
        format!(":20:A\n:25:B\n:60F:C260101EUR1,\n{}", ":61:260101C1,NTRFX\n:86:EREF+SVWZ+EREF+\n".repeat(10_000)),
    ];
    for document in documents {
        let start = Instant::now();
        let _ = read(document.as_bytes());
        assert!(start.elapsed() < Duration::from_secs(5), "{:?} {}", start.elapsed(), &document[..20]);
    }
}

const INVOICE: &str = include_str!("fixtures/ubl-invoice.xml");
const INCOME: &str = include_str!("fixtures/cfdi-income.xml");
const PAYMENT: &str = include_str!("fixtures/cfdi-payment.xml");
const ATTACHED: &str = include_str!("fixtures/dian-attached-document.xml");
const PAYABLE: &str = r#"<cbc:PayableAmount currencyID="EUR">1500.00</cbc:PayableAmount>"#;

#[test]
fn documents_are_refused_where_they_are_wrong() {
    let payable = |text: &str| format!(r#"<cbc:PayableAmount currencyID="EUR">{text}</cbc:PayableAmount>"#);
    let cases = [
        // (document, what stands there, what is put there, code, end of the path)
        (INVOICE, PAYABLE, payable("15<!-- -->00.00"), "wrong-type", "cbc:PayableAmount"),
        (INVOICE, PAYABLE, payable("15<b/>00.00"), "wrong-type", "cbc:PayableAmount"),
        (INVOICE, PAYABLE, payable("15<![CDATA[00.00]]>"), "wrong-type", "cbc:PayableAmount"),
        (INVOICE, PAYABLE, payable(" 1500.00 "), "amount-format", "cbc:PayableAmount"),
        (INVOICE, PAYABLE, payable("+1500.00"), "amount-format", "cbc:PayableAmount"),
        (INVOICE, PAYABLE, payable("INF"), "amount-format", "cbc:PayableAmount"),
        (INVOICE, PAYABLE, payable("1.5E3"), "amount-format", "cbc:PayableAmount"),
        (INVOICE, PAYABLE, payable("1500.005"), "amount-scale", "cbc:PayableAmount"),
        (INVOICE, PAYABLE, payable("1679.50"), "totals", "cac:LegalMonetaryTotal"),
        (INVOICE, PAYABLE, payable("1500.00").replace("EUR", "USD"), "currency-mismatch", "cbc:PayableAmount"),
        (INVOICE, PAYABLE, PAYABLE.repeat(2), "duplicate-member", "cbc:PayableAmount[2]"),
        (INVOICE, PAYABLE, String::new(), "missing-member", "cac:LegalMonetaryTotal"),
        (INVOICE, ">1000.00</cbc:Line", ">1000.01</cbc:Line".into(), "totals", "cac:LegalMonetaryTotal"),
        (INVOICE, ">30.00</cbc:Tax", ">30.01</cbc:Tax".into(), "totals", "cac:LegalMonetaryTotal"),
        (INVOICE, "xsd:Invoice-2", "xsd:CreditNote-2".into(), "xml-namespace", "/Invoice"),
        (INVOICE, "<cbc:ID>VK", "<cbc:ID xmlns:cbc='urn:x'>VK".into(), "xml-namespace", "/Invoice/cbc:ID"),
        (INVOICE, ">2026-04-01<", ">2026-04-31<".into(), "date-invalid", "cbc:DueDate"),
        (INVOICE, ">2026-03-02<", ">02.03.2026<".into(), "date-format", "cbc:IssueDate"),
        (INVOICE, ">EUR</cbc:Doc", ">XXX</cbc:Doc".into(), "currency", "cbc:DocumentCurrencyCode"),
        (INVOICE, "<cbc:DueDate>2026-04-01</cbc:DueDate>", String::new(), "due-date-unknown", "/Invoice"),
        (INVOICE, "VK-2026-0417", "x".repeat(129), "too-long", "cbc:ID"),
        (
            ATTACHED,
            "1421000.0000",
            "1421000.0000.".into(),
            "amount-format",
            "Description/Invoice/cac:LegalMonetaryTotal/cbc:PayableAmount",
        ),
        (ATTACHED, "1421000.0000", "1461000.0000".into(), "totals", "Invoice/cac:LegalMonetaryTotal"),
        (
            ATTACHED,
            "1099000111",
            "222222222222".into(),
            "customer-unknown",
            "Invoice/cac:AccountingCustomerParty/cac:Party",
        ),
        (ATTACHED, "</Invoice>]]>", "]]>".into(), "malformed-xml", "Description/Invoice"),
        (INCOME, r#"Total="2014.00""#, r#"Total="2104.00""#.into(), "totals", "/cfdi:Comprobante"),
        (
            INCOME,
            r#"TipoDeComprobante="I""#,
            r#"TipoDeComprobante="T""#.into(),
            "not-a-receivable",
            "/cfdi:Comprobante",
        ),
        (
            INCOME,
            r#"TipoDeComprobante="I""#,
            r#"TipoDeComprobante="N""#.into(),
            "not-a-receivable",
            "/cfdi:Comprobante",
        ),
        (INCOME, r#"Version="4.0" Serie"#, r#"Version="3.3" Serie"#.into(), "unknown-format", "/cfdi:Comprobante"),
        (INCOME, "Crédito 45 días", "Sujeto a contrato".into(), "due-date-unknown", "/cfdi:Comprobante"),
        (INCOME, "http://www.sat.gob.mx/TimbreFiscalDigital", "urn:x".into(), "not-stamped", "/cfdi:Comprobante"),
        (INCOME, "0b6b3a52-18b6", "0b6b3a52+18b6".into(), "uuid-format", "TimbreFiscalDigital"),
        (
            INCOME,
            r#"Rfc="TCE990101XY2" Nombre="TALLERES &quot;CERRO&quot; &amp; CIA""#,
            r#"Rfc="XAXX010101000" Nombre="PUBLICO EN GENERAL""#.into(),
            "customer-unknown",
            "cfdi:Receptor",
        ),
    ];
    for (document, there, put, code, path) in cases {
        assert!(document.contains(there), "{there}");
        let changed = document.replacen(there, &put, 1);
        let finding = read(changed.as_bytes()).map(|reading| format!("{:?}", reading.drafts)).expect_err(&put);
        assert_eq!((finding.code, finding.place.path.ends_with(path)), (code, true), "{put}: {finding:?}");
    }
}

#[test]
fn kinds_of_documents_that_share_a_root() {
    let types = |document: &str| -> Vec<&'static str> {
        read(document.as_bytes()).unwrap().drafts.into_iter().map(|draft| draft.unwrap().fact_type).collect()
    };
    let invoice = ["customer.upserted", "invoice.issued"];
    let credit = ["customer.upserted", "credit_note.issued"];
    assert_eq!(types(INVOICE), invoice);
    assert_eq!(types(&INVOICE.replace(">380<", ">381<")), credit);
    assert_eq!(types(&INVOICE.replace(">380<", ">384<")), invoice);
    let debit = INVOICE
        .replace("Invoice xmlns", "DebitNote xmlns")
        .replace("/Invoice>", "/DebitNote>")
        .replace("xsd:Invoice-2", "xsd:DebitNote-2")
        .replace("InvoiceLine", "DebitNoteLine")
        .replace("LegalMonetaryTotal", "RequestedMonetaryTotal");
    let draft = read(debit.replace("DueDate>", "Ignored>").as_bytes()).unwrap_err();
    assert_eq!(draft.code, "due-date-unknown");
    assert_eq!(types(&debit), ["customer.upserted", "debit_note.issued"]);
    let negative = INVOICE.replace(r#""EUR">"#, r#""EUR">-"#).replace("--", "-");
    assert_eq!(types(&negative), credit);
    let reading = read(negative.as_bytes()).unwrap();
    assert_eq!(reading.warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(), ["negative-invoice"]);
    let note = reading.drafts[1].as_ref().unwrap();
    assert!(
        !note.data["amount"].as_str().unwrap().starts_with('-') && note.data.contains_key("credit_note"),
        "{note:?}"
    );
    // What a credit note gives less than nothing of nobody can say.
    let twice = negative.replace(">380<", ">381<");
    assert_eq!(read(twice.as_bytes()).unwrap_err().code, "negative-amount");
}

#[test]
fn payments_settle_no_more_than_they_are() {
    let reading = read(PAYMENT.replace(r#"Monto="3014.00""#, r#"Monto="3013.99""#).as_bytes()).unwrap();
    assert_eq!(reading.drafts[0].as_ref().unwrap_err().code, "totals");
    let foreign = PAYMENT.replace(r#"Rfc="TCE990101XY2""#, r#"Rfc="XEXX010101000" NumRegIdTrib="US-771""#);
    let reading = read(foreign.as_bytes()).unwrap();
    assert_eq!(reading.drafts[0].as_ref().unwrap().data["payer"], "US-771");
}

#[test]
fn what_is_no_format_is_said() {
    let cases: [(&[u8], &str); 8] = [
        (b"", "unknown-format"),
        (b"hello", "unknown-format"),
        (b"{\"a\":1}", "unknown-format"),
        (b"<html/>", "unknown-format"),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.001.001.03'/>", "xml-namespace"),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.02'/>", "missing-member"),
        (b"<Comprobante xmlns='http://www.sat.gob.mx/cfd/3' Version='3.3'/>", "unknown-format"),
        (b"\xff\xfe<\x00a", "encoding"),
    ];
    for (bytes, code) in cases {
        assert_eq!(read(bytes).unwrap_err().code, code, "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn dian_invoices_paid_in_cash_are_due_at_once() {
    let cash = ATTACHED.replace("<cbc:ID>2</cbc:ID><cbc:PaymentMeansCode>", "<cbc:ID>1</cbc:ID><cbc:PaymentMeansCode>");
    let cash = cash.replace("<cbc:PaymentDueDate>2026-03-12</cbc:PaymentDueDate>", "");
    let reading = read(cash.as_bytes()).unwrap();
    assert_eq!(reading.drafts[1].as_ref().unwrap().data["due_date"], "2026-02-10");
}
