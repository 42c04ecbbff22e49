//! `replform apply`: confirm, lock, look again, run the plan, say what was promised and what happened.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::commands::Command;
use super::planning::{Planned, PlanningArguments, Wish, may_ask, network, runtime};
use super::show::read_plan;
use super::{Context, Exit, Failure};
use crate::apply::{self, LockError, Outcome, Secrets, WantedLocks};
use crate::diagnostics::{Diagnostic, codes};
use crate::observe::{Observation, target};
use crate::plan::host_files::apply_lock;
use crate::plan::{Options, Plan, Severity, short};
use crate::remote::Network;
use crate::render::applied::applied_text;
use crate::render::plan_text::{Words, plan_text};
use crate::render::unified;
use crate::secret::Secret;
use crate::topology::{Hazard, Topology, WishedVariable, parse_duration};
use crate::ui::{EventLog, Reporter, confirm, plan_events};

/// Do what the plan says
///
/// Plans, asks, locks the hosts, looks again, and runs the steps. Can be cut off anywhere and run again.
#[derive(Args, Debug)]
pub struct Apply {
    /// What is planned.
    #[command(flatten)]
    pub planning: PlanningArguments,
    /// How it runs.
    #[command(flatten)]
    pub running: RunArguments,
    /// A plan that plan -out saved: exactly this is done
    #[arg(value_name = "PLANFILE")]
    pub file: Option<PathBuf>,
}

/// Options of every command that applies.
#[derive(Args, Debug)]
pub struct RunArguments {
    /// Don't ask
    #[arg(long)]
    pub auto_approve: bool,
    /// Run only if the plan's hash is this one: all its digits, or at least the first 12
    #[arg(long, value_name = "HASH", value_parser = plan_hash)]
    pub expect_plan: Option<String>,
    /// How long to wait for another apply that holds a host
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = |text: &str| parse_duration(text).map_err(|error| error.to_string()))]
    pub lock_timeout: Duration,
    /// Steps at once
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub parallelism: usize,
    /// Print events as JSON, one object a line
    #[arg(long)]
    pub json: bool,
    /// Write the events into a file, beside the text
    #[arg(long, value_name = "FILE")]
    pub json_into: Option<PathBuf>,
}

/// A plan's hash, or as much of its beginning as no other plan shares.
fn plan_hash(text: &str) -> Result<String, String> {
    let hash = text.to_ascii_lowercase();
    if hash.bytes().all(|byte| byte.is_ascii_hexdigit()) && (12..=64).contains(&hash.len()) {
        Ok(hash)
    } else {
        Err("a plan's hash is 64 hexadecimal digits; the first 12 are enough".to_owned())
    }
}

/// What a reviewer has seen: the hash, and the plan itself where it was saved.
struct Approved {
    hash: String,
    plan: Option<Plan>,
}

impl Command for Apply {
    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let (wish, approved) = self.wish(context)?;
        let into = self.running.json_into.as_deref();
        let log = EventLog::open(context.streams, self.running.json, into).map_err(|error| {
            let path = self.running.json_into.clone().unwrap_or_default();
            Failure::file("writing", &path, &error)
        })?;
        runtime()?.block_on(self.apply(context, wish, approved, &log))
    }
}

impl Apply {
    /// The wish, with a saved plan's options where one is given, and what was approved already.
    fn wish(&self, context: &Context) -> Result<(Wish, Option<Approved>), Failure> {
        let mut wish = self.planning.wish(context)?;
        let mut approved = self
            .running
            .expect_plan
            .clone()
            .map(|hash| Approved { hash, plan: None });
        if let Some(path) = &self.file {
            let saved = read_plan(path)?;
            if wish.options != Options::default() && wish.options != saved.options {
                return Err(Failure::plain(Diagnostic::without_place(
                    codes::PLAN_FILE,
                    "a saved plan carries its own -target, -exclude and -allow; leave them out"
                        .to_owned(),
                )));
            }
            super::planning::known(&saved.options, &wish.topology)?;
            wish.options = saved.options;
            if let Some(approved) = approved {
                still_fits(&approved, &saved.plan)?;
            }
            approved = Some(Approved {
                hash: saved.plan.hash.clone(),
                plan: Some(saved.plan),
            });
        }
        Ok((wish, approved))
    }

