//! Why an attempt to accept facts did not end in a commit.

use runtime::Problem;

pub(crate) enum Trouble {
    /// What was read before the locks is not so any more.
    Again,
    Sql(sqlx::Error),
    Answer(Problem),
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Answer(problem)
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl Trouble {
    /// A serialisation failure, a deadlock, or a row that another transaction inserted first: the next attempt sees it.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Again => true,
            Self::Sql(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| matches!(&*code, "40001" | "40P01" | "23505"))
            }
            Self::Sql(_) | Self::Answer(_) => false,
        }
    }

    pub(super) fn into_problem(self) -> Problem {
        match self {
            Self::Again => Problem::unavailable(),
            Self::Sql(error) => error.into(),
            Self::Answer(problem) => problem,
        }
    }
}
