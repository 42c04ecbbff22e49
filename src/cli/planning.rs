//! What plan, apply, show and graph share: load the configuration, observe the hosts (or read what was observed), plan.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::{Context, Exit, Failure, VariableArguments};
use crate::diagnostics::{Diagnostic, codes, nearest, render_all};
use crate::observe::{MachineObservation, Observation, observe, observe_machines, requests, saved};
use crate::plan::{Options, Plan, Severity, addresses, former, plan};
use crate::remote::{ClientContext, Limits, Network};
use crate::topology::{Hazard, Topology, parse_duration};
use crate::ui::{Streams, variable};

/// Options of every command that plans.
#[derive(Args, Clone, Debug, Default)]
pub struct PlanningArguments {
    /// Values of variables.
    #[command(flatten)]
    pub variables: VariableArguments,
    /// Plan only this address (replication.NAME or replication.NAME.replica.NAME); may be given several times
    #[arg(long = "target", value_name = "ADDRESS")]
    pub targets: Vec<String>,
    /// Plan all but this address; may be given several times
    #[arg(long = "exclude", value_name = "ADDRESS")]
    pub excludes: Vec<String>,
    /// Make a full copy of this replica (replication.NAME.replica.NAME), however well it follows; may be given several times
    #[arg(long = "replace", value_name = "ADDRESS")]
    pub replaces: Vec<String>,
    /// Accept a hazard for this run: restart, replace_data, lose_writes or expose
    #[arg(long = "allow", value_name = "HAZARD", value_parser = hazard)]
    pub allow: Vec<Hazard>,
    /// Ask for nothing, as without a terminal (-input=false)
    #[arg(long, num_args = 0..=1, require_equals = true, default_value_t = true, default_missing_value = "true", action = clap::ArgAction::Set, hide_possible_values = true)]
    pub input: bool,
}

/// Options of commands that may plan from a saved observation.
#[derive(Args, Clone, Debug, Default)]
pub struct ObservedArguments {
    /// Plan from what `observe -o FILE` saved, without asking any host; several files merge
    #[arg(long, value_name = "FILE")]
    pub observed: Vec<PathBuf>,
    /// Refuse an observation that is older than this (24h, 30m)
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub max_age: Option<Duration>,
}

fn hazard(word: &str) -> Result<Hazard, String> {
    Hazard::from_word(word).ok_or_else(|| {
        let words = Hazard::ALL.map(Hazard::word);
        format!("hazards are {}", words.join(", "))
    })
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| error.to_string())
}

/// A configuration with its options, ready to be planned.
pub struct Wish {
    /// What is wanted.
    pub topology: Topology,
    /// With which options.
    pub options: Options,
}

/// A plan and what it was made from.
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The observation.
    pub observation: Observation,
    /// How old the observation is.
    pub age: Duration,
    /// The configuration with what markers name besides, where they name something.
    extended: Option<Topology>,
}

impl PlanningArguments {
    /// Reads the configuration; warnings are said, errors end the command.
    pub fn wish(&self, context: &Context) -> Result<Wish, Failure> {
        let topology = load_topology(context, &self.variables)?;
        let options = Options {
            allow: self.allow.iter().copied().collect(),
            targets: self.targets.clone(),
            excludes: self.excludes.clone(),
            replaces: self.replaces.clone(),
        };
        known(&options, &topology)?;
        Ok(Wish { topology, options })
    }
}

/// Reads the configuration of the directory; warnings are said, errors end the command.
pub fn load_topology(
    context: &Context,
    variables: &VariableArguments,
) -> Result<Topology, Failure> {
    let loaded = context.load(variables)?;
    let streams = context.streams;
    streams.talk(&render_all(
        &loaded.warnings,
        &*loaded.sources,
        streams.talk_colour,
    ));
    Ok(loaded.topology)
}

/// A target that names nothing is an error.
pub fn known(options: &Options, topology: &Topology) -> Result<(), Failure> {
    let unknown = options.unknown(topology);
    if unknown.is_empty() {
        return Ok(());
    }
    let all = addresses(topology);
    let diagnostics = unknown
        .iter()
        .map(|address| {
            let mut diagnostic = Diagnostic::without_place(
                codes::NO_SUCH_TARGET,
                format!(
                    "\"{address}\" names nothing; the configuration has {}",
                    list(all.iter())
                ),
            );
            diagnostic.help = nearest(address, all.iter().map(String::as_str))
                .map(|near| format!("did you mean {near}?"));
            diagnostic
        })
        .collect();
    Err(Failure::without_texts(diagnostics))
}

fn list<'a>(all: impl ExactSizeIterator<Item = &'a String>) -> String {
    let (count, shown) = (all.len(), 12);
    let mut text = all.take(shown).cloned().collect::<Vec<_>>().join(", ");
    if count == 0 {
        text = "no replication".to_owned();
    } else if count > shown {
        text.push_str(&format!(" and {} more", count - shown));
    }
    text
}

