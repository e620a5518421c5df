//! Files in, requests out: facts of many files travel together, what comes back is told by file and line.

use std::path::{Path, PathBuf};

use super::door::{FactsDoor, MOST_BYTES, MOST_LINES, Receipt};
use super::file::{FactFile, Item, Origin, Problem};

/// More are counted, and not kept: a file of ten million bad lines must not fill the memory.
const KEPT_PROBLEMS: usize = 1_000;

/// What became of all lines. They add up: lines = applied + duplicate + quarantined + unreadable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) lines: u64,
    pub(crate) applied: u64,
    /// Known already: nothing happened.
    pub(crate) duplicate: u64,
    /// Kept by ingestion with the reason, not applied.
    pub(crate) quarantined: u64,
    /// Rows that are not CSV, or not text: not sent.
    pub(crate) unreadable: u64,
    /// The first of them.
    pub(crate) problems: Vec<Problem>,
}

impl Totals {
    pub(crate) fn is_clean(&self) -> bool {
        self.quarantined == 0 && self.unreadable == 0
    }

    fn add(&mut self, receipt: Receipt, origins: &[(PathBuf, u64)]) {
        self.applied += receipt.applied;
        self.duplicate += receipt.duplicate;
        self.quarantined += receipt.quarantined;
        for problem in receipt.problems {
            let position = usize::try_from(problem.line.saturating_sub(1)).unwrap_or(usize::MAX);
            let (file, line) = origins.get(position).cloned().unwrap_or_default();
            let field = problem.pointer.as_deref().and_then(column);
            self.keep(Problem { file, line, field, reason: problem.detail });
        }
    }

    fn keep(&mut self, problem: Problem) {
        if self.problems.len() < KEPT_PROBLEMS {
            self.problems.push(problem);
        }
    }
}

/// The column that a JSON pointer leads to: `#/data/amount` is `amount`; `None` for the whole fact.
fn column(pointer: &str) -> Option<String> {
    let path = pointer.trim_start_matches('#').trim_start_matches('/');
    let name = path.strip_prefix("data/").unwrap_or(path);
    (!name.is_empty()).then(|| name.to_owned())
}

pub(crate) struct Sender<'a> {
    door: &'a FactsDoor,
    totals: Totals,
    batch: String,
    /// Where each line of the batch came from.
    origins: Vec<(PathBuf, u64)>,
}

impl<'a> Sender<'a> {
    pub(crate) fn new(door: &'a FactsDoor) -> Self {
        Self { door, totals: Totals::default(), batch: String::new(), origins: Vec::new() }
    }

    /// Reads one file to its end; its last lines may wait for company. `progress` hears how many bytes were read.
    pub(crate) async fn file(
        &mut self,
        path: &Path,
        origin: &Origin,
        mut progress: impl FnMut(u64),
    ) -> anyhow::Result<()> {
        let mut file = FactFile::open(path, origin)?;
        while let Some(item) = file.next_item()? {
            self.totals.lines += 1;
            match item {
                Item::Unreadable(problem) => {
                    self.totals.unreadable += 1;
                    self.totals.keep(problem);
                }
                Item::Fact(fact) => {
                    self.batch.push_str(&fact.json);
                    self.batch.push('\n');
                    self.origins.push((path.to_owned(), fact.line));
                    if self.origins.len() >= MOST_LINES || self.batch.len() >= MOST_BYTES {
                        self.flush().await?;
                    }
                }
            }
            progress(file.bytes_read());
        }
        Ok(())
    }

    async fn flush(&mut self) -> anyhow::Result<()> {
        if self.origins.is_empty() {
            return Ok(());
        }
        let receipt = self.door.send(std::mem::take(&mut self.batch)).await?;
        let origins = std::mem::take(&mut self.origins);
        self.totals.add(receipt, &origins);
        Ok(())
    }

    /// Sends what is left and adds up.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Totals> {
        self.flush().await?;
        // Rows that were not sent are known before those that ingestion refused.
        self.totals.problems.sort_by(|one, other| (&one.file, one.line).cmp(&(&other.file, other.line)));
        Ok(self.totals)
    }
}

#[cfg(test)]
mod tests {
    use super::super::door::LineProblem;
    use super::*;

    #[test]
    fn problems_are_told_by_file_and_line() {
        let mut totals = Totals::default();
        let origins = [(PathBuf::from("a.csv"), 2), (PathBuf::from("b.csv"), 7)];
        let problem =
            LineProblem { line: 2, pointer: Some("#/data/amount".into()), detail: "not a plain decimal number".into() };
        totals.add(Receipt { applied: 1, duplicate: 0, quarantined: 1, problems: vec![problem] }, &origins);
        let told: Vec<String> = totals.problems.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["b.csv:7: amount: not a plain decimal number"]);
        assert!(!totals.is_clean());
    }

    #[tokio::test]
    async fn of_a_file_of_nothing_but_mistakes_the_first_are_kept_and_all_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad.ndjson");
        std::fs::write(&path, b"\xff\n".repeat(KEPT_PROBLEMS + 10)).unwrap();
        let door = FactsDoor::new("http://127.0.0.1:1", "key").unwrap();
        let mut sender = Sender::new(&door);
        sender.file(&path, &Origin::default(), |_| {}).await.unwrap();
        let totals = sender.finish().await.unwrap();
        assert_eq!((totals.unreadable, totals.problems.len()), (1_010, KEPT_PROBLEMS));
        assert_eq!(totals.problems[0].line, 1);
    }
}
