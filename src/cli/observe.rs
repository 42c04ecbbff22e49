//! `replform observe`: what is on the hosts, printed or saved.

use std::path::PathBuf;

use clap::Args;

use super::commands::Command;
use super::planning::{load_topology, network, observe_all, runtime};
use super::{Context, Exit, Failure, VariableArguments};
use crate::diagnostics::{Diagnostic, codes};
use crate::observe::{MachineObservation, Observation, saved};
use crate::render::status::observation_text;

/// Look at every host, and print or save what is there
///
/// Changes nothing. What is saved holds no secrets; plan -observed FILE plans from it without asking any host.
#[derive(Args, Debug)]
pub struct Observe {
    /// Save what was seen
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print all of it as JSON
    #[arg(long)]
    pub json: bool,
    /// Values of variables.
    #[command(flatten)]
    pub variables: VariableArguments,
    /// Ask for nothing, as without a terminal (-input=false)
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set, hide_possible_values = true)]
    pub input: bool,
}

impl Command for Observe {
    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let topology = load_topology(context, &self.variables)?;
        let observation = runtime()?.block_on(observe_all(&network(self.input), &topology));
        if let Some(file) = &self.out {
            saved::save(&observation, file).map_err(|error| {
                let mut text = error.to_string();
                if let Some(source) = std::error::Error::source(&error) {
                    text.push_str(&format!(": {source}"));
                }
                Failure::plain(Diagnostic::without_place(codes::FILE_ACCESS, text))
            })?;
        }
        let text = if self.json {
            let json = serde_json::to_string_pretty(&observation).map_err(std::io::Error::from)?;
            json + "\n"
        } else {
            observation_text(&topology, &observation)
        };
        context.streams.data(&text)?;
        Ok(completeness(&observation))
    }
}

/// 3 when a host could not be observed.
pub fn completeness(observation: &Observation) -> Exit {
    let reached = |machine: &MachineObservation| matches!(machine, MachineObservation::Reached(_));
    if observation.machines.values().all(reached) {
        Exit::Done
    } else {
        Exit::Incomplete
    }
}
