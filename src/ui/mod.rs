//! The terminal: standard output and standard error, prompts and progress.
//!
//! Nothing else of the crate writes to them. Data goes to standard output, talk to standard error.

mod streams;

pub use streams::{Streams, variable};
