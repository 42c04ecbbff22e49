//! Runs steps as soon as all that they need is done, a bounded number at once. Knows order, failure and Ctrl-C; what running a
//! step means is its [`Executor`]'s.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};

use super::events::{Event, Events};
use super::outcome::{Failure, Phase, StepState};
use crate::plan::{Step, StepId};

/// What Ctrl-C wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cancel {
    /// Go on.
    No,
    /// Finish running steps, start none.
    Finish,
    /// Leave at once; jobs go on on their hosts.
    Leave,
}

/// What a step measured, seconds or bytes by name.
pub(super) type Measured = BTreeMap<String, f64>;

/// Runs one step.
pub(super) trait Executor: Send + Sync + 'static {
    /// Checks, runs and verifies all actions of the step.
    fn run(&self, step: Arc<Step>) -> impl Future<Output = Result<Measured, Failure>> + Send;
}

/// Runs all steps; the answer has every one of them.
pub(super) async fn schedule<E: Executor>(
    steps: &[Step],
    executor: Arc<E>,
    parallelism: usize,
    mut cancel: watch::Receiver<Cancel>,
    events: &Events,
) -> BTreeMap<StepId, StepState> {
    let mut run = Run {
        steps: steps.iter().cloned().map(Arc::new).collect(),
        states: BTreeMap::new(),
        running: BTreeMap::new(),
        events,
    };
    let mut tasks = JoinSet::new();
    let mut wanted = *cancel.borrow_and_update();
    loop {
        run.give_up_dependants();
        if wanted == Cancel::No {
            while run.running.len() < parallelism.max(1) {
                let Some(step) = run.next_ready() else { break };
                events.send(Event::Started {
                    step: step.id.clone(),
                });
                let (executor, id) = (Arc::clone(&executor), step.id.clone());
                let handle = tasks.spawn(async move { executor.run(step).await });
                run.running.insert(handle.id(), (id, Instant::now()));
            }
        }
        if run.running.is_empty() {
            break;
        }
        tokio::select! {
            Some(ended) = tasks.join_next_with_id() => run.ended(ended),
            Ok(()) = cancel.changed() => {
                wanted = *cancel.borrow_and_update();
                if wanted > Cancel::No {
                    events.send(Event::Interrupted { leaving: wanted == Cancel::Leave });
                }
                if wanted == Cancel::Leave {
                    run.leave();
                    tasks.abort_all();
                    break;
                }
            }
        }
    }
    run.not_begun();
    run.states
}

struct Run<'a> {
    steps: Vec<Arc<Step>>,
    states: BTreeMap<StepId, StepState>,
    running: BTreeMap<Id, (StepId, Instant)>,
    events: &'a Events,
}

impl Run<'_> {
    fn begun(&self) -> BTreeSet<&StepId> {
        let running = self.running.values().map(|(id, _)| id);
        self.states.keys().chain(running).collect()
    }

    /// The first step in the plan's order whose needs are all done.
    fn next_ready(&self) -> Option<Arc<Step>> {
        let begun = self.begun();
        let done = |id: &StepId| {
            // A need that isn't in the plan is nothing to wait for.
            matches!(self.states.get(id), Some(StepState::Done { .. }))
                || !self.steps.iter().any(|step| step.id == *id)
        };
        self.steps
            .iter()
            .find(|step| !begun.contains(&step.id) && step.needs.iter().all(done))
            .cloned()
    }

    /// Steps that need a failed one, directly or not, won't run.
    fn give_up_dependants(&mut self) {
        loop {
            let lost = self.steps.iter().find_map(|step| {
                if self.begun().contains(&step.id) {
                    return None;
                }
                step.needs
                    .iter()
                    .find_map(|need| match self.states.get(need) {
                        Some(StepState::Failed(_)) => Some((step.id.clone(), need.clone())),
                        Some(StepState::Needs { failed }) => {
                            Some((step.id.clone(), failed.clone()))
                        }
                        _ => None,
                    })
            });
            let Some((step, failed)) = lost else { return };
            self.events.send(Event::NotRun {
                step: step.clone(),
                because: Some(failed.clone()),
            });
            self.states.insert(step, StepState::Needs { failed });
        }
    }

    fn ended(&mut self, ended: Result<(Id, Result<Measured, Failure>), JoinError>) {
        let (task, result) = match ended {
            Ok((task, result)) => (task, Ok(result)),
            Err(error) => (error.id(), Err(error)),
        };
        let Some((id, began)) = self.running.remove(&task) else {
            return;
        };
        let seconds = began.elapsed().as_secs_f64();
        let result = result.unwrap_or_else(|error| Err(self.broke(&id, &error)));
        let state = match result {
            Ok(measured) => {
                self.events.send(Event::Finished {
                    step: id.clone(),
                    seconds,
                    measured: measured.clone(),
                });
                StepState::Done { seconds, measured }
            }
            Err(failure) => {
                self.events.send(Event::Failed {
                    step: id.clone(),
                    failure: failure.clone(),
                });
                StepState::Failed(failure)
            }
        };
        self.states.insert(id, state);
    }

    /// A fault of replform itself in one step ends that step, not the others.
    fn broke(&self, id: &StepId, error: &JoinError) -> Failure {
        let machine = self
            .steps
            .iter()
            .find(|step| step.id == *id)
            .map(|step| step.machine.clone());
        Failure {
            phase: Phase::Run,
            machine: machine.unwrap_or_else(|| crate::topology::MachineId(String::new())),
            message: format!("replform itself broke in this step: {error}"),
            done: Vec::new(),
            log: Vec::new(),
            state: String::new(),
        }
    }

    fn leave(&mut self) {
        for (id, _) in std::mem::take(&mut self.running).into_values() {
            self.states.insert(id, StepState::Left);
        }
    }

    fn not_begun(&mut self) {
        for step in &self.steps {
            if !self.states.contains_key(&step.id) {
                self.events.send(Event::NotRun {
                    step: step.id.clone(),
                    because: None,
                });
                self.states.insert(step.id.clone(), StepState::NotBegun);
            }
        }
    }
}
