//! Fewer faults, the same failure: delta debugging over the fault list.

use std::time::{Duration, Instant};

use crate::fault::Planned;
use crate::run::{Options, run};
use crate::schedule::Schedule;
use crate::world::Mould;

/// Removes halves, quarters … and single faults while the schedule still fails, for at most `within`.
pub async fn shrink(
    mould: &Mould,
    schedule: &Schedule,
    options: &Options,
    within: Duration,
) -> anyhow::Result<Schedule> {
    let until = Instant::now() + within;
    let options = Options { folder: options.folder.join("shrink"), ..options.clone() };
    let mut faults: Vec<Planned> = schedule.faults.clone();
    let mut parts = 2;
    while !faults.is_empty() && Instant::now() < until {
        let size = faults.len().div_ceil(parts);
        let mut smaller = None;
        for start in (0..faults.len()).step_by(size) {
            if Instant::now() > until {
                break;
            }
            let rest: Vec<Planned> = [&faults[..start], &faults[(start + size).min(faults.len())..]].concat();
            if !run(mould, &schedule.with_faults(rest.clone()), &options).await?.green {
                smaller = Some(rest);
                break;
            }
        }
        match smaller {
            Some(rest) => {
                faults = rest;
                parts = 2.max(parts - 1);
            }
            None if size == 1 => break,
            None => parts = (parts * 2).min(faults.len()),
        }
    }
    Ok(schedule.with_faults(faults))
}
