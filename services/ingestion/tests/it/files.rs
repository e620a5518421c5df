use contracts::ingestion::{CreditChanged, InvoiceChanged};
use reqwest::StatusCode;
use serde_json::json;

use crate::world::{self, Answer, World, customer, fact, invoice};

async fn send(world: &World, query: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    let url = format!("{}/v1/facts?{query}", world.bed.base_url());
    let request = world.http.post(url).header("content-type", content_type).bearer_auth(&world.acme.key);
    world::answer(request.body(body)).await
}

#[tokio::test]
async fn a_table_is_taken_row_by_row() {
    let world = world::start().await;
    let table = "time,invoice,customer,amount,currency,issue_date,due_date\n\
                 2026-03-01T12:00:00Z,F-1,C-1,100.00,COP,2026-03-01,2026-03-31\n\
                 2026-03-01T12:00:00Z,F-2,C-1,1OO.00,COP,2026-03-01,2026-03-31\n\
                 2026-03-01T12:00:00Z,F-3,\"C\"1,100.00,COP,2026-03-01,2026-03-31\n";
    let answer = send(&world, "source=erp", "text/csv", table).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert_eq!(
        (&answer.body["lines"], &answer.body["applied"], &answer.body["quarantined"]),
        (&json!(3), &json!(1), &json!(2))
    );
    let problems: Vec<_> =
        answer.body["problems"].as_array().unwrap().iter().map(|it| (it["line"].clone(), it["code"].clone())).collect();
    assert_eq!(problems, [(json!(3), json!("amount-format")), (json!(4), json!("csv-quote"))]);
    let again = send(&world, "source=erp", "text/csv", table).await;
    assert_eq!(again.body["duplicate"], 1, "{again:?}");

    // The row as it stood can be mended and tried again.
    let id = answer.body["problems"][1]["quarantine_id"].as_str().unwrap();
    let kept = world.get(&format!("/v1/quarantine/{id}")).await.body;
    assert!(kept["raw"].as_str().unwrap().contains("\"C\"1"), "{kept}");
    let windows =
        [b"time,customer,name\n2026-03-01T12:00:00Z,C-1,Compa".to_vec(), vec![0xf1], b"ia\n".to_vec()].concat();
    assert_eq!(send(&world, "source=erp", "text/csv", windows.clone()).await.slug(), "encoding");
    let declared = send(&world, "source=erp", "text/csv; charset=windows-1252", windows).await;
    assert_eq!(declared.body["applied"], 1, "{declared:?}");
    assert_eq!(world.count("SELECT count(*) FROM customers WHERE name = 'Compañia'").await, 1);
    world.role.stop().await;
}

#[tokio::test]
async fn an_invoice_of_another_system_becomes_a_receivable() {
    let world = world::start().await;
    let invoice = include_str!("../../../../shared/formats/tests/fixtures/ubl-invoice.xml");
    let answer = send(&world, "source=erp&terms_days=30", "application/xml", invoice).await;
    assert_eq!((answer.status, &answer.body["quarantined"]), (StatusCode::ACCEPTED, &json!(0)), "{answer:?}");
    let known = world.bed.published::<InvoiceChanged>().await;
    assert_eq!(known.len(), 1);
    let doctype = "<!DOCTYPE x [<!ENTITY a \"b\">]><Invoice>&a;</Invoice>";
    let refused = send(&world, "source=erp", "application/xml", doctype).await;
    assert_eq!((refused.status, refused.slug()), (StatusCode::BAD_REQUEST, "xml-doctype"), "{refused:?}");
    world.role.stop().await;
}