/// Observes every machine of a topology; then, where markers name what the configuration no longer does, those instances and
/// machines too.
pub async fn observe_all(network: &Arc<Network>, topology: &Topology) -> Observation {
    let mut observation = observe(network, topology).await;
    let more = match former::extended(topology, &observation) {
        Cow::Owned(extended) => {
            let asked = requests(topology);
            let mut more = requests(&extended);
            more.retain(|id, request| asked.get(id) != Some(request));
            observe_machines(network, &extended, more).await
        }
        Cow::Borrowed(_) => return observation,
    };
    observation.machines.extend(more.machines);
    observation
}

/// The network as this client's environment gives it; `input`: whether passphrases may be asked for.
pub fn network(input: bool) -> Arc<Network> {
    let client = ClientContext::from_environment(may_ask(input));
    Arc::new(Network::new(Limits::default(), client))
}

/// Whether questions may be asked: not against `-input=false`, not against REPLFORM_INPUT, never without a terminal.
pub fn may_ask(input: bool) -> bool {
    let refused =
        variable("REPLFORM_INPUT").is_some_and(|value| matches!(value.as_str(), "0" | "false"));
    input && !refused && Streams::can_ask()
}

/// A runtime for everything that waits on hosts.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::plain(Diagnostic::without_place(
                codes::CLIENT,
                format!("this machine can't run replform's scheduler: {error}"),
            ))
        })
}

impl Wish {
    /// The same once what was to be copied anew is copied.
    pub fn without_replaces(&self) -> Self {
        Self {
            topology: self.topology.clone(),
            options: Options {
                replaces: Vec::new(),
                ..self.options.clone()
            },
        }
    }

    /// Asks every host, and plans.
    pub async fn observe_and_plan(&self, network: &Arc<Network>) -> Result<Planned, Failure> {
        let observation = observe_all(network, &self.topology).await;
        self.plan(observation, Duration::ZERO)
    }

    /// Plans from saved observations.
    pub fn plan_saved(&self, arguments: &ObservedArguments) -> Result<Planned, Failure> {
        let unusable =
            |text: String| Failure::plain(Diagnostic::without_place(codes::OBSERVATION, text));
        let observation =
            saved::load(&arguments.observed).map_err(|error| unusable(error.to_string()))?;
        if observation.topology != self.topology.name {
            return Err(unusable(format!(
                "it is of topology \"{}\", the configuration's is \"{}\"",
                observation.topology, self.topology.name
            )));
        }
        let age = saved::age_seconds(&observation, jiff::Timestamp::now())
            .map(Duration::from_secs)
            .unwrap_or_default();
        if let Some(limit) = arguments.max_age
            && age > limit
        {
            return Err(Failure::plain(Diagnostic::without_place(
                codes::OBSERVATION_TOO_OLD,
                format!(
                    "it was made {} ago, -max-age allows {}",
                    crate::topology::format_duration(age),
                    crate::topology::format_duration(limit)
                ),
            )));
        }
        self.plan(observation, age)
    }

    fn plan(&self, observation: Observation, age: Duration) -> Result<Planned, Failure> {
        let extended = match former::extended(&self.topology, &observation) {
            Cow::Owned(extended) => Some(extended),
            Cow::Borrowed(_) => None,
        };
        let topology = extended.as_ref().unwrap_or(&self.topology);
        let plan = plan(topology, &observation, &self.options).map_err(|error| {
            Failure::plain(Diagnostic::without_place(
                codes::PLANNER,
                format!("{error}; this is a fault of replform, please report it"),
            ))
        })?;
        Ok(Planned {
            plan,
            observation,
            age,
            extended,
        })
    }
}

impl Planned {
    /// What was planned: `wish`'s topology, with what markers name besides.
    pub fn topology<'a>(&'a self, wish: &'a Wish) -> &'a Topology {
        self.extended.as_ref().unwrap_or(&wish.topology)
    }

    /// Whether something could not be looked at.
    pub fn incomplete(&self) -> bool {
        self.plan
            .findings
            .iter()
            .any(|finding| finding.severity == Severity::Unknown)
            || self
                .observation
                .machines
                .values()
                .any(|machine| matches!(machine, MachineObservation::Unreachable { .. }))
    }

    /// The exit code of a command that only looks.
    pub fn exit(&self, detailed: bool) -> Exit {
        let incomplete = if self.incomplete() {
            Exit::Incomplete
        } else {
            Exit::Done
        };
        if !detailed {
            return incomplete;
        }
        let blocked = if self.plan.is_blocked() {
            Exit::Blocked
        } else {
            Exit::Done
        };
        let changes = if self.plan.is_empty() {
            Exit::Done
        } else {
            Exit::Changes
        };
        incomplete.or(blocked).or(changes)
    }
}
