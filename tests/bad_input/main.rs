//! The catalogue of bad input, `cases.toml`, `files.toml` and `life.toml`, sent to a running ingestion: `make bad-input`. Numbers
//! as arguments choose cases.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test with a report of its own; one that cannot go on has failed"
)]

mod catalogue;
mod door;
mod send;

use std::process::ExitCode;

use catalogue::Case;
use door::Door;

#[tokio::main]
async fn main() -> ExitCode {
    let chosen: Vec<u32> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let cases = catalogue::cases();
    let door = Door::open().await;
    let (mut passed, mut failed) = (0, 0);
    for case in cases.iter().filter(|case| chosen.is_empty() || chosen.contains(&case.number)) {
        match try_case(&door, case).await {
            Ok(()) => passed += 1,
            Err(reason) => {
                failed += 1;
                println!("FAILED {:>3}  {}\n            {reason}", case.number, case.what);
            }
        }
    }
    door.close().await;
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn try_case(door: &Door, case: &Case) -> Result<(), String> {
    for (index, step) in case.steps().enumerate() {
        let place = |reason| format!("step {}: {reason}", index + 1);
        for (status, answers) in send::send(door, case.number, step).await.map_err(place)? {
            if status >= 500 {
                return Err(place(format!("the door broke: {status} {answers}")));
            }
        }
    }
    Ok(())
}
