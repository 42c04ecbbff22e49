//! Turns plans and reports into text, JSON and graphs. Pure: no I/O, no clock, no terminal.

pub mod applied;
mod diff;
pub mod drift;
pub mod graph;
pub mod history;
pub mod layout;
pub mod markdown;
pub mod plan_text;
pub mod status;

pub use diff::{changed_lines, unified};
