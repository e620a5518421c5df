use contracts::ingestion::{CreditChanged, InvoiceChanged};
use reqwest::StatusCode;
use serde_json::json;

use crate::world::{self, Answer, World, customer, invoice};

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
    assert_eq!(again.body["duplicate"], 1, "{again:?}");
    world.digest(&world.acme).await;
    world.role.stop().await;
}