#[tokio::test]
async fn a_statement_of_an_account_finds_its_invoices() {
    let world = world::start().await;
    world
        .tell(&[customer("C-1", "Comercial Andina"), invoice("F-1001", "C-1", "150.00", "2026-01-01", "2026-01-31")])
        .await;
    let statement = "\r\n:20:STMT1\r\n:25:00012345678\r\n:28C:7/1\r\n:60F:C260209COP1000,00\r\n\
                     :61:2602100210C150,00NTRFNONREF//B-778\r\n:86:TRANSFERENCIA FACTURA F-1001 COMERCIAL ANDINA\r\n\
                     :61:2602100210D20,00NCHGNONREF//B-779\r\n:86:COMISION\r\n:62F:C260210COP1130,00\r\n-\r\n";
    let answer = send(&world, "source=bank", "application/x-mt940", statement).await;
    assert_eq!((answer.status, &answer.body["applied"]), (StatusCode::ACCEPTED, &json!(1)), "{answer:?}");
    let paid = world.bed.published::<CreditChanged>().await.pop().unwrap();
    assert_eq!((&*paid.applied, &*paid.value_date), ("150.00", "2026-02-10"));
    let again = send(&world, "source=bank", "application/x-mt940", statement).await;
    assert_eq!((&again.body["duplicate"], again.body.get("warnings")), (&json!(1), None), "{again:?}");

    // One that does not add up is taken, and it is said.
    let torn = statement.replace("1130,00", "1131,00");
    let warned = send(&world, "source=bank", "application/x-mt940", torn).await.body;
    assert_eq!((&warned["duplicate"], &warned["warnings"][0]["code"]), (&json!(1), &json!("balance")), "{warned}");
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test]
async fn a_profile_reads_what_no_layout_does() {
    let world = world::start().await;
    let source = ingestion::operator::NewSource {
        code: "fbl5n".into(),
        application_authority: "erp".into(),
        mode: "snapshot".into(),
        covers: vec!["invoices".into()],
    };
    ingestion::operator::create_source(&world.bed.worker(), runtime::Clock::Database, "acme", source).await.unwrap();
    let list = "Lista de partidas\n\nSociedad\tCuenta\tNombre 1\tAsignación\tNº documento\tReferencia\tFecha de documento\tVencimiento neto\tImporte en moneda doc.\tMoneda del documento\tEjercicio\tNivel de reclamación\n\
                main\t0000200001\tPeñón S.A.S.\t\t1800000001\tFE-100\t05/01/2026\t04/02/2026\t2.500.000,00\tCOP\t2026\t1\n\
                main\t0000200001\tPeñón S.A.S.\t\t1800000002\tFE-101\t05/01/2026\t04/02/2026\t2.5oo,00\tCOP\t2026\t\n\
                main\t0000200001\tPeñón S.A.S.\t\t1400000001\t\t05/01/2026\t04/02/2026\t100,00-\tCOP\t2026\t\n";
    let (encoded, _, _) = encoding_rs::WINDOWS_1252.encode(list);
    let url =
        format!("{}/v1/snapshots?source=fbl5n&profile=sap-open-items&as_of=2026-03-01T06:00:00Z", world.bed.base_url());
    let request = world.http.post(url).header("content-type", "text/plain; charset=windows-1252");
    let answer = world::answer(request.bearer_auth(&world.acme.key).body(encoded.into_owned())).await;
    assert_eq!(
        (answer.status, &answer.body["items"]["new"], &answer.body["items"]["refused"]),
        (StatusCode::OK, &json!(2), &json!(1)),
        "{answer:?}"
    );
    assert_eq!(world.get("/v1/unapplied").await.body["rows"][0]["on_account"], "100.00");
    assert_eq!(answer.body["closes"], "what is absent", "the row that is refused says which invoice it is about");
    let told = world.bed.published::<InvoiceChanged>().await.pop().unwrap();
    assert_eq!((&*told.number, &*told.amount, &*told.last_dunned_on), ("FE-100", "2500000.00", "2026-03-01"));
    assert_eq!(world.count("SELECT count(*) FROM customers WHERE name = 'Peñón S.A.S.'").await, 1);
    let wrong_door = send(&world, "source=erp&profile=sap-open-items", "text/csv", "").await;
    assert_eq!(wrong_door.slug(), "query-parameter", "{wrong_door:?}");
    world.role.stop().await;
}

#[tokio::test]
async fn a_buyer_without_a_code_is_known_by_its_tax_number() {
    let world = world::start().await;
    let note = include_str!("../../../../shared/formats/tests/fixtures/ubl-credit-note.xml");
    let of = async |world: &World| {
        let names: std::collections::BTreeMap<String, String> = world
            .bed
            .published::<contracts::ingestion::CustomerChanged>()
            .await
            .into_iter()
            .map(|customer| (customer.customer_id, customer.code))
            .collect();
        let credit = world.bed.published::<CreditChanged>().await.pop().unwrap();
        names[&credit.payer_id].clone()
    };
    // Its file says it otherwise, and knows its name better.
    let file = json!({"customer": "C-7", "name": "Vlaamse Houthandel", "country": "BE", "tax_id": "0999.000.228"});
    world.tell(&[fact("erp", "C-7", "customer.upserted", file)]).await;
    let told = send(&world, "source=erp", "application/xml", note).await;
    assert_eq!((&told.body["applied"], told.status), (&json!(1), StatusCode::ACCEPTED), "{told:?}");
    assert_eq!(of(&world).await, "C-7");
    let again = send(&world, "source=erp", "application/xml", note).await;
    assert_eq!(again.body["duplicate"], 1, "{again:?}");

    // With two of this number nobody knows which: it goes by the number, and goes on doing so.
    let twin = json!({"customer": "C-8", "name": "Houthandel", "country": "BE", "tax_id": "BE0999000228"});
    world.tell(&[fact("erp", "C-8", "customer.upserted", twin)]).await;
    let other = note.replace("<cbc:ID>", "<cbc:ID>9");
    let told = send(&world, "source=erp", "application/xml", other.clone()).await;
    assert_eq!((&told.body["applied"], &told.body["quarantined"]), (&json!(2), &json!(0)), "{told:?}");
    assert_eq!(of(&world).await, "BE0999000228");
    let again = send(&world, "source=erp", "application/xml", other.clone()).await;
    assert_eq!(again.body["duplicate"], 2, "{again:?}");
    world.role.stop().await;
}

#[tokio::test]
async fn an_invoice_over_less_than_nothing_is_a_credit_note_and_the_report_says_so() {
    let world = world::start().await;
    let invoice = include_str!("../../../../shared/formats/tests/fixtures/ubl-invoice.xml");
    let negative = invoice.replace(r#""EUR">"#, r#""EUR">-"#).replace("--", "-");
    let told = send(&world, "source=erp&terms_days=30", "application/xml", negative).await;
    assert_eq!(
        (&told.body["applied"], &told.body["warnings"][0]["code"]),
        (&json!(2), &json!("negative-invoice")),
        "{told:?}"
    );
    let credit = world.bed.published::<CreditChanged>().await.pop().unwrap();
    assert_eq!((&*credit.kind, credit.amount.starts_with('-')), ("credit_note", false));
    world.digest(&world.acme).await;
    world.role.stop().await;
}
