//! What goes wrong, and when: a plan that can be printed and replayed.

use serde::{Deserialize, Serialize};

use crate::dice::Dice;

/// The roles in the order in which facts flow through them.
pub(crate) const ROLES: [&str; 5] = ["ingestion", "promises", "scoring", "reminders", "reporting"];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// `kill -9` of every replica of a role; started again after the pause.
    RoleKilled { role: String },
    /// SIGSTOP of one replica, SIGCONT after the pause.
    RoleStopped { role: String },
    /// A role is gone for the whole day.
    RoleDownForADay { role: String },
    /// Started again such that it aborts when the point is passed for the n-th time.
    FailPoint { role: String, point: String, nth: u64 },
    /// A second replica from here to the end of the day.
    SecondReplica { role: String },
    /// `kill -9` of nats-server.
    BrokerKilled,
    /// Its store is deleted, under it or after it was killed.
    BrokerWiped { running: bool },
    /// Its store is replaced by the copy made at dawn; or only its messages are, and durables are ahead of their streams.
    BrokerRewound { durables_too: bool },
    /// An administrator deletes a stream.
    StreamDeleted { stream: String },
    /// An administrator deletes a durable.
    DurableDeleted { stream: String, service: String },
    /// Deliveries to every reader are held back while newer ones pass, and come again later.
    Reordered,
    /// `kill -9` of the postmaster.
    PostmasterKilled,
    /// SIGQUIT: an immediate stop.
    PostgresStopped,
    /// `pg_terminate_backend` of one connection of a role.
    BackendTerminated { role: String },
    /// `kill -9` of one connection's process: the whole cluster restarts.
    BackendKilled { role: String },
    /// How the mail server behaves until the day is over.
    Mail { behaviour: Mail },
    /// Nothing leaves ingestion while stops are accepted; then reminders ticks without waiting for anything.
    Blind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mail {
    AcceptThenDrop,
    RefuseForNow,
    RefuseForGood,
    RefuseContent,
    DropBeforeData,
    Hang,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Dawn,
    Feed,
    Ticks,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Planned {
    /// Index into the days.
    pub day: usize,
    pub phase: Phase,
    /// After the phase began.
    pub after_ms: u64,
    /// Until it is healed.
    pub for_ms: u64,
    #[serde(flatten)]
    pub fault: Fault,
}

impl Fault {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RoleKilled { .. } => "role_killed",
            Self::RoleStopped { .. } => "role_stopped",
            Self::RoleDownForADay { .. } => "role_down_for_a_day",
            Self::FailPoint { .. } => "fail_point",
            Self::SecondReplica { .. } => "second_replica",
            Self::BrokerKilled => "broker_killed",
            Self::BrokerWiped { running: true } => "broker_wiped_running",
            Self::BrokerWiped { running: false } => "broker_wiped_stopped",
            Self::BrokerRewound { durables_too: true } => "broker_rewound",
            Self::BrokerRewound { durables_too: false } => "broker_tail_lost",
            Self::StreamDeleted { .. } => "stream_deleted",
            Self::DurableDeleted { .. } => "durable_deleted",
            Self::Reordered => "reordered",
            Self::PostmasterKilled => "postmaster_killed",
            Self::PostgresStopped => "postgres_stopped",
            Self::BackendTerminated { .. } => "backend_terminated",
            Self::BackendKilled { .. } => "backend_killed",
            Self::Mail { .. } => "mail",
            Self::Blind => "blind",
        }
    }
}

/// The kinds with their weights.
pub const KINDS: [(&str, u64); 19] = [
    ("role_killed", 14),
    ("role_stopped", 12),
    ("role_down_for_a_day", 6),
    ("fail_point", 24),
    ("second_replica", 8),
    ("broker_killed", 6),
    ("broker_wiped_running", 3),
    ("broker_wiped_stopped", 4),
    ("broker_rewound", 4),
    ("broker_tail_lost", 5),
    ("stream_deleted", 4),
    ("durable_deleted", 5),
    ("reordered", 16),
    ("postmaster_killed", 3),
    ("postgres_stopped", 2),
    ("backend_terminated", 5),
    ("backend_killed", 3),
    ("mail", 14),
    ("blind", 0),
];

/// What a point can abort. Dispatch is in reminders, intake in ingestion, a consumer wherever something is upstream.
fn roles_of(point: &str) -> &'static [&'static str] {
    match point.split('.').next() {
        Some("intake") => &["ingestion"],
        Some("dispatch") => &["reminders"],
        Some("consumer") => &["scoring", "promises", "reminders", "reporting"],
        _ => &["ingestion", "scoring", "promises", "reminders"],
    }
}

