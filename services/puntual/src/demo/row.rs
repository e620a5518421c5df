//! A row of one of the files that the simulated ERP, bank and CRM export.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use formats::layout::{self, Layout};
use formats::table::written;

/// The system that exports a row: a source of facts, and a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Feed {
    Erp,
    Bank,
    Crm,
}

impl Feed {
    pub(crate) const ALL: [Self; 3] = [Self::Erp, Self::Bank, Self::Crm];

    /// Code of the source.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Erp => "erp",
            Self::Bank => "bank",
            Self::Crm => "crm",
        }
    }

    /// The families of facts that it tells completely (L4).
    pub(crate) fn covers(self) -> &'static [&'static str] {
        match self {
            Self::Erp => &["invoices"],
            Self::Bank => &["payments"],
            Self::Crm => &["disputes", "promises"],
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) feed: Feed,
    pub(crate) fact: &'static str,
    cells: BTreeMap<&'static str, String>,
}

impl Row {
    pub(crate) fn new(feed: Feed, fact: &'static str, time: &str, legal_entity: &str) -> Self {
        Self { feed, fact, cells: BTreeMap::new() }.with("time", time).with("legal_entity", legal_entity)
    }

    #[must_use]
    pub(crate) fn with(mut self, column: &'static str, cell: impl Into<String>) -> Self {
        self.cells.insert(column, cell.into());
        self
    }

    /// A cell by its column; empty when it was not set.
    pub(crate) fn cell(&self, column: &str) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    fn line(&self, layout: &Layout) -> String {
        let cells: Vec<String> = layout::header(layout)
            .map(|column| self.cells.get(column).map_or(String::new(), |cell| written(cell)))
            .collect();
        cells.join(",")
    }
}

/// When what happened on `day` is known to the system that exports it. All facts of a day have the same time: what a
/// day's rows say does not depend on their order.
pub(crate) fn time_of(day: NaiveDate) -> String {
    format!("{day}T18:00:00Z")
}

/// One file: its folder, its name and its content.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CsvFile {
    pub(crate) feed: Feed,
    pub(crate) name: String,
    pub(crate) content: String,
}

/// The rows as files, one per system and fact, in the order of the layouts (master data first, coverage last).
pub(crate) fn files(rows: &[Row]) -> Vec<CsvFile> {
    let mut files = Vec::new();
    for layout in &layout::LAYOUTS {
        for feed in Feed::ALL {
            let mut lines = rows.iter().filter(|row| row.feed == feed && row.fact == layout.fact).peekable();
            if lines.peek().is_some() {
                let mut content = layout::header(layout).collect::<Vec<_>>().join(",");
                content.push('\n');
                for row in lines {
                    content.push_str(&row.line(layout));
                    content.push('\n');
                }
                files.push(CsvFile { feed, name: format!("{}.csv", layout.fact), content });
            }
        }
    }
    files
}

/// Columns that a row has and its layout does not: none, in every row the demo makes.
#[cfg(test)]
pub(crate) fn strange_columns(row: &Row) -> Vec<&'static str> {
    let layout = layout::LAYOUTS.iter().find(|layout| layout.fact == row.fact).unwrap();
    row.cells.keys().filter(|column| !layout::header(layout).any(|known| known == **column)).copied().collect()
}