    async fn apply(
        &self,
        context: &Context,
        wish: Wish,
        approved: Option<Approved>,
        log: &EventLog,
    ) -> Result<Exit, Failure> {
        let streams = context.streams;
        let network = network(self.planning.input);
        let planned = wish.observe_and_plan(&network).await?;
        if let Some(approved) = &approved {
            still_fits(approved, &planned.plan)?;
        }
        let text = plan_text(
            &planned.plan,
            Words {
                age: Some(planned.age),
                apply: None,
            },
        );
        if log.wanted() {
            let at = jiff::Timestamp::now().to_string();
            plan_events(&planned.plan, &at)
                .iter()
                .for_each(|event| log.write(event));
        }
        if !self.running.json {
            streams.data(&text)?;
        }
        if planned.plan.is_blocked() {
            return Err(Failure::plain(Diagnostic::without_place(
                codes::PLAN_BLOCKED,
                "nothing was changed; the plan says what to write".to_owned(),
            ))
            .exit(Exit::Blocked));
        }
        if planned.plan.is_empty() {
            return Ok(if planned.incomplete() {
                Exit::Incomplete
            } else {
                Exit::Done
            });
        }
        self.confirm(context, &planned.plan, approved.is_some())?;
        self.locked(context, &network, &wish, planned, log.clone())
            .await
    }

    /// Asks, where it has to; what sets data aside or loses writes needs more than -auto-approve.
    fn confirm(&self, context: &Context, plan: &Plan, approved: bool) -> Result<(), Failure> {
        let grave = plan.findings.iter().any(|finding| {
            matches!(
                finding.severity,
                Severity::Hazard {
                    hazard: Hazard::ReplaceData | Hazard::LoseWrites,
                    ..
                }
            )
        });
        if approved || (self.running.auto_approve && !grave) {
            return Ok(());
        }
        if may_ask(self.planning.input) {
            return if confirm(context.streams, "Apply this plan?")? {
                Ok(())
            } else {
                Err(Failure::plain(Diagnostic::without_place(
                    codes::NO_CONFIRMATION,
                    "nothing was changed".to_owned(),
                )))
            };
        }
        let hash = short(&plan.hash);
        let (code, text) = if self.running.auto_approve {
            (
                codes::NEEDS_A_PERSON,
                format!(
                    "-auto-approve isn't enough for it; when it was reviewed: replform apply -expect-plan={hash}"
                ),
            )
        } else {
            (
                codes::NO_CONFIRMATION,
                format!(
                    "there is no terminal to ask at; give -auto-approve, a saved plan, or -expect-plan={hash}"
                ),
            )
        };
        let exit = if self.running.auto_approve {
            Exit::Blocked
        } else {
            Exit::Error
        };
        Err(Failure::plain(Diagnostic::without_place(code, text)).exit(exit))
    }

    /// Runs a confirmed plan and says how it went.
    async fn locked(
        &self,
        context: &Context,
        network: &Arc<Network>,
        wish: &Wish,
        planned: Planned,
        log: EventLog,
    ) -> Result<Exit, Failure> {
        if !self.running.json {
            context.streams.talk("\n");
        }
        let (reporter, events) = Reporter::start(context.streams, &planned.plan, log);
        let apply_context = apply::Context {
            network: Arc::clone(network),
            targets: planned
                .topology(wish)
                .machines
                .iter()
                .map(|(id, machine)| (id.clone(), target(machine)))
                .collect(),
            who: who(),
            plan: planned.plan.hash.clone(),
            parallelism: self.running.parallelism.max(1),
            lock_timeout: self.running.lock_timeout,
            events,
            cancel: apply::cancel_on_interrupt(),
            secrets: Arc::new(Secrets::with_sensitive(sensitive(&wish.topology))),
        };
        let result = self
            .under_locks(network, wish, planned, &apply_context)
            .await;
        drop(apply_context);
        reporter.end().await;
        let (ran, outcome, after) = result?;
        self.report(context, &ran, &outcome, after.as_ref())
    }

    /// Locks, looks again, runs, looks once more. What ran, how it ended, what was seen afterwards.
    async fn under_locks(
        &self,
        network: &Arc<Network>,
        wish: &Wish,
        planned: Planned,
        apply_context: &apply::Context,
    ) -> Result<(Planned, Outcome, Option<Planned>), Failure> {
        let wanted = locks(&planned.plan, planned.topology(wish), &planned.observation);
        let locks = Arc::new(
            apply::lock_all(&wanted, apply_context)
                .await
                .map_err(|error| lock_failure(&error))?,
        );
        let again = wish.observe_and_plan(network).await?;
        let seen = Approved {
            hash: planned.plan.hash.clone(),
            plan: Some(planned.plan),
        };
        still_fits(&seen, &again.plan)?;
        let outcome = apply::execute(&again.plan, apply_context, &locks).await;
        // Only a plan that was carried out whole is held against what is there now.
        let after = if outcome.complete() {
            Some(wish.without_replaces().observe_and_plan(network).await?)
        } else {
            None
        };
        drop(locks);
        Ok((again, outcome, after))
    }