const MAILS: [Mail; 6] = [
    Mail::AcceptThenDrop,
    Mail::RefuseForNow,
    Mail::RefuseForGood,
    Mail::RefuseContent,
    Mail::DropBeforeData,
    Mail::Hang,
];

/// Three to eight faults, in order of time. Kinds named in `without` do not happen.
pub(crate) fn plan(seed: u64, days: usize, without: &[String]) -> Vec<Planned> {
    let mut dice = Dice::of(seed, 2);
    let weights = KINDS.map(|(kind, weight)| if without.iter().any(|name| name == kind) { 0 } else { weight });
    let mut planned = Vec::new();
    if weights.iter().any(|weight| *weight > 0) {
        for _ in 0..dice.between(3, 8) {
            let (kind, _) = KINDS[dice.weighted(&weights)];
            planned.push(one(kind, days, &mut dice));
        }
    }
    // Some schedules look behind the barrier.
    let blind =
        Planned { day: 1 + dice.index(days - 1), phase: Phase::Feed, after_ms: 0, for_ms: 0, fault: Fault::Blind };
    if dice.percent(30) && !without.iter().any(|name| name == "blind") {
        planned.push(blind);
    }
    planned.sort_by_key(|planned| (planned.day, planned.phase as u8, planned.after_ms));
    planned
}

fn one(kind: &str, days: usize, dice: &mut Dice) -> Planned {
    let role = (*dice.pick(&ROLES)).to_owned();
    let mut day = dice.index(days);
    let mut phase = if dice.percent(35) { Phase::Feed } else { Phase::Ticks };
    let after_ms = dice.below(if phase == Phase::Feed { 120 } else { 500 });
    let mut for_ms = dice.between(50, 900);
    let downstream = |dice: &mut Dice| (*dice.pick(&ROLES[1..])).to_owned();
    let fault = match kind {
        "role_killed" => Fault::RoleKilled { role },
        "role_stopped" => Fault::RoleStopped { role },
        "role_down_for_a_day" => {
            phase = Phase::Dawn;
            day = day.max(1);
            Fault::RoleDownForADay { role: downstream(dice) }
        }
        "fail_point" => {
            let point = (*dice.pick(&faults::POINTS)).to_owned();
            let role = (*dice.pick(roles_of(&point))).to_owned();
            phase = Phase::Dawn;
            Fault::FailPoint { role, point, nth: [1, 1, 2, 3][dice.index(4)] }
        }
        "second_replica" => {
            phase = Phase::Dawn;
            Fault::SecondReplica { role: downstream(dice) }
        }
        "broker_killed" => Fault::BrokerKilled,
        "broker_wiped_running" => Fault::BrokerWiped { running: true },
        "broker_wiped_stopped" => Fault::BrokerWiped { running: false },
        "broker_rewound" => Fault::BrokerRewound { durables_too: true },
        "broker_tail_lost" => Fault::BrokerRewound { durables_too: false },
        "stream_deleted" => {
            let stream = contracts::stream::ALL[dice.index(4)].name.to_owned();
            Fault::StreamDeleted { stream }
        }
        "durable_deleted" => {
            let service = contracts::stream::ALL[1 + dice.index(4)];
            let stream = dice.pick(service.upstream()).name.to_owned();
            Fault::DurableDeleted { stream, service: service.service.to_owned() }
        }
        "reordered" => {
            phase = Phase::Feed;
            let (after_ms, for_ms) = (dice.below(40), dice.between(200, 900));
            // One throw more than is needed: seeds keep their schedules.
            let _ = downstream(dice);
            return Planned { day, phase, after_ms, for_ms, fault: Fault::Reordered };
        }
        "postmaster_killed" => Fault::PostmasterKilled,
        "postgres_stopped" => Fault::PostgresStopped,
        "backend_terminated" => Fault::BackendTerminated { role },
        "backend_killed" => Fault::BackendKilled { role },
        "mail" => {
            phase = Phase::Ticks;
            let behaviour = *dice.pick(&MAILS);
            return Planned {
                day,
                phase,
                after_ms: 0,
                for_ms: dice.between(200, 1_000),
                fault: Fault::Mail { behaviour },
            };
        }
        _ => Fault::Blind,
    };
    if phase == Phase::Dawn {
        for_ms = for_ms.min(400);
    }
    Planned { day, phase, after_ms: if phase == Phase::Dawn { 0 } else { after_ms }, for_ms, fault }
}
