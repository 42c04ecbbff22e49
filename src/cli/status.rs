//! `replform status`: every member, how it stands and how far behind it is.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;

use super::commands::Command;
use super::observe::completeness;
use super::planning::{load_topology, network, runtime};
use super::{Context, Exit, Failure, VariableArguments};
use crate::diagnostics::{Diagnostic, codes};
use crate::observe::observe;
use crate::observe::status::Status as Report;
use crate::remote::Network;
use crate::render::status::status_text;
use crate::topology::Topology;

/// How often `-watch` looks.
const INTERVAL: Duration = Duration::from_secs(2);

/// Show every member: role, upstream, state, lag, running jobs
///
/// Changes nothing. Lag is what the upstream has written and the replica has not replayed.
#[derive(Args, Debug)]
pub struct Status {
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
    /// Look again every 2 s, until Ctrl-C
    #[arg(long, conflicts_with = "json")]
    pub watch: bool,
    /// Values of variables.
    #[command(flatten)]
    pub variables: VariableArguments,
    /// Ask for nothing, as without a terminal (-input=false)
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set, hide_possible_values = true)]
    pub input: bool,
}

impl Command for Status {
    fn run(self, context: &Context) -> Result<Exit, Failure> {
        if self.watch && !std::io::stdout().is_terminal() {
            return Err(Failure::plain(Diagnostic::without_place(
                codes::NO_TERMINAL,
                "-watch paints the screen again and again; without it status prints once"
                    .to_owned(),
            )));
        }
        let topology = load_topology(context, &self.variables)?;
        let network = network(self.input);
        let runtime = runtime()?;
        if self.watch {
            return runtime.block_on(watch(context, &network, &topology));
        }
        let begin = Instant::now();
        let observation = runtime.block_on(observe(&network, &topology));
        let report = Report::new(&topology, &observation);
        let text = if self.json {
            serde_json::to_string_pretty(&report).map_err(std::io::Error::from)? + "\n"
        } else {
            status_text(&report, begin.elapsed())
        };
        context.streams.data(&text)?;
        Ok(completeness(&observation))
    }
}

/// Paints the table again every [`INTERVAL`], until Ctrl-C.
async fn watch(
    context: &Context,
    network: &Arc<Network>,
    topology: &Topology,
) -> Result<Exit, Failure> {
    loop {
        let begin = Instant::now();
        let observation = tokio::select! {
            observation = observe(network, topology) => observation,
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Done),
        };
        let report = Report::new(topology, &observation);
        let text = status_text(&report, begin.elapsed());
        // Home, then clear what is below: the screen doesn't flicker.
        context.streams.data(&format!("\u{1b}[H\u{1b}[J{text}"))?;
        tokio::select! {
            () = tokio::time::sleep_until((begin + INTERVAL).into()) => {}
            _ = tokio::signal::ctrl_c() => return Ok(completeness(&observation)),
        }
    }
}
