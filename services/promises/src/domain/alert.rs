//! What a person should look at. One alert for each promise and kind; it is raised and cleared, never deleted.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use primitives::{Money, ids};
use uuid::Uuid;

use crate::domain::promise::{PromiseKey, Status};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum AlertKind {
    Broken,
    PartiallyKept,
    Unconfirmed,
}

impl AlertKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Broken => "promise_broken",
            Self::PartiallyKept => "promise_partially_kept",
            Self::Unconfirmed => "promise_unconfirmed",
        }
    }

    /// The one alert that a promise in this state deserves. All its others are cleared.
    pub(crate) const fn deserved_by(status: Status) -> Option<Self> {
        match status {
            Status::Broken => Some(Self::Broken),
            Status::PartiallyKept => Some(Self::PartiallyKept),
            Status::DueUnconfirmed => Some(Self::Unconfirmed),
            Status::Open | Status::Kept | Status::Withdrawn | Status::Replaced => None,
        }
    }

    /// The alert's id (D3): the same after a replay.
    pub(crate) fn id(self, promise: PromiseKey) -> Uuid {
        ids::derive(promise.tenant_id, ids::Kind::Alert, &[self.as_str(), &promise.promise_id.to_string()])
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AlertStatus {
    Raised,
    Cleared,
}

impl AlertStatus {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Cleared => "cleared",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a state of an alert")]
pub(crate) struct UnknownAlertStatus(String);

impl FromStr for AlertStatus {
    type Err = UnknownAlertStatus;
    fn from_str(text: &str) -> Result<Self, UnknownAlertStatus> {
        match text {
            "raised" => Ok(Self::Raised),
            "cleared" => Ok(Self::Cleared),
            _ => Err(UnknownAlertStatus(text.to_owned())),
        }
    }
}

/// An alert that has to be standing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alarm {
    pub promise: PromiseKey,
    pub customer_id: Uuid,
    pub kind: AlertKind,
    /// What is missing of the promised amount.
    pub missing: Money,
}

/// An alert as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alert {
    pub tenant_id: Uuid,
    pub id: Uuid,
    pub version: i64,
    pub kind: String,
    pub customer_id: Uuid,
    pub promise_id: Uuid,
    pub status: AlertStatus,
    pub missing: Money,
    pub raised_at: DateTime<Utc>,
    pub cleared_at: Option<DateTime<Utc>>,
}
