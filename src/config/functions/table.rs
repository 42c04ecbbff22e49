//! The table of all functions: name, how many arguments, whether null is taken, how it is used.

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
    /// The result is sensitive.
    Spread,
    /// The parts that go into the result carry their own marks.
    Carried,
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
    pub(super) run: fn(&mut Evaluator<'_>, &Arguments<'_>) -> Outcome,
}

/// The rows, sorted by name.
static FUNCTIONS: &[Function] = &[];

/// The row of a name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS
        .binary_search_by_key(&name, |function| function.name)
        .ok()
        .map(|index| &FUNCTIONS[index])
}

/// All names, sorted, `try` included.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = FUNCTIONS
        .iter()
        .map(|function| function.name)
        .chain(["try", "can"])
        .collect();
    names.sort_unstable();
    names
}
