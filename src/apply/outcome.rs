//! How an apply ended: each step's state, what was measured, the exit code. Data only.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::diagnostics::{Code, codes};
use crate::plan::StepId;
use crate::topology::MachineId;

/// Where in a step something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The machine wasn't reached, or nothing was sent yet.
    Reach,
    /// Somebody else held the instance or the replication.
    Lock,
    /// Another apply worked there since the plan was made.
    Overtaken,
    /// The world wasn't as the plan saw it.
    Check,
    /// While it changed something.
    Run,
    /// It ran, but what it wanted isn't so.
    Verify,
}

impl Phase {
    /// The phase of this name in a script's output.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        match word {
            "check" => Some(Self::Check),
            "run" => Some(Self::Run),
            "verify" => Some(Self::Verify),
            _ => None,
        }
    }

    /// The phase that a script's exit code tells (see prelude.sh).
    pub(super) fn from_code(code: i32) -> Option<Self> {
        match code {
            20 => Some(Self::Check),
            21 => Some(Self::Run),
            22 => Some(Self::Verify),
            75 => Some(Self::Lock),
            _ => None,
        }
    }

    /// The error code that people look up.
    pub fn code(self) -> Code {
        match self {
            Self::Reach => codes::STEP_REACH,
            Self::Lock => codes::STEP_LOCK,
            Self::Overtaken => codes::STEP_OVERTAKEN,
            Self::Check => codes::STEP_CHECK,
            Self::Run => codes::STEP_RUN,
            Self::Verify => codes::STEP_VERIFY,
        }
    }

    /// Whether the action may have changed something by then.
    fn may_have_changed(self) -> bool {
        self >= Self::Run
    }
}

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Where in the step.
    pub phase: Phase,
    /// On which machine.
    pub machine: MachineId,
    /// What happened: one sentence.
    pub message: String,
    /// What earlier actions of the same step had done by then, and what this one had; in order.
    pub done: Vec<String>,
    /// What the host said before that, last lines.
    pub log: Vec<String>,
    /// What goes on, or stays, on the host; empty: nothing special.
    pub state: String,
}

impl Failure {
    /// Whether the step may have changed something.
    pub fn may_have_changed(&self) -> bool {
        self.phase.may_have_changed() || !self.done.is_empty()
    }
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StepState {
    /// Done and verified.
    Done {
        /// How long it took.
        seconds: f64,
        /// Seconds or bytes by name.
        measured: BTreeMap<String, f64>,
    },
    /// Failed.
    Failed(Failure),
    /// Not begun, since this step failed.
    Needs {
        /// The failed step.
        failed: StepId,
    },
    /// Not begun, since apply was interrupted.
    NotBegun,
    /// Left while it ran (second Ctrl-C); a job of it goes on on its host.
    Left,
}

/// How an apply ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// Every step of the plan.
    pub steps: BTreeMap<StepId, StepState>,
    /// Sums of what the steps measured, by name: `no_writes` (seconds), `bytes`.
    pub measured: BTreeMap<String, f64>,
    /// How long it all took.
    #[serde(skip)]
    pub elapsed: Duration,
    /// Whether Ctrl-C ended it.
    pub interrupted: bool,
}

impl Outcome {
    pub(super) fn new(
        steps: BTreeMap<StepId, StepState>,
        elapsed: Duration,
        interrupted: bool,
    ) -> Self {
        let mut sums = BTreeMap::new();
        for state in steps.values() {
            if let StepState::Done { measured, .. } = state {
                for (name, value) in measured {
                    *sums.entry(name.clone()).or_insert(0.0) += value;
                }
            }
        }
        Self {
            steps,
            measured: sums,
            elapsed,
            interrupted,
        }
    }

    /// Whether every step is done.
    pub fn complete(&self) -> bool {
        self.count(|state| matches!(state, StepState::Done { .. })) == self.steps.len()
    }

    /// How many steps are in a state.
    pub fn count(&self, is: impl Fn(&StepState) -> bool) -> usize {
        self.steps.values().filter(|state| is(state)).count()
    }

    /// The failures, in the order of the steps' names.
    pub fn failures(&self) -> impl Iterator<Item = (&StepId, &Failure)> {
        self.steps.iter().filter_map(|(id, state)| match state {
            StepState::Failed(failure) => Some((id, failure)),
            _ => None,
        })
    }

    /// 0: all done; 1: nothing was changed; 6: neither, since another apply came in between; 7: applied in part, interrupted
    /// included, whether a step had begun or not.
    pub fn exit_code(&self) -> u8 {
        if self.complete() {
            return 0;
        }
        let changed = |state: &StepState| match state {
            StepState::Done { .. } | StepState::Left => true,
            StepState::Failed(failure) => failure.may_have_changed(),
            StepState::Needs { .. } | StepState::NotBegun => false,
        };
        if self.interrupted || self.steps.values().any(changed) {
            7
        } else if self
            .failures()
            .any(|(_, failure)| failure.phase == Phase::Overtaken)
        {
            6
        } else {
            1
        }
    }
}
