//! Files from elsewhere, which are not ours to keep: `PUNTUAL_SAMPLES=directory cargo test -p formats real -- --nocapture`.

use std::fs;
use std::path::{Path, PathBuf};

use formats::Options;

fn below(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { below(&path, found) } else { found.push(path) }
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "what became of each file is what it is run for")]
fn real_samples() {
    let Some(directory) = std::env::var_os("PUNTUAL_SAMPLES") else { return };
    let mut files = Vec::new();
    below(Path::new(&directory), &mut files);
    files.sort();
    for path in files {
        let Ok(bytes) = fs::read(&path) else { continue };
        println!("{}", path.display());
        match formats::read(&bytes, &Options { terms_days: Some(30), ..Options::default() }) {
            Ok(reading) => {
                println!("  {:?}, {} skipped", reading.format, reading.skipped);
                for warning in &reading.warnings {
                    println!("  warning {} {}: {}", warning.code, warning.place.path, warning.detail);
                }
                for draft in &reading.drafts {
                    match draft {
                        Ok(draft) => {
                            println!("  {} {}", draft.fact_type, serde_json::Value::Object(draft.data.clone()));
                        }
                        Err(finding) => println!("  {} {}: {}", finding.code, finding.place.path, finding.detail),
                    }
                }
            }
            Err(finding) => {
                println!("  {} line {} {}: {}", finding.code, finding.place.line, finding.place.path, finding.detail);
            }
        }
    }
}
