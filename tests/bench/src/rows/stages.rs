//! The stages one after another: what the door takes in is what the relay publishes, and that is what the consumers apply.

use crate::lab::Lab;
use crate::lab::installation::Installation;
use crate::report::Report;

use super::{consumer, intake, relay};

pub(crate) async fn measure(lab: &Lab, report: &mut Report, relay: bool, consumers: bool) -> anyhow::Result<()> {
    lab.expect(6 + if relay { 2 } else { 0 } + if consumers { 16 } else { 0 });
    lab.step("setting up");
    let here = Installation::make(lab, "stages").await?;
    let held = here.hold_relay().await?;
    let ingestion = here.start("ingestion").await?;
    intake::measure(lab, report, &here, &ingestion).await?;
    if relay || consumers {
        relay::measure(lab, report, &here, held, relay).await?;
    }
    ingestion.stop().await?;
    if consumers {
        for role in ["scoring", "promises", "reminders", "reporting"] {
            consumer::measure(lab, report, &here, role).await?;
        }
    }
    Ok(())
}
