//! The terminal: standard output and standard error, prompts and progress.
//!
//! Nothing else of the crate writes to them. Data goes to standard output, talk to standard error.

mod event_log;
mod plan_events;
mod prompt;
mod reporter;
mod streams;

pub use event_log::{EVENTS_FORMAT, EventLog, version_event};
pub use plan_events::plan_events;
pub use prompt::confirm;
pub use reporter::Reporter;
pub use streams::{Streams, variable};
