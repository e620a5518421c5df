//! Profiles on the command line: found by name or file, and checked against a file without sending anything.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use formats::profile::{Checked, Profile, check as try_out, shipped};

use crate::terminal;

/// Rows of which a check shows what they become.
const SHOWN_ROWS: usize = 20;

/// The profile of a shipped name, or of a YAML file.
pub(crate) fn load(name: &str) -> anyhow::Result<Profile> {
    let (origin, text) = match shipped().iter().find(|(known, _)| *known == name) {
        Some((_, yaml)) => (name.to_owned(), (*yaml).to_owned()),
        None if Path::new(name).exists() => {
            (name.to_owned(), std::fs::read_to_string(name).with_context(|| format!("cannot read {name}"))?)
        }
        None => bail!("{name}: no such file and none of the shipped profiles: {}", names()),
    };
    Profile::parse(&text).map_err(|wrong| {
        let wrong: Vec<String> = wrong.iter().map(|wrong| format!("{origin}: {wrong}")).collect();
        anyhow::anyhow!("{}", wrong.join("\n"))
    })
}

fn names() -> String {
    shipped().iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Prints the shipped profiles, which are good to start from.
pub(crate) fn list() {
    for (name, yaml) in shipped() {
        let about = Profile::parse(yaml).map(|profile| profile.about().to_owned()).unwrap_or_default();
        terminal::say(format_args!("{name:26} {about}"));
    }
    terminal::say("\nOne in full, to start your own from: puntual feed --profiles --profile NAME");
}

/// Prints the text of a shipped profile.
pub(crate) fn print(name: &str) -> anyhow::Result<()> {
    let Some((_, yaml)) = shipped().iter().find(|(known, _)| *known == name) else {
        bail!("{name} is none of the shipped profiles: {}", names());
    };
    terminal::say(yaml);
    Ok(())
}

/// Shows what each of the first rows of the files would become, and all that is wrong; exit code 1 when something is.
pub(crate) fn check(profile: &Profile, files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let mut is_well = true;
    for path in files {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let checked = try_out(profile, &bytes, SHOWN_ROWS);
        show(path, &checked);
        is_well &= checked.problem_count == 0;
    }
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(path: &Path, checked: &Checked) {
    for row in &checked.rows {
        for fact in &row.facts {
            terminal::say(format_args!("{}:{}: {fact}", path.display(), row.line));
        }
    }
    for problem in &checked.problems {
        let column = problem.column.as_deref().map(|column| format!("{column}: ")).unwrap_or_default();
        let broken = &problem.broken;
        terminal::say(format_args!("{}:{}: {}: {column}{}", path.display(), broken.line, broken.code, broken.detail));
    }
    for (reason, rows) in &checked.left_out {
        terminal::say(format_args!("{rows} rows left out: {reason}"));
    }
    for (what, columns) in [("not used", &checked.unused_columns), ("not in the file", &checked.absent_columns)] {
        if !columns.is_empty() {
            terminal::say(format_args!("columns {what}: {}", columns.join(", ")));
        }
    }
    let counts: Vec<String> = checked.counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    terminal::say(format_args!(
        "{} rows: {}; {} problems; nothing was sent",
        checked.read,
        if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") },
        checked.problem_count
    ));
}
