//! Order, parallelism, failure and Ctrl-C, with an executor in this process: steps end when the test says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::events::{Event, Events};
use super::outcome::{Failure, Outcome, Phase, StepState};
use super::scheduler::{Cancel, Executor, Measured, schedule};
use crate::plan::{Because, Cost, Step, StepId, StepKind, Undo};
use crate::topology::{MachineId, Place};

type Ends = Arc<Mutex<BTreeMap<String, oneshot::Sender<Result<Measured, Failure>>>>>;

/// Every running step waits here for its end.
struct Held(Ends);

impl Executor for Held {
    async fn run(&self, step: Arc<Step>) -> Result<Measured, Failure> {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().unwrap().insert(step.id.0.clone(), sender);
        receiver.await.expect("the test drops no step")
    }
}

fn step(id: &str, needs: &[&str]) -> Step {
    Step {
        id: StepId(id.to_owned()),
        kind: StepKind::Configure,
        replication: "orders".to_owned(),
        member: None,
        subject: "eu/db1".to_owned(),
        machine: MachineId("10.0.0.1".to_owned()),
        what: String::new(),
        because: Because {
            place: Place::default(),
            fact: String::new(),
        },
        needs: needs.iter().map(|id| StepId((*id).to_owned())).collect(),
        cost: Cost::default(),
        undo: Undo::Nothing,
        env: Vec::new(),
        actions: Vec::new(),
    }
}

fn failed(phase: Phase) -> Result<Measured, Failure> {
    Err(Failure {
        phase,
        machine: MachineId("10.0.0.1".to_owned()),
        message: "no".to_owned(),
        done: Vec::new(),
        log: Vec::new(),
        state: String::new(),
    })
}

struct Apply {
    ends: Ends,
    cancel: watch::Sender<Cancel>,
    events: UnboundedReceiver<Event>,
    states: JoinHandle<BTreeMap<StepId, StepState>>,
}

impl Apply {
    fn start(steps: Vec<Step>, parallelism: usize) -> Self {
        let ends = Ends::default();
        let (cancel, cancelled) = watch::channel(Cancel::No);
        let (sender, events) = unbounded_channel();
        let executor = Arc::new(Held(Arc::clone(&ends)));
        let states = tokio::spawn(async move {
            schedule(&steps, executor, parallelism, cancelled, &Events(sender)).await
        });
        Self {
            ends,
            cancel,
            events,
            states,
        }
    }

    /// Which steps run once nothing moves any more (the runtime has one thread: whoever can run has run).
    async fn running(&self) -> BTreeSet<String> {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        self.ends.lock().unwrap().keys().cloned().collect()
    }

    async fn end(&self, id: &str, result: Result<Measured, Failure>) {
        self.running().await;
        let sender = self.ends.lock().unwrap().remove(id).unwrap();
        sender.send(result).unwrap();
    }

    async fn outcome(self, interrupted: bool) -> (Outcome, UnboundedReceiver<Event>) {
        let states = self.states.await.unwrap();
        let elapsed = std::time::Duration::ZERO;
        (Outcome::new(states, elapsed, interrupted), self.events)
    }
}

