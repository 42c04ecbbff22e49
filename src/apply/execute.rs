//! Runs a plan's steps on their hosts: each action under its instance's lock, tried again where a link was lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::answer::Answer;
use super::compose;
use super::context::Context;
use super::events::Event;
use super::jobs::Jobs;
use super::locks::Locks;
use super::outcome::{Failure, Outcome, Phase, StepState};
use super::scheduler::{Cancel, Executor, Measured, schedule};
use crate::plan::host_files::lock_file;
use crate::plan::{Action, Call, Plan, Step, Work};
use crate::remote::Command;

/// How long a host that can't be reached is tried for, within one step.
const REACH: Duration = Duration::from_secs(60);
/// How long a step waits for what somebody left running on its instance, before it says who.
const INSTANCE_PATIENCE: u64 = 120;

/// Runs all steps of the plan.
pub async fn execute(plan: &Plan, context: &Context, locks: &Arc<Locks>) -> Outcome {
    let began = Instant::now();
    let executor = Arc::new(Hosts {
        context: context.clone(),
        locks: Arc::clone(locks),
    });
    let states = schedule(
        &plan.steps,
        executor,
        context.parallelism,
        context.cancel.clone(),
        &context.events,
    )
    .await;
    let interrupted = *context.cancel.borrow() > Cancel::No;
    let outcome = Outcome::new(states, began.elapsed(), interrupted);
    let done = outcome.count(|state| matches!(state, StepState::Done { .. }));
    let failed = outcome.count(|state| matches!(state, StepState::Failed(_)));
    context.events.send(Event::Summary {
        done,
        failed,
        not_run: outcome.steps.len() - done - failed,
        seconds: outcome.elapsed.as_secs_f64(),
    });
    outcome
}

struct Hosts {
    context: Context,
    locks: Arc<Locks>,
}

impl Executor for Hosts {
    async fn run(&self, step: Arc<Step>) -> Result<Measured, Failure> {
        let mut measured = BTreeMap::new();
        for action in &step.actions {
            let answer = self.act(&step, action).await?;
            for text in answer.notes {
                let text = self.context.secrets.redact(&text);
                self.context.events.send(Event::Note {
                    step: step.id.clone(),
                    text,
                });
            }
            for (name, value) in answer.measured {
                *measured.entry(name).or_insert(0.0) += value;
            }
        }
        Ok(measured)
    }
}

impl Hosts {
    async fn act(&self, step: &Step, action: &Action) -> Result<Answer, Failure> {
        self.locks
            .held(&action.machine)
            .await
            .map_err(|why| failure(action, Phase::Lock, why))?;
        tracing::debug!(
            step = step.id.0,
            machine = action.machine.0,
            lock = action.lock,
            "an action begins"
        );
        let lock = lock_file(&action.lock);
        let variables = [
            ("replform_who", self.context.who.as_str()),
            ("replform_plan", crate::plan::short(&self.context.plan)),
            ("replform_step", step.id.0.as_str()),
            ("replform_lock_file", lock.as_str()),
        ];
        match &action.work {
            Work::Script(call) => self.script(action, call, &variables).await,
            Work::Job(job) => {
                Jobs {
                    context: &self.context,
                    step: &step.id,
                    action,
                    job,
                    variables: &variables,
                }
                .run()
                .await
            }
        }
    }

    /// A script over SSH. Where the link was lost it is run again: every script can be, and the instance's lock keeps
    /// it from running beside its own first try.
    async fn script(
        &self,
        action: &Action,
        call: &Call,
        variables: &[(&str, &str)],
    ) -> Result<Answer, Failure> {
        let ending = format!(
            "replform_lock \"$replform_lock_file\" \"$replform_who\" {INSTANCE_PATIENCE}\nreplform_step_phases check run verify"
        );
        let text = compose(call, variables, &ending, &self.context.secrets)
            .map_err(|error| failure(action, Phase::Reach, error.to_string()))?;
        let limit = Duration::from_secs(call.timeout_seconds + INSTANCE_PATIENCE);
        let deadline = Instant::now() + REACH;
        let mut sent = false;
        loop {
            let why = match self.context.connect(&action.machine).await {
                Err(why) => why,
                Ok(connection) => {
                    sent = true;
                    let command = Command::new("sh -s")
                        .stdin(text.as_bytes().to_vec())
                        .timeout(limit);
                    match connection.run(command).await {
                        Ok(output) => {
                            let answer = Answer::of(&output);
                            if output.status.success() {
                                return Ok(answer);
                            }
                            let stderr = self.context.secrets.redact(&output.stderr_text());
                            return Err(answer.failure(&action.machine, &output.status, &stderr));
                        }
                        Err(error) if !error.is_lost_link() => {
                            return Err(failure(action, Phase::Run, error.to_string()));
                        }
                        Err(error) => error.to_string(),
                    }
                }
            };
            if Instant::now() > deadline {
                return Err(failure(
                    action,
                    if sent { Phase::Run } else { Phase::Reach },
                    why,
                ));
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }
}

fn failure(action: &Action, phase: Phase, message: impl Into<String>) -> Failure {
    Failure {
        phase,
        machine: action.machine.clone(),
        message: message.into(),
        log: Vec::new(),
        state: String::new(),
    }
}
