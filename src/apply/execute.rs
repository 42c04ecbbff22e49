//! Runs a plan's steps on their hosts: each action under its instance's lock, tried again where a link was lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
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
use crate::plan::{Action, Call, JobCall, Plan, Step, StepId, Work};
use crate::topology::MachineId;

/// Runs all steps of the plan.
pub async fn execute(plan: &Plan, context: &Context, locks: &Arc<Locks>) -> Outcome {
    let began = Instant::now();
    let executor = Arc::new(Hosts {
        context: context.clone(),
        locks: Arc::clone(locks),
        made: Mutex::new(jobs_of(&plan.steps)),
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
    /// Jobs whose folders stay until others have used what they made.
    made: Mutex<Vec<Made>>,
}

/// A job of the plan.
struct Made {
    machine: MachineId,
    job: JobCall,
    /// Its own step and those that need it, as long as they aren't done.
    waits_for: BTreeSet<StepId>,
}

fn jobs_of(steps: &[Step]) -> Vec<Made> {
    let mut users: BTreeMap<&StepId, BTreeSet<StepId>> = BTreeMap::new();
    for step in steps {
        for need in &step.needs {
            users.entry(need).or_default().insert(step.id.clone());
        }
    }
    let mut made = Vec::new();
    for step in steps {
        for action in &step.actions {
            if let Work::Job(job) = &action.work {
                let mut waits_for = users.get(&step.id).cloned().unwrap_or_default();
                waits_for.insert(step.id.clone());
                made.push(Made {
                    machine: action.machine.clone(),
                    job: job.clone(),
                    waits_for,
                });
            }
        }
    }
    made
}

impl Executor for Hosts {
    async fn run(&self, step: Arc<Step>) -> Result<Measured, Failure> {
        let mut measured = BTreeMap::new();
        let mut done = Vec::new();
        for action in &step.actions {
            let answer = self.act(&step, action).await.map_err(|mut failure| {
                failure.done = done.iter().cloned().chain(failure.done).collect();
                failure
            })?;
            done.push(self.what_was_done(action, &answer));
            for (name, secret) in answer.secrets {
                self.context.secrets.keep(name, secret);
            }
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
        self.forget_used_jobs(&step.id).await;
        Ok(measured)
    }
}

impl Hosts {
    /// A finished action, as a person is told of it when a later one fails.
    fn what_was_done(&self, action: &Action, answer: &Answer) -> String {
        let what = match answer.changed.is_empty() {
            true => format!("{} ran", action.work.call().script),
            false => answer.changed.join("; "),
        };
        self.context
            .secrets
            .redact(&format!("{}: {what}", action.machine))
    }

    /// A job's folder is what the next apply takes its result up by: it goes when everything that needs the result is done.
    async fn forget_used_jobs(&self, done: &StepId) {
        let used: Vec<Made> = {
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            for one in made.iter_mut() {
                one.waits_for.remove(done);
            }
            made.extract_if(.., |one| one.waits_for.is_empty())
                .collect()
        };
        for one in used {
            let errand = Errand {
                context: &self.context,
                step: done,
                machine: &one.machine,
            };
            let jobs = Jobs {
                errand,
                job: &one.job,
                variables: &[],
            };
            if let Err(failure) = jobs.forget().await {
                errand.note(format!(
                    "a finished job's folder stays until it is made anew: {}",
                    failure.message
                ));
            }
        }
    }

    async fn act(&self, step: &Step, action: &Action) -> Result<Answer, Failure> {
        let errand = Errand {
            context: &self.context,
            step: &step.id,
            machine: &action.machine,
        };
        self.locks
            .held(&action.machine)
            .await
            .map_err(|not| errand.failure(not.phase, not.why))?;
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
