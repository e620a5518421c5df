//! The executable as a newcomer meets it.
#![allow(clippy::unwrap_used, reason = "a test that cannot start the executable has failed")]

use std::process::Command;

fn puntual(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_puntual")).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn help_names_every_role_and_the_first_steps() {
    let (success, text) = puntual(&["--help"]);
    assert!(success);
    for word in
        ["ingestion", "scoring", "reminders", "promises", "reporting", "migrate", "feed", "why", "demo", "make demo"]
    {
        assert!(text.contains(word), "{word} is missing in\n{text}");
    }
}

#[test]
fn the_layouts_of_files_are_explained() {
    let (success, text) = puntual(&["feed", "--layouts"]);
    assert!(success);
    for column in ["invoice", "value_date", "promised_date", "covered_until"] {
        assert!(text.contains(column), "{column} is missing in\n{text}");
    }
}

#[test]
fn a_ledger_is_foretold_into_two_files() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, out) = (folder.path().join("ledger.csv"), folder.path().join("forecasts"));
    let lines = "invoice_id,customer_id,segment,issue_date,due_date,amount,bill_type,clear_date,disputed\n\
                 I1,C1,CO,2025-01-01,2025-01-31,100.00,E,2025-02-03,0\n\
                 I2,C1,CO,2025-02-10,2025-03-12,120.00,E,,0\n";
    std::fs::write(&ledger, lines).unwrap();
    let arguments = ["score", "backtest", "--ledger", ledger.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let (success, text) = puntual(&arguments);
    assert!(success && text.contains("2025-02-10"), "{text}");
    let read = |name| std::fs::read_to_string(out.join(name)).unwrap();
    assert!(read("predictions.csv").lines().nth(2).is_some_and(|line| line.starts_with("I2,0.")));
    assert_eq!(read("segments.csv"), "customer_id,segment\nC1,occasional\n");

    std::fs::write(&ledger, lines.replace("2025-02-03", "3 Feb")).unwrap();
    let (success, text) = puntual(&arguments);
    assert!(!success && text.contains("line 2: a date like 2026-01-31 in clear_date"), "{text}");
}

#[test]
fn a_role_without_a_database_says_what_is_missing() {
    let (success, text) = puntual(&["scoring"]);
    assert!(!success);
    assert!(text.contains("scoring") && text.contains("database"), "{text}");
}
