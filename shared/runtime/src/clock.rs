//! Business time (D17). Production reads the database's clock; a database marked as virtual has one of its own.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// What time it is for decisions. Leases, ack waits and retries use real time instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The database's `now()`: the same instant throughout a transaction.
    Database,
    /// The instant last set by a tick; works only in databases that were made for it.
    Virtual,
}

impl Clock {
    /// Reads the mark that the database was given when it was made.
    pub async fn of_database(conn: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let kind: Option<String> = sqlx::query_scalar("SELECT kind FROM database_mark").fetch_optional(conn).await?;
        Ok(if kind.as_deref() == Some("virtual") { Self::Virtual } else { Self::Database })
    }

    pub fn is_virtual(self) -> bool {
        self == Self::Virtual
    }

    pub async fn now(&self, conn: &mut PgConnection) -> Result<DateTime<Utc>, sqlx::Error> {
        let query = match self {
            Self::Database => "SELECT now()",
            Self::Virtual => "SELECT instant FROM virtual_clock",
        };
        sqlx::query_scalar(query).fetch_one(conn).await
    }

    /// Moves a virtual clock; it never goes back.
    pub(crate) async fn set(self, conn: &mut PgConnection, instant: DateTime<Utc>) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO virtual_clock (instant) VALUES ($1)
             ON CONFLICT (singleton) DO UPDATE SET instant = greatest(virtual_clock.instant, excluded.instant)",
        )
        .bind(instant)
        .execute(conn)
        .await?;
        Ok(())
    }
}
