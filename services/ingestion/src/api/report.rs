//! What became of a batch.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::accept::Verdict;
use super::accept::resolve::quarantine_id;
use super::batch_key::Key;
use super::reading::batch::Line;

/// A report names this many problems; `GET /v1/quarantine` has them all.
const MAX_PROBLEMS: usize = 100;
/// And this many warnings: a file has some accounts.
const MAX_WARNINGS: usize = 100;

/// Many lines as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) id: Uuid,
    /// By which it is known again.
    pub(crate) key: Option<Key>,
    pub(crate) warnings: Vec<Warning>,
}

impl Batch {
    /// Lines that are told together, by nobody who would want a report.
    pub(crate) const fn unreported(id: Uuid) -> Self {
        Self { id, key: None, warnings: Vec::new() }
    }
}

/// What became of a batch: `lines = applied + duplicate + quarantined` (I8).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchReport)]
pub(crate) struct Report {
    batch_id: Uuid,
    lines: usize,
    applied: usize,
    duplicate: usize,
    quarantined: usize,
    /// Of those applied: a newer change was known already.
    stale: usize,
    /// Of those applied: waits for something that has not come.
    parked: usize,
    problems: Vec<LineProblem>,
    /// True when more lines are bad than `problems` lists.
    truncated: bool,
    /// What a document says against itself; its facts are in all the same. Absent when there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<Warning>,
}

/// A statement whose entries do not make its closing balance, one that stands twice, a batch that cannot be taken apart, an invoice
/// over less than nothing that is read as a credit note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BatchWarning)]
pub(crate) struct Warning {
    line: u64,
    code: &'static str,
    /// Where in the document.
    place: String,
    detail: String,
}

impl From<formats::Finding> for Warning {
    fn from(finding: formats::Finding) -> Self {
        Self { line: finding.place.line, code: finding.code, place: finding.place.path, detail: finding.detail }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchProblem)]
struct LineProblem {
    line: usize,
    byte_offset: usize,
    code: &'static str,
    pointer: String,
    detail: String,
    quarantine_id: Uuid,
}

impl Report {
    pub(super) fn of<'a>(
        tenant_id: Uuid,
        batch: &Batch,
        lines: &[Line],
        verdicts: impl IntoIterator<Item = &'a Verdict>,
    ) -> Self {
        let mut report = Self {
            batch_id: batch.id,
            lines: lines.len(),
            applied: 0,
            duplicate: 0,
            quarantined: 0,
            stale: 0,
            parked: 0,
            problems: Vec::new(),
            truncated: false,
            warnings: batch.warnings.iter().take(MAX_WARNINGS).cloned().collect(),
        };
        for (line, verdict) in lines.iter().zip(verdicts) {
            report.add(tenant_id, line, verdict);
        }
        report
    }

    fn add(&mut self, tenant_id: Uuid, line: &Line, verdict: &Verdict) {
        match verdict {
            Verdict::Accepted(receipt) => {
                self.applied += 1;
                self.stale += usize::from(receipt.status == "stale");
                self.parked += usize::from(!receipt.parked.is_empty());
            }
            Verdict::Replayed(_) => self.duplicate += 1,
            Verdict::Refused(findings) => {
                self.quarantined += 1;
                self.truncated |= self.problems.len() >= MAX_PROBLEMS;
                if let Some(finding) = findings.first().filter(|_| !self.truncated) {
                    self.problems.push(LineProblem {
                        line: line.number,
                        byte_offset: line.byte_offset,
                        code: finding.code,
                        pointer: finding.pointer.clone(),
                        detail: finding.detail.clone().into_owned(),
                        quarantine_id: quarantine_id(tenant_id, &line.bytes),
                    });
                }
            }
        }
    }

    pub(super) fn measure(&self) {
        for (verdict, lines) in
            [("applied", self.applied), ("duplicate", self.duplicate), ("quarantined", self.quarantined)]
        {
            let lines = u64::try_from(lines).unwrap_or(u64::MAX);
            metrics::counter!("puntual_ingestion_lines_total", "verdict" => verdict).increment(lines);
        }
    }
}
