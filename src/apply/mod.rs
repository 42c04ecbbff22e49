//! Runs a plan: locks, the steps as a graph, detached jobs, events. It runs scripts and knows no engine.
//!
//! ```text
//! Plan ──scheduler──▶ step ──runner──▶ action ──compose──▶ sh on the host (check, run, verify under the instance's lock)
//!                                        └────── jobs ────▶ systemd unit on the host, watched, re-attached
//! lock_all ──▶ Locks (held by a heartbeat)          events ──▶ ui (bars, lines, JSON)
//! ```
//! What the host keeps, and under which names: [`crate::plan::host_files`].

mod answer;
mod compose;
mod context;
mod errand;
mod events;
mod execute;
mod interrupt;
mod jobs;
mod locks;
mod outcome;
mod own;
mod scheduler;
mod secrets;

pub use compose::{ComposeError, MADE_AT_APPLY, SecretText, compose, masked, preamble};
pub use context::Context;
pub use events::{Event, Events, Progress};
pub use execute::execute;
pub use interrupt::cancel_on_interrupt;
pub use locks::{LockError, Locks, WantedLocks, lock_all};
pub use outcome::{Failure, Outcome, Phase, StepState};
pub use scheduler::Cancel;
pub use secrets::Secrets;

#[cfg(test)]
mod compose_tests;
#[cfg(test)]
mod env_tests;
#[cfg(test)]
mod job_tests;
#[cfg(test)]
mod scheduler_tests;