fn ok() -> Result<Measured, Failure> {
    Ok(BTreeMap::from([("bytes".to_owned(), 2.0)]))
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[tokio::test]
async fn a_step_starts_when_all_that_it_needs_is_done() {
    let steps = vec![step("a", &[]), step("b", &[]), step("c", &["a", "b"])];
    let apply = Apply::start(steps, 10);
    assert_eq!(apply.running().await, set(&["a", "b"]));
    apply.end("b", ok()).await;
    assert_eq!(apply.running().await, set(&["a"]));
    apply.end("a", ok()).await;
    assert_eq!(apply.running().await, set(&["c"]));
    apply.end("c", ok()).await;
    let (outcome, _) = apply.outcome(false).await;
    assert!(outcome.complete());
    assert_eq!((outcome.exit_code(), outcome.measured["bytes"]), (0, 6.0));
}

#[tokio::test]
async fn no_more_than_the_parallelism_run_at_once() {
    let steps = ["a", "b", "c", "d"].map(|id| step(id, &[])).to_vec();
    let apply = Apply::start(steps, 2);
    assert_eq!(apply.running().await, set(&["a", "b"]));
    apply.end("a", ok()).await;
    assert_eq!(apply.running().await, set(&["b", "c"]));
    for id in ["b", "c", "d"] {
        apply.end(id, ok()).await;
    }
    assert!(apply.outcome(false).await.0.complete());
}

#[tokio::test]
async fn a_failure_stops_what_needs_it_and_nothing_else() {
    let steps = vec![
        step("a", &[]),
        step("b", &["a"]),
        step("c", &["b"]),
        step("x", &[]),
        step("y", &["x"]),
    ];
    let apply = Apply::start(steps, 10);
    apply.end("a", failed(Phase::Run)).await;
    assert_eq!(apply.running().await, set(&["x"]));
    apply.end("x", ok()).await;
    apply.end("y", ok()).await;
    let (outcome, mut events) = apply.outcome(false).await;
    let needs = StepState::Needs {
        failed: StepId("a".to_owned()),
    };
    assert_eq!(outcome.steps[&StepId("b".to_owned())], needs);
    assert_eq!(outcome.steps[&StepId("c".to_owned())], needs);
    assert_eq!(outcome.exit_code(), 7);
    let mut not_run = 0;
    while let Ok(event) = events.try_recv() {
        not_run += usize::from(matches!(
            event,
            Event::NotRun {
                because: Some(_),
                ..
            }
        ));
    }
    assert_eq!(not_run, 2);
}

#[tokio::test]
async fn a_failed_precondition_alone_means_that_nothing_was_changed() {
    let apply = Apply::start(vec![step("a", &[]), step("b", &["a"])], 10);
    apply.end("a", failed(Phase::Check)).await;
    assert_eq!(apply.outcome(false).await.0.exit_code(), 1);
}

#[tokio::test]
async fn the_first_interrupt_finishes_what_runs_and_starts_nothing() {
    let apply = Apply::start(vec![step("a", &[]), step("b", &["a"])], 10);
    assert_eq!(apply.running().await, set(&["a"]));
    apply.cancel.send(Cancel::Finish).unwrap();
    assert_eq!(apply.running().await, set(&["a"]));
    apply.end("a", ok()).await;
    let (outcome, _) = apply.outcome(true).await;
    let state = |id: &str| outcome.steps[&StepId(id.to_owned())].clone();
    assert!(matches!(state("a"), StepState::Done { .. }));
    assert_eq!((state("b"), outcome.exit_code()), (StepState::NotBegun, 7));
}

#[tokio::test]
async fn the_second_interrupt_leaves_at_once() {
    let apply = Apply::start(vec![step("a", &[]), step("b", &["a"])], 10);
    assert_eq!(apply.running().await, set(&["a"]));
    apply.cancel.send(Cancel::Finish).unwrap();
    apply.running().await;
    apply.cancel.send(Cancel::Leave).unwrap();
    let (outcome, mut events) = apply.outcome(true).await;
    assert_eq!(outcome.steps[&StepId("a".to_owned())], StepState::Left);
    assert_eq!(outcome.exit_code(), 7);
    let mut leaving = false;
    while let Ok(event) = events.try_recv() {
        leaving |= event == Event::Interrupted { leaving: true };
    }
    assert!(leaving);
}

#[tokio::test]
async fn a_step_that_breaks_replform_ends_only_itself() {
    let apply = Apply::start(vec![step("a", &[]), step("b", &[])], 10);
    apply.running().await;
    // Dropping the sender makes the executor panic.
    apply.ends.lock().unwrap().remove("a");
    apply.end("b", ok()).await;
    let (outcome, _) = apply.outcome(false).await;
    let state = |id: &str| outcome.steps[&StepId(id.to_owned())].clone();
    assert!(matches!(state("a"), StepState::Failed(_)));
    assert!(matches!(state("b"), StepState::Done { .. }));
}

/// A step of two actions whose second one can't begin has changed something all the same.
#[tokio::test]
async fn a_failure_after_the_steps_first_action_means_applied_in_part() {
    let apply = Apply::start(vec![step("a", &[])], 10);
    let Err(mut failure) = failed(Phase::Check) else {
        unreachable!("it failed")
    };
    failure.done = vec!["10.0.0.1: role x".to_owned()];
    assert!(failure.may_have_changed());
    apply.end("a", Err(failure)).await;
    assert_eq!(apply.outcome(false).await.0.exit_code(), 7);
}

#[tokio::test]
async fn another_apply_in_between_is_a_plan_that_no_longer_fits_unless_something_was_done() {
    let apply = Apply::start(vec![step("a", &[])], 10);
    apply.end("a", failed(Phase::Overtaken)).await;
    assert_eq!(apply.outcome(false).await.0.exit_code(), 6);
    let apply = Apply::start(vec![step("a", &[]), step("b", &["a"])], 10);
    apply.end("a", ok()).await;
    apply.end("b", failed(Phase::Overtaken)).await;
    assert_eq!(apply.outcome(false).await.0.exit_code(), 7);
}

#[tokio::test]
async fn interrupted_before_a_step_began_is_interrupted_all_the_same() {
    let apply = Apply::start(Vec::new(), 10);
    let (outcome, _) = apply.outcome(true).await;
    let begun = Outcome {
        steps: BTreeMap::from([(StepId("a".to_owned()), StepState::NotBegun)]),
        ..outcome
    };
    assert_eq!(begun.exit_code(), 7);
}
