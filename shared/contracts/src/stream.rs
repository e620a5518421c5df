//! The streams: one per producing service, written by its relay alone.

/// A JetStream stream of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stream {
    pub name: &'static str,
    /// The service whose relay writes it.
    pub service: &'static str,
    /// What it stores: all events of the service, no commands.
    pub subjects: &'static str,
}

pub const INGESTION: Stream =
    Stream { name: "INGESTION_EVENTS", service: "ingestion", subjects: "puntual.ingestion.*.*.*" };
pub const SCORING: Stream = Stream { name: "SCORING_EVENTS", service: "scoring", subjects: "puntual.scoring.*.*.*" };
pub const REMINDERS: Stream =
    Stream { name: "REMINDERS_EVENTS", service: "reminders", subjects: "puntual.reminders.*.*.*" };
pub const PROMISES: Stream =
    Stream { name: "PROMISES_EVENTS", service: "promises", subjects: "puntual.promises.*.*.*" };
pub const REPORTING: Stream =
    Stream { name: "REPORTING_EVENTS", service: "reporting", subjects: "puntual.reporting.*.*.*" };

/// What others tell, until ingestion has accepted it. No relay writes it and nobody can publish it again: what is lost with
/// it, its source sends again.
pub const FEED: Stream = Stream { name: "FEED", service: "ingestion", subjects: "puntual.feed.*.*" };

/// The streams of events.
pub const ALL: [Stream; 5] = [INGESTION, SCORING, REMINDERS, PROMISES, REPORTING];

impl Stream {
    /// The streams that the owner of this one consumes. The graph has no cycle: ticks of a virtual clock and barriers go
    /// along it (D17).
    pub fn upstream(self) -> &'static [Self] {
        match self.service {
            "promises" => &[INGESTION],
            "scoring" => &[INGESTION, PROMISES],
            "reminders" => &[INGESTION, SCORING, PROMISES],
            "reporting" => &[INGESTION, SCORING, PROMISES, REMINDERS],
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_never_flow_in_a_circle() {
        let order = [INGESTION, PROMISES, SCORING, REMINDERS, REPORTING];
        for (place, stream) in order.iter().enumerate() {
            assert!(stream.upstream().iter().all(|earlier| order[..place].contains(earlier)), "{}", stream.name);
        }
    }
}
