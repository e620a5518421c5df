//! The end of the demo in words.

use std::collections::BTreeMap;

use super::figures::Figures;
use super::options::Demo;
use super::stage::Stage;
use super::year::Told;
use crate::service::Service;
use crate::terminal::{self, grouped, table};

pub(crate) fn print(options: &Demo, figures: &Figures, told: &Told) {
    let (first, last) = (options.first_day(), Demo::last_day());
    terminal::say(format_args!("\nDistribuidora Andina, {first} to {last} (seed {})", options.seed));
    terminal::say(format_args!(
        "  {} customers in {} countries, {} invoices, {} payments; {} facts told, {} of them twice",
        options.customers,
        told.countries,
        grouped(&figures.invoices.to_string()),
        grouped(&figures.payments.to_string()),
        grouped(&told.facts.to_string()),
        told.duplicates,
    ));
    reminders(figures, told);
    promises(figures);
    segments(figures);
    dso(figures);
    aging(figures);
    let ledger = if figures.ledger.conserved {
        "conserved: every cent of every invoice and payment is accounted for (M1, M2)"
    } else {
        "NOT CONSERVED"
    };
    heading("Ledger");
    terminal::say(format_args!("  {ledger}"));
}

fn heading(text: &str) {
    terminal::say(format_args!("\n{text}"));
}

fn print_table(rows: &[Vec<String>]) {
    for line in table(rows, 1) {
        terminal::say(format_args!("  {line}"));
    }
}

fn reminders(figures: &Figures, told: &Told) {
    let reminders = &figures.reminders;
    heading("Reminders");
    terminal::say(format_args!(
        "  {} steps decided, {} messages sent, {} mails received by the debtors",
        grouped(&reminders.decisions.to_string()),
        grouped(&reminders.sent.to_string()),
        grouped(&told.mails.to_string()),
    ));
    if reminders.uncertain + reminders.failed > 0 {
        terminal::say(format_args!("  {} uncertain, {} failed", reminders.uncertain, reminders.failed));
    }
    if !reminders.held_back.is_empty() {
        terminal::say("  held back:");
        let mut reasons: Vec<(&String, &u64)> = reminders.held_back.iter().collect();
        reasons.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), (*reason).clone()));
        let rows: Vec<Vec<String>> = reasons
            .into_iter()
            .map(|(reason, count)| vec![format!("  {}", reason.replace('_', " ")), grouped(&count.to_string())])
            .collect();
        print_table(&rows);
    }
}

fn promises(figures: &Figures) {
    let promises = &figures.promises;
    heading("Promises");
    terminal::say(format_args!(
        "  {} kept, {} kept in part, {} broken; {} alerts raised",
        promises.kept, promises.partially_kept, promises.broken, figures.alerts
    ));
}

fn segments(figures: &Figures) {
    heading("Segments, customers");
    let mut segments: Vec<_> = figures.segments.iter().filter(|segment| segment.customers > 0).collect();
    segments.sort_by_key(|segment| std::cmp::Reverse(segment.customers));
    let rows: Vec<Vec<String>> = segments
        .into_iter()
        .map(|segment| vec![segment.segment.replace('_', " "), segment.customers.to_string()])
        .collect();
    print_table(&rows);
}

fn dso(figures: &Figures) {
    let mut latest = BTreeMap::new();
    for dso in &figures.dso {
        latest.insert(&dso.currency, dso);
    }
    heading("Days sales outstanding, last month");
    let mut rows = vec![["", "simple", "count-back", "receivable", "overdue"].map(str::to_owned).to_vec()];
    rows.extend(latest.into_values().map(|dso| {
        let days = |days: &Option<String>| days.clone().unwrap_or_else(|| "–".to_owned());
        vec![
            dso.currency.clone(),
            days(&dso.simple),
            days(&dso.count_back),
            grouped(&dso.receivable),
            grouped(&dso.overdue),
        ]
    }));
    print_table(&rows);
}

/// Buckets as rows in the order in which they are told, currencies as columns.
fn aging(figures: &Figures) {
    let mut buckets: Vec<&str> = Vec::new();
    let mut currencies: Vec<&str> = Vec::new();
    for row in &figures.aging {
        if !buckets.contains(&row.bucket.as_str()) {
            buckets.push(&row.bucket);
        }
        if !currencies.contains(&row.currency.as_str()) {
            currencies.push(&row.currency);
        }
    }
    currencies.sort_unstable();
    let amount = |bucket: &str, currency: &str| {
        let row = figures.aging.iter().find(|row| row.bucket == bucket && row.currency == currency);
        row.map_or_else(|| "–".to_owned(), |row| grouped(&row.amount))
    };
    heading("Aging, days past due");
    let mut rows = vec![std::iter::once("").chain(currencies.iter().copied()).map(str::to_owned).collect::<Vec<_>>()];
    rows.extend(buckets.iter().map(|bucket| {
        let amounts = currencies.iter().map(|currency| amount(bucket, currency));
        std::iter::once(bucket.replace('_', " ")).chain(amounts).collect()
    }));
    print_table(&rows);
}

/// Where to go on, while everything is still running.
pub(crate) fn hints(options: &Demo, stage: &Stage, told: &Told) {
    let reporting = stage.base_url(Service::Reporting);
    heading("Everything is still running");
    terminal::say(format_args!("  dashboard     {reporting}/signin#key={}", stage.key));
    if let Some((customer, day)) = &told.last_mail {
        let program =
            std::env::args_os().next().map_or_else(|| "puntual".into(), |arg| arg.to_string_lossy().into_owned());
        terminal::say(format_args!(
            "  ask why       {program} why --url {} --key {} --customer {customer} --day {day}",
            stage.base_url(Service::Reminders),
            stage.key
        ));
    }
    terminal::say(format_args!("  files, logs   {}", options.dir.display()));
    terminal::say("  stop          Ctrl-C");
}
