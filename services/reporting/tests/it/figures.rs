//! Facts in, figures out.

use serde_json::json;

use crate::books::{Books, Office, tell};

#[tokio::test(flavor = "multi_thread")]
async fn a_void_takes_the_sale_back_and_collects_nothing() {
    let office = Office::open().await;
    let acme = office.bed.tenant("acme").await;
    let books = Books(&acme);
    let dates = ("2026-04-01", "2026-04-30");
    tell(
        &office,
        &[
            books.invoice(("F-1", "C-1"), ("COP", "100.00"), dates, &[("void", "100.00", "2026-05-20")]),
            books.invoice(
                ("F-2", "C-2"),
                ("COP", "50.00"),
                dates,
                &[("cash", "15.00", "2026-05-10"), ("instrument", "5.00", "2026-05-12")],
            ),
            books.invoice(("F-3", "C-1"), ("COP", "30.00"), ("2026-05-02", "2026-06-30"), &[]),
        ],
    )
    .await;
    let kpis = office.json(&acme.key, "/v1/kpis?from=2026-05-02&to=2026-05-31").await;
    let may = &kpis["dso"][0];
    assert_eq!(
        (&may["month"], &may["receivable"], &may["overdue"]),
        (&json!("2026-05"), &json!("60.00"), &json!("30.00"))
    );
    assert_eq!(may["sales"], "-70.00", "30 were sold, and 100 were not after all");
    // (150 − 70 − 60) / (150 − 70 − 30): of the 50 that could be collected, 20 were.
    assert_eq!(may["collection_effectiveness"], "40.00");
    let cohort = &kpis["overdue_recovered"][0];
    let expected = (&json!("50.00"), &json!("20.00"));
    assert_eq!((&cohort["amount"], &cohort["recovered"]), expected, "a cleared cheque is money: {cohort}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_figures_of_a_quarter() {
    let office = Office::open().await;
    let acme = office.bed.tenant("acme").await;
    tell(&office, &Books(&acme).quarter()).await;
    let kpis = office.json(&acme.key, "/v1/kpis?from=2026-05-01&to=2026-06-15").await;

    let dso: Vec<_> = kpis["dso"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (row["month"].as_str().unwrap(), row["currency"].as_str().unwrap(), row["receivable"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        dso,
        [
            ("2026-05", "COP", "101000.00"), // 50,000 + 50,000 + 1,000
            ("2026-05", "USD", "1500.50"),
            ("2026-06", "COP", "156000.00"), // 50,000 + 45,000 + 60,000 + 1,000
            ("2026-06", "USD", "1500.50"),
        ]
    );
    let june = &kpis["dso"][2];
    assert_eq!(june["simple"], "39.0", "156,000 / 60,000 × 15 days so far");
    assert_eq!(june["overdue"], "96000.00", "all but the invoice that is due today");
    assert_eq!(june["best_possible"], "15.0");
    assert_eq!(june["average_days_delinquent"], "24.0");
    // 60,000 are June's 15 days, 90,000 May's 31; 6,000 of April's 87,000 are 2.07 of its 30.
    assert_eq!(june["count_back"], "48.1");
    assert_eq!(kpis["dso"][1]["count_back"], "31.0", "the whole month: receivables are all that was ever sold");
    assert_eq!(kpis["dso"][3]["simple"], serde_json::Value::Null, "no sales in June");

    assert_eq!(
        kpis["promises"],
        json!({
            "open": 1, "kept": 1, "partially_kept": 0, "broken": 1, "withdrawn": 0, "replaced": 0,
            "kept_rate": "0.5000", "broken_rate": "0.5000",
            "by_amount": [{"currency": "COP", "promised": "2000.00", "paid": "1500.00", "kept_rate": "0.7500"}],
        })
    );
    assert_eq!(
        kpis["reminders"],
        json!({
            "decisions": 5, "sent": 1, "uncertain": 0, "failed": 0, "pending": 0,
            "held_back": {"disputed": 1, "paid": 1, "superseded": 1},
        })
    );
    assert_eq!(
        kpis["unapplied"],
        json!([{"currency": "COP", "kind": "cash", "amount": "5000.00", "held": "0.00"}]),
        "of credits that are known; the invoices' settlements by others do not count against it"
    );
    assert_eq!(kpis["alerts"], 1);
    assert_eq!(kpis["contact_to_promise"], json!({"accounts": 1, "promised": 1, "rate": "1.0000"}));
    // 40,000 six days early, 30,000 ten days late; 7,000 was settled before the window.
    assert_eq!(kpis["weighted_days_late"], json!([{"currency": "COP", "amount": "70000.00", "days": "4.3"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn cash_that_settles_nothing_is_shown_apart() {
    let office = Office::open().await;
    let acme = office.bed.tenant("acme").await;
    let books = Books(&acme);
    let invoice = books.invoice(
        ("F-1", "C-1"),
        ("COP", "100.00"),
        ("2026-06-10", "2026-06-30"),
        &[("cash", "100.00", "2026-06-01")],
    );
    tell(&office, &[invoice, books.credit("F-1/1", ("COP", "120.00"), "100.00", "2026-06-01")]).await;

    let unapplied = |kpis: serde_json::Value| kpis["unapplied"].clone();
    let today = office.json(&acme.key, "/v1/kpis?from=2026-06-01").await;
    assert_eq!(unapplied(today), json!([{"currency": "COP", "kind": "cash", "amount": "20.00", "held": "0.00"}]));
    // Before the invoice was issued, the payment in advance was all on account and nothing was receivable.
    let before = office.json(&acme.key, "/v1/kpis?from=2026-06-01&to=2026-06-09").await;
    assert_eq!(before["dso"], json!([]));
    assert_eq!(unapplied(before), json!([{"currency": "COP", "kind": "cash", "amount": "120.00", "held": "0.00"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn aging_is_told_for_any_past_day() {
    let office = Office::open().await;
    let acme = office.bed.tenant("acme").await;
    tell(&office, &Books(&acme).quarter()).await;

    let filled = |aging: serde_json::Value| -> Vec<(String, String, String, i64)> {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let rows = aging.as_array().unwrap().clone();
        assert_eq!(rows.len() % 6, 0, "every bucket of every currency");
        rows.iter()
            .filter(|row| row["count"] != 0)
            .map(|row| {
                (text(&row["currency"]), text(&row["bucket"]), text(&row["amount"]), row["count"].as_i64().unwrap())
            })
            .collect()
    };
    let row = |currency: &str, bucket: &str, amount: &str, count| {
        (currency.to_owned(), bucket.to_owned(), amount.to_owned(), count)
    };

    let today = filled(office.json(&acme.key, "/v1/aging").await);
    assert_eq!(
        today,
        [
            row("COP", "not_due", "60000.00", 1),
            row("COP", "1-30", "45000.00", 1),
            row("COP", "31-60", "50000.00", 1),
            row("COP", ">120", "1000.00", 1),
            row("USD", "1-30", "1500.50", 1),
        ]
    );
    assert_eq!(today, filled(office.json(&acme.key, "/v1/aging?as_of=2026-06-15").await), "today is the tenant's");
    assert_eq!(
        filled(office.json(&acme.key, "/v1/aging?as_of=2026-05-10").await),
        [row("COP", "not_due", "170000.00", 2), row("COP", "61-90", "1000.00", 1),],
        "nothing was paid yet, and on the due date itself nothing is overdue"
    );
    assert_eq!(filled(office.json(&acme.key, "/v1/aging?as_of=2026-01-31").await), []);

    for as_of in ["2026-02-28", "2026-04-30", "2026-05-31", "2026-06-15"] {
        let aging = office.json(&acme.key, &format!("/v1/aging?as_of={as_of}")).await;
        let kpis = office.json(&acme.key, &format!("/v1/kpis?from=2026-02-01&to={as_of}")).await;
        let decimal = |value: &serde_json::Value| value.as_str().unwrap().parse::<rust_decimal::Decimal>().unwrap();
        let aged: rust_decimal::Decimal = aging
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["currency"] == "COP")
            .map(|row| decimal(&row["amount"]))
            .sum();
        let receivable = kpis["dso"].as_array().unwrap().iter().rfind(|row| row["currency"] == "COP").unwrap();
        assert_eq!(aged, decimal(&receivable["receivable"]), "Σ aging = receivable on {as_of}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cohort_of_overdue_accounts_is_followed() {
    let office = Office::open().await;
    let acme = office.bed.tenant("acme").await;
    let books = Books(&acme);
    tell(
        &office,
        &[
            books.invoice(
                ("A", "C-1"),
                ("COP", "100.00"),
                ("2026-04-01", "2026-05-01"),
                &[("cash", "100.00", "2026-06-02")],
            ),
            books.invoice(
                ("B", "C-2"),
                ("COP", "300.00"),
                ("2026-04-01", "2026-05-01"),
                &[("credit_note", "50.00", "2026-06-02")],
            ),
            books.invoice(("C", "C-3"), ("COP", "900.00"), ("2026-06-01", "2026-06-10"), &[]),
        ],
    )
    .await;
    let kpis = office.json(&acme.key, "/v1/kpis?from=2026-06-01&to=2026-06-15").await;
    assert_eq!(
        kpis["overdue_recovered"],
        json!([{
            "currency": "COP", "accounts": 2, "recovered_accounts": 1, "account_rate": "0.5000",
            "amount": "400.00", "recovered": "100.00", "amount_rate": "0.2500",
        }])
    );
}