    fn report(
        &self,
        context: &Context,
        planned: &Planned,
        outcome: &Outcome,
        after: Option<&Planned>,
    ) -> Result<Exit, Failure> {
        let streams = context.streams;
        let next = match &self.file {
            Some(_) => "replform plan -out FILE, review it, replform apply FILE",
            None => "replform apply",
        };
        if !self.running.json {
            let text = applied_text(&planned.plan, outcome, next);
            if outcome.complete() {
                streams.data(&text)?
            } else {
                streams.talk(&text)
            };
        }
        if !outcome.complete() {
            return Ok(match outcome.exit_code() {
                6 => Exit::Stale,
                7 => Exit::Partial,
                _ => Exit::Error,
            });
        }
        match after {
            Some(after) if !after.plan.is_empty() && !self.running.json => {
                streams.talk(
                    "What was applied isn't all that is to do: replform plan shows what is left.\n",
                );
            }
            Some(_) | None => {}
        }
        Ok(if planned.incomplete() {
            Exit::Partial
        } else {
            Exit::Done
        })
    }
}

/// Which machines are locked: all that can be reached of each replication that the plan touches, its apps' hosts among them.
fn locks(plan: &Plan, topology: &Topology, observation: &Observation) -> WantedLocks {
    let mut wanted = WantedLocks::new();
    for replication in topology.all_replications() {
        if !plan
            .steps
            .iter()
            .any(|step| step.replication == replication.name)
        {
            continue;
        }
        let former = topology.former_replicas(&replication.name).iter();
        let members = replication
            .members()
            .map(|(_, member)| member)
            .chain(former.map(|replica| &replica.member))
            .map(|member| member.machine.clone());
        let apps = replication
            .env
            .iter()
            .flat_map(|env| &env.targets)
            .filter_map(|id| topology.app(id));
        let hosts = apps.flat_map(|app| app.machines.iter().cloned());
        let steps = plan.steps.iter();
        let changed = steps
            .filter(|step| step.replication == replication.name)
            .flat_map(|step| step.actions.iter().map(|action| action.machine.clone()));
        for machine in members
            .chain(hosts)
            .chain(changed)
            .filter(|machine| observation.facts(machine).is_some())
        {
            let locks = wanted.entry(machine).or_default();
            let lock = apply_lock(&topology.name, &replication.name);
            if !locks.contains(&lock) {
                locks.push(lock);
                locks.sort();
            }
        }
    }
    wanted
}

/// The values that the configuration calls sensitive and apps' files get.
fn sensitive(topology: &Topology) -> Vec<Secret> {
    topology
        .replications
        .iter()
        .filter_map(|replication| replication.env.as_ref())
        .flat_map(|env| env.variables.values())
        .flat_map(std::collections::BTreeMap::values)
        .filter_map(|value| match value {
            WishedVariable::Sensitive(secret) => Some(secret.clone()),
            WishedVariable::Plain(_) => None,
        })
        .collect()
}

/// The plan is the one that was approved; else what changed is shown.
fn still_fits(approved: &Approved, now: &Plan) -> Result<(), Failure> {
    if now.hash.starts_with(&approved.hash) {
        return Ok(());
    }
    let text = |plan: &Plan| plan_text(plan, Words::default());
    let difference = match &approved.plan {
        Some(then) => unified("approved", &text(then), "now", &text(now)),
        // Of what was approved only the hash is known: the reviewer holds the rest.
        None => format!("What would be done now:\n\n{}", text(now)),
    };
    Err(Failure::plain(Diagnostic::without_place(
        codes::PLAN_CHANGED,
        format!(
            "approved was {}, now it is {}; nothing was changed\n{difference}",
            short(&approved.hash),
            short(&now.hash)
        ),
    ))
    .exit(Exit::Stale))
}

fn lock_failure(error: &LockError) -> Failure {
    Failure::plain(Diagnostic::without_place(codes::LOCKED, error.to_string())).exit(match error {
        LockError::Held { .. } => Exit::Locked,
        LockError::Machine { .. } => Exit::Error,
        LockError::Interrupted => Exit::Partial,
    })
}

/// `user@host pid 123 since 2026-11-24T08:00:00Z`: what a lock's file, the journal and other applies say of this one.
fn who() -> String {
    let user = std::env::var("USER")
        .or_else(|_| std::env::var("LOGNAME"))
        .unwrap_or_else(|_| "somebody".to_owned());
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let since = jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string();
    let clean = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
    format!(
        "{}@{} pid {} since {since}",
        clean(&user),
        clean(&host),
        std::process::id()
    )
}
