//! What happens while a plan is applied, as it is told to whoever watches: bars, lines or JSON are made of it elsewhere.
//!
//! No event holds a secret: remote words pass through [`super::Secrets::redact`] before they get here.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::mpsc::UnboundedSender;

use super::outcome::Failure;
use crate::plan::StepId;
use crate::topology::MachineId;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A lock on a machine is held by somebody else; apply waits for it.
    LockWaiting {
        /// The machine.
        machine: MachineId,
        /// Who holds it, and since when.
        holder: String,
    },
    /// A step began.
    Started {
        /// Which.
        step: StepId,
    },
    /// A step found its job running on the host and watches it.
    Attached {
        /// Which.
        step: StepId,
    },
    /// A step waits for what somebody else left running on its instance.
    Waiting {
        /// Which.
        step: StepId,
        /// Who holds the instance.
        holder: String,
    },
    /// Something worth a line.
    Note {
        /// Which step.
        step: StepId,
        /// The sentence.
        text: String,
    },
    /// A step has moved bytes.
    Progress {
        /// Which.
        step: StepId,
        /// How far it is.
        progress: Progress,
    },
    /// A step is done and verified.
    Finished {
        /// Which.
        step: StepId,
        /// How long it took, seconds.
        seconds: f64,
        /// What it measured: seconds or bytes by name.
        measured: BTreeMap<String, f64>,
    },
    /// A step failed.
    Failed {
        /// Which.
        step: StepId,
        /// Why, where, in which phase.
        failure: Failure,
    },
    /// A step won't run, since what it needs failed, or since apply was interrupted.
    NotRun {
        /// Which.
        step: StepId,
        /// The failed step that it needed; `None`: interrupted.
        because: Option<StepId>,
    },
    /// Ctrl-C: once, running steps are finished; twice, they are left.
    Interrupted {
        /// Whether running steps are left.
        leaving: bool,
    },
    /// The end.
    Summary {
        /// Steps done.
        done: usize,
        /// Steps failed.
        failed: usize,
        /// Steps not run, or left while they ran.
        not_run: usize,
        /// Seconds in all.
        seconds: f64,
    },
}

impl Event {
    /// The step that it is about.
    pub fn step(&self) -> Option<&StepId> {
        match self {
            Self::Started { step }
            | Self::Attached { step }
            | Self::Waiting { step, .. }
            | Self::Note { step, .. }
            | Self::Progress { step, .. }
            | Self::Finished { step, .. }
            | Self::Failed { step, .. }
            | Self::NotRun { step, .. } => Some(step),
            Self::LockWaiting { .. } | Self::Interrupted { .. } | Self::Summary { .. } => None,
        }
    }
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Progress {
    /// Bytes moved.
    pub done: u64,
    /// Bytes in all; `None`: not known.
    pub total: Option<u64>,
    /// Bytes a second, lately.
    pub rate: Option<f64>,
    /// Seconds left at that rate.
    pub eta: Option<f64>,
}

/// Where events go. Nobody listening is fine.
#[derive(Clone, Debug)]
pub struct Events(pub UnboundedSender<Event>);

impl Events {
    /// Tells an event.
    pub(super) fn send(&self, event: Event) {
        // The listener may have gone (a broken terminal): applying goes on.
        let _ = self.0.send(event);
    }
}

/// Rate and time left from a series of `(seconds, bytes)`, over about the last ten seconds.
#[derive(Debug, Default)]
pub(super) struct Pace {
    seen: std::collections::VecDeque<(f64, u64)>,
}

const PACE_WINDOW: Duration = Duration::from_secs(10);

impl Pace {
    /// One more observation; `total` 0 is unknown.
    pub(super) fn add(&mut self, at: f64, done: u64, total: u64) -> Progress {
        if self.seen.back().is_some_and(|(t, d)| *t > at || *d > done) {
            self.seen.clear();
        }
        self.seen.push_back((at, done));
        while self.seen.len() > 2
            && self
                .seen
                .front()
                .is_some_and(|(t, _)| at - t > PACE_WINDOW.as_secs_f64())
        {
            self.seen.pop_front();
        }
        let rate = self.seen.front().and_then(|(t, d)| {
            let seconds = at - t;
            (seconds > 0.5).then(|| (done - d) as f64 / seconds)
        });
        let total = (total > 0).then_some(total.max(done));
        let eta = match (rate, total) {
            (Some(rate), Some(total)) if rate > 0.0 => Some((total - done) as f64 / rate),
            _ => None,
        };
        Progress {
            done,
            total,
            rate,
            eta,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_the_last_seconds() {
        let mut pace = Pace::default();
        assert_eq!(pace.add(0.0, 0, 1000).rate, None);
        for second in 1..=20 {
            pace.add(f64::from(second), u64::from(second as u32) * 10, 1000);
        }
        let progress = pace.add(21.0, 210, 1000);
        assert_eq!((progress.rate, progress.eta), (Some(10.0), Some(79.0)));
        let after_restart = pace.add(22.0, 5, 1000);
        assert_eq!(after_restart.rate, None);
        assert_eq!(pace.add(23.0, 2000, 1000).total, Some(2000));
        assert_eq!(pace.add(24.0, 2000, 0).total, None);
    }
}
