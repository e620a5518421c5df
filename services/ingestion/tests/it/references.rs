//! An invoice that goes by two numbers.

use contracts::ingestion::InvoiceChanged;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::world::{self, World, corrected, fact, invoice, payment};

const UUID: &str = "5D1B0B3C-6A2E-4C4F-9E57-2B1B7B0C1A11";

fn issued() -> Value {
    let mut issued = invoice("A-7", "C-1", "100.00", "2026-01-05", "2026-02-04");
    issued["data"]["references"] = json!([UUID]);
    issued
}

async fn open_amount(world: &World, number: &str) -> String {
    let events = world.bed.published::<InvoiceChanged>().await;
    events.into_iter().rfind(|event| event.number == number).unwrap().open_amount
}

#[tokio::test]
async fn either_number_settles_the_invoice_in_any_order() {
    let by_uuid = payment("P-1", "C-1", "60.00", "2026-01-20", json!([{"invoice": UUID, "amount": "60.00"}]));
    let by_number = payment("P-2", "C-1", "15.00", "2026-01-21", json!([{"invoice": "A-7", "amount": "15.00"}]));
    let credit = fact(
        "erp",
        "n",
        "credit_note.issued",
        json!({"credit_note": "N-1", "customer": "C-1", "amount": "5.00",
        "currency": "COP", "issue_date": "2026-01-22", "invoices": [{"invoice": UUID}]}),
    );
    // The part without an amount takes what the named one leaves, wherever that was named.
    let both =
        payment("P-3", "C-1", "30.00", "2026-01-23", json!([{"invoice": UUID}, {"invoice": "A-8", "amount": "12.00"}]));
    let unnumbered =
        corrected(&invoice("A-7", "C-1", "100.00", "2026-01-05", "2026-02-04"), 2, json!({"amount": "99.00"}));
    let facts = [issued(), by_uuid, by_number, credit, both, unnumbered];
    let mut digests = Vec::new();
    for order in [[0, 1, 2, 3, 4, 5], [4, 3, 2, 1, 0, 5], [1, 4, 5, 3, 0, 2], [5, 2, 1, 4, 3, 0], [3, 5, 4, 2, 1, 0]] {
        let world = world::start().await;
        for at in order {
            world.tell(&[facts[at].clone()]).await;
        }
        // Told twice nothing changes.
        world.batch(&order.map(|at| facts[at].clone())).await;
        assert_eq!(open_amount(&world, "A-7").await, "1.00", "{order:?}");
        digests.push(world.digest(&world.acme).await);
        world.role.stop().await;
    }
    let world = world::start().await;
    let report = world.batch(&facts).await;
    assert_eq!(report["quarantined"], 0, "{report}");
    digests.push(world.digest(&world.acme).await);
    world.role.stop().await;
    digests.dedup();
    assert_eq!(digests.len(), 1, "{digests:?}");
}

