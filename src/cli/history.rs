//! `replform history`: what was applied when, by whom, read from the hosts' journals.

use clap::Args;

use super::commands::Command;
use super::planning::{load_topology, network, runtime};
use super::{Context, Exit, Failure, VariableArguments};
use crate::observe::history::ask;
use crate::render::history::history_text;

/// Show what was applied, when and by whom
///
/// Every step of apply writes into the journal of the host that it changes (tag replform); this reads them together. Times
/// are UTC, by the hosts' clocks. What a host's journal has forgotten isn't shown.
#[derive(Args, Debug)]
pub struct History {
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
    /// At most so many of each host's newest lines
    #[arg(short = 'n', long, value_name = "LINES", default_value_t = 200)]
    pub newest: u32,
    /// Values of variables.
    #[command(flatten)]
    pub variables: VariableArguments,
    /// Ask for nothing, as without a terminal (-input=false)
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set, hide_possible_values = true)]
    pub input: bool,
}

impl Command for History {
    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let topology = load_topology(context, &self.variables)?;
        let history = runtime()?.block_on(ask(&network(self.input), &topology, self.newest));
        let text = if self.json {
            serde_json::to_string_pretty(&history).map_err(std::io::Error::from)? + "\n"
        } else {
            history_text(&history)
        };
        context.streams.data(&text)?;
        Ok(if history.unreachable.is_empty() {
            Exit::Done
        } else {
            Exit::Incomplete
        })
    }
}
