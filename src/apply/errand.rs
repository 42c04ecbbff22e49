//! One text sent to one machine's `sh`, through lost links and through instances that somebody else still works on.
//!
//! Only for texts that can be run again: a link that is lost leaves open how far the first try came, and the instance's lock
//! keeps the second from running beside it.

use std::time::{Duration, Instant};

use super::answer::Answer;
use super::compose::SecretText;
use super::context::Context;
use super::events::Event;
use super::outcome::{Failure, Phase};
use crate::plan::StepId;
use crate::remote::{Command, ConnectErrorKind, ExitStatus, Output};
use crate::topology::MachineId;

/// How long a machine that was lost is tried for, within one step; a reboot fits in.
const REACH: Duration = Duration::from_secs(90);
/// A try that lasted this long shows that the machine had come back.
const CAME_BACK: Duration = Duration::from_secs(20);
/// How often a text whose link is lost again and again is sent.
const TRIES: u32 = 6;
/// How long one try waits on the host for the instance's lock, seconds.
pub(super) const LOCK_TRY_SECONDS: u64 = 5;
/// How long a step waits for what somebody left running on its instance, where that isn't a job.
const INSTANCE_PATIENCE: Duration = Duration::from_secs(120);

/// Where a step's texts go.
#[derive(Clone, Copy)]
pub(super) struct Errand<'a> {
    pub(super) context: &'a Context,
    pub(super) step: &'a StepId,
    pub(super) machine: &'a MachineId,
}

impl Errand<'_> {
    /// A failure of this step on this machine; secrets in the message are masked.
    pub(super) fn failure(&self, phase: Phase, message: impl AsRef<str>) -> Failure {
        Failure {
            phase,
            machine: self.machine.clone(),
            message: self.context.secrets.redact(message.as_ref()),
            done: Vec::new(),
            log: Vec::new(),
            state: String::new(),
        }
    }

    /// Runs a text to its end, whatever that is.
    ///
    /// # Errors
    /// When the machine can't be reached, or the text didn't end there within `limit`.
    pub(super) async fn run(&self, text: &SecretText, limit: Duration) -> Result<Output, Failure> {
        let mut lost_since = None;
        let mut phase = Phase::Reach;
        let mut tries = 0;
        loop {
            let began = Instant::now();
            let why = match self.context.connect(self.machine).await {
                Err(error) if !error.may_pass() => {
                    return Err(self.failure(phase, error.to_string()));
                }
                Err(error) => error.to_string(),
                Ok(connection) => {
                    phase = Phase::Run;
                    tries += 1;
                    let command = Command::new("sh -s")
                        .stdin(text.as_bytes().to_vec())
                        .timeout(limit);
                    match connection.run(command).await {
                        Ok(output) => return Ok(output),
                        Err(error) if error.is_lost_link() && tries < TRIES => error.to_string(),
                        Err(error) => return Err(self.failure(phase, error.to_string())),
                    }
                }
            };
            if began.elapsed() > CAME_BACK && tries > 0 {
                lost_since = None;
            }
            let since = *lost_since.get_or_insert_with(Instant::now);
            if since.elapsed() > REACH {
                return Err(self.failure(phase, why));
            }
            if since.elapsed() < Duration::from_secs(1) {
                self.note(format!("{why}; trying again"));
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }

    /// Runs a text that begins by taking its instance's lock, and waits as long as somebody else has it: for a job until it
    /// ends, for anything else two minutes.
    ///
    /// # Errors
    /// Besides those of [`Errand::run`]: when the lock can't be had, and when the text ended with a code other than 0.
    pub(super) async fn under_lock(
        &self,
        text: &SecretText,
        limit: Duration,
    ) -> Result<Answer, Failure> {
        let began = Instant::now();
        let mut told = None;
        loop {
            let output = self.run(text, limit).await?;
            let answer = Answer::of(&output);
            if output.status.success() {
                return Ok(answer);
            }
            match &answer.held {
                Some(holder)
                    if output.status == ExitStatus::Code(75)
                        && (holder.starts_with("job ") || began.elapsed() < INSTANCE_PATIENCE) =>
                {
                    if told.as_ref() != Some(holder) {
                        self.context.events.send(Event::Waiting {
                            step: self.step.clone(),
                            holder: holder.clone(),
                        });
                    }
                    told = Some(holder.clone());
                }
                _ => {
                    let stderr = self.context.secrets.redact(&output.stderr_text());
                    return Err(answer.failure(self.machine, &output.status, &stderr));
                }
            }
        }
    }

    pub(super) fn note(&self, text: String) {
        self.context.events.send(Event::Note {
            step: self.step.clone(),
            text: self.context.secrets.redact(&text),
        });
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreached {
    /// No such machine.
    #[error("machine {0} isn't in the configuration")]
    Unknown(MachineId),
    /// It can't be reached.
    #[error(transparent)]
    Connect(#[from] crate::remote::ConnectError),
}

impl Unreached {
    /// Whether trying again may help: the machine or the way to it is down, rather than locked to us.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unknown(_) => false,
            Self::Connect(error) => matches!(
                error.kind,
                ConnectErrorKind::Refused
                    | ConnectErrorKind::TimedOut { .. }
                    | ConnectErrorKind::NoRoute { .. }
                    | ConnectErrorKind::Dropped { .. }
                    | ConnectErrorKind::JumpFailed { .. }
                    | ConnectErrorKind::JumpRefused { .. }
                    | ConnectErrorKind::HandshakeFailed { .. }
            ),
        }
    }
}
