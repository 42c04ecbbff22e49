//! One row of the table of functions: what is known of a function before it is called.

use super::super::evaluate::Evaluator;
use super::call::{Arguments, Outcome};

/// What a function does with null among its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nulls {
    /// An error before the function is asked.
    Refused,
    /// The function decides.
    Taken,
}

/// What a call costs beside its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    /// Nothing that grows with the arguments' insides.
    Shallow,
    /// It walks all of its arguments.
    Deep,
}

/// What sensitive arguments mean for the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marks {
    /// Anything sensitive in an argument makes the result sensitive.
    Spread,
    /// Elements carry their own marks into the result; only a mark on a whole argument spreads.
    Carried,
}

/// What runs.
#[derive(Clone, Copy)]
pub(super) enum Run {
    /// A function of its arguments.
    Pure(fn(&Arguments<'_>) -> Outcome),
    /// One that reads files.
    Reading(fn(&mut Evaluator<'_>, &Arguments<'_>) -> Outcome),
}

/// One row.
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) usage: &'static str,
    pub(super) least: usize,
    /// `None`: any number.
    pub(super) most: Option<usize>,
    pub(super) nulls: Nulls,
    pub(super) cost: Cost,
    pub(super) marks: Marks,
    pub(super) run: Run,
}

pub(super) const fn row(
    name: &'static str,
    usage: &'static str,
    least: usize,
    most: Option<usize>,
    run: fn(&Arguments<'_>) -> Outcome,
) -> Function {
    Function {
        name,
        usage,
        least,
        most,
        nulls: Nulls::Refused,
        cost: Cost::Deep,
        marks: Marks::Spread,
        run: Run::Pure(run),
    }
}

pub(super) const fn reading(
    name: &'static str,
    usage: &'static str,
    count: usize,
    run: fn(&mut Evaluator<'_>, &Arguments<'_>) -> Outcome,
) -> Function {
    Function {
        name,
        usage,
        least: count,
        most: Some(count),
        nulls: Nulls::Refused,
        cost: Cost::Shallow,
        marks: Marks::Spread,
        run: Run::Reading(run),
    }
}

impl Function {
    /// Takes null.
    pub(super) const fn nulls(self) -> Function {
        Function {
            nulls: Nulls::Taken,
            ..self
        }
    }

    /// Looks at the outermost level of its arguments only; their elements keep their marks.
    pub(super) const fn shallow(self) -> Function {
        Function {
            cost: Cost::Shallow,
            marks: Marks::Carried,
            ..self
        }
    }

    /// Walks its arguments, but their elements keep their marks.
    pub(super) const fn carried(self) -> Function {
        Function {
            marks: Marks::Carried,
            ..self
        }
    }
}
