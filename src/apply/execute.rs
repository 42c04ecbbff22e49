//! Runs a plan's steps on their hosts: each action under its instance's lock, tried again where a link was lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::answer::Answer;
use super::compose;
use super::context::Context;
use super::errand::{Errand, LOCK_TRY_SECONDS};
use super::events::Event;
use super::jobs::Jobs;
use super::locks::Locks;
use super::outcome::{Failure, Outcome, Phase, StepState};
use super::scheduler::{Cancel, Executor, Measured, schedule};
use crate::plan::host_files::lock_file;
use crate::plan::{Action, Call, Plan, Step, Work};

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
        let errand = Errand {
            context: &self.context,
            step: &step.id,
            machine: &action.machine,
        };
        self.locks
            .held(&action.machine)
            .await
            .map_err(|why| errand.failure(Phase::Lock, why))?;
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
            Work::Script(call) => self.script(errand, call, &variables).await,
            Work::Job(job) => {
                Jobs {
                    errand,
                    job,
                    variables: &variables,
                }
                .run()
                .await
            }
        }
    }

    /// A script over SSH, under its instance's lock.
    async fn script(
        &self,
        errand: Errand<'_>,
        call: &Call,
        variables: &[(&str, &str)],
    ) -> Result<Answer, Failure> {
        let ending = format!(
            "replform_lock \"$replform_lock_file\" \"$replform_who\" {LOCK_TRY_SECONDS}\nreplform_step_phases check run verify"
        );
        let text = compose(call, variables, &ending, &self.context.secrets)
            .map_err(|error| errand.failure(Phase::Reach, error.to_string()))?;
        let limit = Duration::from_secs(call.timeout_seconds + LOCK_TRY_SECONDS);
        errand.under_lock(&text, limit).await
    }
}
