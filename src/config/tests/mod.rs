//! Tests of the language as a whole: expressions to JSON, errors with their places, hostile input.

mod conformance;
mod errors;
mod expressions;
mod functions;
mod hostile;
mod random;
mod support;
