//! Values that every part of Puntual shares: money, ids, civil time. Synchronous, without I/O.

pub mod calendar;
pub mod civil;
pub mod ids;
pub mod money;

pub use calendar::BusinessCalendar;
pub use civil::Deadline;
pub use money::{Currency, Money, MoneyError};
