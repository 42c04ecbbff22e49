//! Turns plans and reports into text, JSON and graphs. Pure: no I/O, no clock, no terminal.

mod diff;

pub use diff::unified;
