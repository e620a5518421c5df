//! How handling fails: for now, or for ever.

use contracts::wire::Malformed;
use primitives::MoneyError;

/// Why a batch was not applied.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// It may work later: the same batch is tried again, without limit of count (D15).
    #[error("to be retried: {0}")]
    Retry(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It never will: the event that causes it is set aside as a dead letter.
    #[error("rejected: {0}")]
    Reject(String),
}

impl HandlerError {
    pub fn reject(reason: impl Into<String>) -> Self {
        Self::Reject(reason.into())
    }

    pub fn retry(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Retry(error.into())
    }
}

impl From<sqlx::Error> for HandlerError {
    /// Data exceptions (class 22) and violated constraints (class 23) will not heal; everything else may.
    fn from(error: sqlx::Error) -> Self {
        let database = error.as_database_error();
        let code = database.and_then(sqlx::error::DatabaseError::code);
        match code.as_deref() {
            // A check without a name is a partition that is not there yet: housekeeping makes it.
            Some("23514") if database.is_some_and(|error| error.constraint().is_none()) => Self::Retry(Box::new(error)),
            Some(code) if code.starts_with("22") || code.starts_with("23") => Self::Reject(error.to_string()),
            _ => Self::Retry(Box::new(error)),
        }
    }
}

impl From<Malformed> for HandlerError {
    fn from(malformed: Malformed) -> Self {
        Self::Reject(malformed.to_string())
    }
}

impl From<MoneyError> for HandlerError {
    fn from(error: MoneyError) -> Self {
        Self::Reject(error.to_string())
    }
}
