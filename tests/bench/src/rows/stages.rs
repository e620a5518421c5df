//! The stages one after another: what the door takes in is what the relay publishes, and that is what the consumers apply.

use crate::lab::Lab;
use crate::lab::installation::Installation;
use crate::report::Report;

use super::{consumer, intake, relay};

pub(crate) const PARTS: [&str; 4] = ["intake", "relay", "consumers", "repeats"];
const CONSUMERS: [&str; 4] = ["scoring", "promises", "reminders", "reporting"];

pub(crate) async fn measure(lab: &Lab, report: &mut Report, wanted: impl Fn(&str) -> bool) -> anyhow::Result<()> {
    let (relay, repeats) = (wanted("relay"), wanted("repeats"));
    let consumers = repeats || wanted("consumers");
    let of_each = if repeats { 4 } else { 2 };
    lab.expect(8 + u64::from(relay) + if consumers { 4 * of_each } else { 0 });
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
        for role in CONSUMERS {
            consumer::measure(lab, report, &here, role, repeats).await?;
        }
    }
    here.remove().await
}
