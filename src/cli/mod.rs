//! The command line: one file per command, exit codes, arguments as data.
//!
//! A new command is a file with a type that derives [`clap::Args`] and implements [`Command`], one `mod` line here
//! and one row in `commands.rs`. It gets a [`Context`], prints data through its streams, and ends with an
//! [`Exit`] or a [`Failure`], which `entry.rs` prints.

mod apply;
mod arguments;
mod commands;
mod completions;
mod console;
mod context;
mod drift;
mod entry;
mod exit;
mod explain;
mod failure;
mod fmt;
mod graph;
mod history;
mod log;
mod man;
mod observe;
mod plan;
mod planning;
mod resync;
mod show;
mod status;
mod usage;
mod validate;
mod version;

pub use arguments::VariableArguments;
pub use commands::{Command, Commands};
pub use context::Context;
pub use entry::{program, run};
pub use exit::Exit;
pub use failure::{Failure, What};
