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

pub const ALL: [Stream; 5] = [INGESTION, SCORING, REMINDERS, PROMISES, REPORTING];