#[tokio::test]
async fn a_number_belongs_to_one_invoice() {
    let world = world::start().await;
    world.tell(&[issued(), invoice("A-8", "C-1", "50.00", "2026-01-05", "2026-02-04")]).await;
    let with = |number: &str, references: Value| {
        let mut told = invoice(number, "C-1", "50.00", "2026-01-05", "2026-02-04");
        told["data"]["references"] = references;
        told
    };
    let cases = [
        (with("A-9", json!([UUID])), "reference-conflict", "#/data/references"),
        (with("A-9", json!(["A-8"])), "reference-conflict", "#/data/references"),
        (with(UUID, json!([])), "reference-conflict", "#/data/invoice"),
        (with("A-9", json!([7])), "wrong-type", "#/data/references/0"),
        (with("A-9", json!(["A-9"])), "reference-conflict", "#/data/references"),
    ];
    for (told, code, pointer) in cases {
        let refused = world.post(&told).await;
        assert_eq!((refused.slug(), refused.pointer()), (code, pointer), "{refused:?}");
    }
    let report = world.batch(&[with("B-1", json!(["X-1"])), with("B-2", json!(["X-1"]))]).await;
    assert_eq!((&report["applied"], &report["quarantined"]), (&json!(1), &json!(1)), "{report}");
    // What is said of an invoice by its other number is said of it.
    let dispute =
        json!({"dispute": "D-1", "invoice": UUID, "reason": "quality", "amount": "20.00", "opened_on": "2026-01-20"});
    let late = json!({"invoice": UUID, "effective_due_date": "2026-03-15", "reason": "agreed"});
    world.tell(&[fact("erp", "d", "dispute.opened", dispute), fact("erp", "e", "due_date.extended", late)]).await;
    let last = world.bed.published::<InvoiceChanged>().await.into_iter().rfind(|event| event.number == "A-7").unwrap();
    assert_eq!((&*last.disputed_amount, &*last.effective_due_date), ("20.00", "2026-03-15"));
    // And of a payment without a payer.
    let clues = json!({"payment": "P-9", "amount": "80.00", "currency": "COP", "value_date": "2026-02-10", "clues": {"references": [UUID]}});
    world.tell(&[fact("bank", "p9", "payment.received", clues)]).await;
    assert_eq!(open_amount(&world, "A-7").await, "20.00");
    world.digest(&world.acme).await;
    world.role.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_and_its_invoice_at_one_time_meet() {
    let world = world::start().await;
    let told = (0..30).flat_map(|number| {
        let mut issued = invoice(&format!("A-{number}"), "C-1", "10.00", "2026-01-05", "2026-02-04");
        issued["data"]["references"] = json!([format!("U-{number}")]);
        let part = json!([{"invoice": format!("U-{number}"), "amount": "10.00"}]);
        [issued, payment(&format!("P-{number}"), "C-1", "10.00", "2026-01-20", part)]
    });
    let told: Vec<Value> = told.collect();
    for answer in futures::future::join_all(told.iter().map(|fact| world.post(fact))).await {
        assert!(answer.status.is_success(), "{answer:?}");
    }
    assert_eq!(world.count("SELECT count(*) FROM receivables WHERE open_amount = 0").await, 30);
    assert_eq!(world.count("SELECT count(*) FROM credits WHERE waiting > 0").await, 0);
    world.digest(&world.acme).await;
    world.role.stop().await;
}

/// A CFDI of one concept of 100.00 and its tax of 16.00, or of none.
fn cfdi(kind: &str, numbers: &str, uuid: &str, more: &str) -> String {
    let (currency, total, concept) = match kind {
        "P" => ("XXX", r#"SubTotal="0" Total="0""#, r#"Importe="0""#),
        "E" => ("MXN", r#"SubTotal="10.00" Total="10.00""#, r#"Importe="10.00""#),
        _ => ("MXN", r#"SubTotal="100.00" Total="100.00""#, r#"Importe="100.00""#),
    };
    format!(
        r#"<cfdi:Comprobante xmlns:cfdi="http://www.sat.gob.mx/cfd/4" xmlns:p="http://www.sat.gob.mx/Pagos20" xmlns:t="http://www.sat.gob.mx/TimbreFiscalDigital"
            Version="4.0" {numbers} Fecha="2026-01-15T18:30:00" Moneda="{currency}" {total} TipoDeComprobante="{kind}">
          {more}<cfdi:Emisor Rfc="HLN120304AB1"/><cfdi:Receptor Rfc="TCE990101XY2" Nombre="TALLERES CERRO"/>
          <cfdi:Conceptos><cfdi:Concepto {concept}/></cfdi:Conceptos>
          <cfdi:Complemento><t:TimbreFiscalDigital UUID="{uuid}"/>{}</cfdi:Complemento></cfdi:Comprobante>"#,
        if kind == "P" {
            format!(
                r#"<p:Pagos Version="2.0"><p:Pago FechaPago="2026-02-27T12:00:00" MonedaP="MXN" Monto="90.00">
                   <p:DoctoRelacionado IdDocumento="{UUID}" MonedaDR="MXN" EquivalenciaDR="1" ImpPagado="90.00"/></p:Pago></p:Pagos>"#
            )
        } else {
            String::new()
        }
    )
}

#[tokio::test]
async fn a_cfdi_goes_by_series_and_folio_and_is_paid_by_its_uuid() {
    let world = world::start().await;
    let small = UUID.to_lowercase();
    let related = format!(
        r#"<cfdi:CfdiRelacionados TipoRelacion="01"><cfdi:CfdiRelacionado UUID="{small}"/></cfdi:CfdiRelacionados>"#
    );
    // The credit note and the payment come first.
    let documents = [
        cfdi("E", "", "7E1F2A93-0C44-4B0D-A1B2-33C9E4D5F603", &related),
        cfdi("P", "", "9A0D4C15-77E2-4F6C-B3D8-52C1A7E80904", ""),
        cfdi("I", r#"Serie="FA" Folio="1203""#, &small, ""),
    ];
    for document in documents {
        let url = format!("{}/v1/facts?source=erp&invoice_number=series&terms_days=30", world.bed.base_url());
        let request = world.http.post(url).header("content-type", "application/xml").bearer_auth(&world.acme.key);
        let answer = world::answer(request.body(document)).await;
        assert_eq!((answer.status, &answer.body["quarantined"]), (StatusCode::ACCEPTED, &json!(0)), "{answer:?}");
    }
    let last = world.bed.published::<InvoiceChanged>().await.pop().unwrap();
    let kinds: Vec<&str> = last.settlements.iter().map(|settlement| &*settlement.kind).collect();
    assert_eq!((&*last.number, &*last.open_amount, kinds), ("FA-1203", "0.00", vec!["credit_note", "cash"]));
    world.digest(&world.acme).await;
    world.role.stop().await;
}
