//! What a promise is, what is known about it, and how it is judged. Pure: the same facts at the same moment always give
//! the same state, in whatever order they came.

pub(crate) mod alert;
pub(crate) mod coverage;
pub(crate) mod facts;
pub(crate) mod judgement;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod promise;
