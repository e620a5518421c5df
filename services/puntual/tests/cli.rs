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
fn a_role_without_a_database_says_what_is_missing() {
    let (success, text) = puntual(&["scoring"]);
    assert!(!success);
    assert!(text.contains("scoring") && text.contains("database"), "{text}");
}
