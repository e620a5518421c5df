//! Rows of figures: as a table, as JSON, as charts.

mod chart;

use std::path::Path;

use serde::Serialize;
use serde_json::json;

use crate::lab::meter::Measured;

/// What the figures depend on.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) scale: f64,
    pub(crate) postgres: Vec<(String, String)>,
}

/// One figure. Either a rate with a reference, and the ratio is judged; or alone, and the figure itself is.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) ours: f64,
    pub(crate) reference: Option<f64>,
    /// Both with their processor time for each event and what others took of the machine.
    pub(crate) measured: Option<[Measured; 2]>,
    pub(crate) ratio: Option<f64>,
    pub(crate) unit: &'static str,
    pub(crate) must: Option<f64>,
    pub(crate) stretch: Option<f64>,
    /// The targets are upper bounds.
    pub(crate) less_is_better: bool,
    pub(crate) bound_by: &'static str,
    pub(crate) note: String,
}

impl Row {
    pub(crate) fn rate(name: &str, ours: Measured, reference: Measured, unit: &'static str) -> Self {
        Self {
            reference: Some(reference.per_second),
            measured: Some([ours, reference]),
            ratio: Some(ours.per_second / reference.per_second),
            ..Self::alone(name, ours.per_second, unit)
        }
    }

    pub(crate) fn alone(name: &str, ours: f64, unit: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            ours,
            reference: None,
            measured: None,
            ratio: None,
            unit,
            must: None,
            stretch: None,
            less_is_better: false,
            bound_by: "",
            note: String::new(),
        }
    }

    pub(crate) fn must(self, ratio: f64) -> Self {
        Self { must: Some(ratio), ..self }
    }

    pub(crate) fn stretch(self, ratio: f64) -> Self {
        Self { stretch: Some(ratio), ..self }
    }

    pub(crate) fn at_most(self, must: f64, stretch: f64) -> Self {
        Self { must: Some(must), stretch: Some(stretch), less_is_better: true, ..self }
    }

    pub(crate) fn bound_by(self, bound_by: &'static str) -> Self {
        Self { bound_by, ..self }
    }

    pub(crate) fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// What the targets are about.
    fn judged(&self) -> f64 {
        self.ratio.unwrap_or(self.ours)
    }

    fn meets(&self, target: f64) -> bool {
        if self.less_is_better { self.judged() <= target } else { self.judged() >= target }
    }

    fn verdict(&self) -> &'static str {
        match (self.must, self.stretch) {
            (_, Some(stretch)) if self.meets(stretch) => "stretch",
            (Some(must), _) if self.meets(must) => "met",
            (Some(_), _) => "MISSED",
            _ => "",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Report {
    machine: Machine,
    rows: Vec<Row>,
}

impl Report {
    pub(crate) fn new(machine: Machine) -> Self {
        Self { machine, rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(crate) fn table(&self) -> String {
        let mut lines = vec![
            [
                "",
                "ours",
                "reference",
                "unit",
                "ratio",
                "must",
                "stretch",
                "",
                "CPU µs, ours / reference",
                "others",
                "bound by",
            ]
            .map(String::from),
        ];
        for row in &self.rows {
            let sign = if row.less_is_better { "≤" } else { "≥" };
            let target = |target: Option<f64>| target.map(|target| format!("{sign} {target}")).unwrap_or_default();
            lines.push([
                row.name.clone(),
                figure(row.ours),
                row.reference.map(figure).unwrap_or_default(),
                row.unit.to_owned(),
                row.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
                target(row.must),
                target(row.stretch),
                row.verdict().to_owned(),
                row.measured.map(|[a, b]| format!("{:.0} / {:.0}", a.cpu_us, b.cpu_us)).unwrap_or_default(),
                row.measured
                    .map(|both| both.map(|one| format!("{:.0}%", one.others * 100.0)).join(" / "))
                    .unwrap_or_default(),
                row.bound_by.to_owned(),
            ]);
        }
        let width = |column: usize| {
            lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..11).map(width).collect();
        let aligned = |line: &[String; 11]| {
            let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
                1 | 2 | 4 => format!("{cell:>width$}"),
                _ => format!("{cell:<width$}"),
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let notes =
            self.rows.iter().filter(|row| !row.note.is_empty()).map(|row| format!("{}: {}", row.name, row.note));
        lines.iter().map(aligned).chain([String::new()]).chain(notes).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(&json!({ "machine": self.machine, "rows": self.rows }))?)
    }

    pub(crate) fn charts(&self, folder: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("ratios.svg"), chart::ratios(&self.rows))?;
        Ok(())
    }
}

fn figure(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}
