//! What is decided, and why: pure functions of facts, a strategy and a moment.
//!
//! The machine of one invoice (specified here, checked by the properties in [`decide`]):
//!
//! | event | what it does to the plan |
//! |---|---|
//! | the invoice appears | its steps are the strategy's offsets from the effective due date; a step before the day of issue never was |
//! | the due date moves | undecided steps move along; a step that was decided is never decided again |
//! | the segment changes | the new strategy goes on after the highest offset decided so far |
//! | several steps are past | the highest is due, the others are `superseded` |
//! | the invoice is settled | its next step says `suppressed: paid` on its day, and the plan ends |
//! | the settlement is undone | the plan goes on after the highest offset decided so far |
//! | a promise, a dispute, a hold | the step of that day is `suppressed`; later steps see later facts |

pub(crate) mod amounts;
pub(crate) mod coverage;
pub(crate) mod decide;
pub(crate) mod hold;
pub(crate) mod message;
pub(crate) mod plan;
pub(crate) mod reach;
pub(crate) mod recipient;
pub(crate) mod strategy;
pub(crate) mod words;
