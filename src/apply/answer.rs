//! What a script printed, line by line: phases, measurements, notes, secrets of one host for another.

use std::collections::BTreeMap;

use super::outcome::{Failure, Phase};
use crate::plan::SecretName;
use crate::remote::{ExitStatus, Output};
use crate::secret::Secret;
use crate::topology::MachineId;

/// What the lines of a script or job said so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) phase: Option<Phase>,
    pub(super) measured: BTreeMap<String, f64>,
    pub(super) notes: Vec<String>,
    pub(super) changed: Vec<String>,
    pub(super) held: Option<String>,
    /// What a host handed over to be kept elsewhere, by name.
    pub(super) secrets: Vec<(SecretName, Secret)>,
    pub(super) log: Vec<String>,
}

impl Answer {
    /// One more line.
    pub(super) fn line(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "phase" => self.phase = Phase::from_word(rest),
            "measured" => {
                if let Some((name, value)) = rest.split_once(' ')
                    && let Ok(value) = value.trim().parse::<f64>()
                {
                    *self.measured.entry(name.to_owned()).or_insert(0.0) += value;
                }
            }
            "note" => self.notes.push(rest.to_owned()),
            "changed" => self.changed.push(rest.to_owned()),
            "secret" => {
                if let Some((name, value)) = rest.split_once(' ') {
                    let name = SecretName(name.to_owned());
                    self.secrets.push((name, Secret::new(value)));
                }
            }
            "held" => self.held = Some(rest.to_owned()),
            "log" => self.log.push(rest.to_owned()),
            _ => {}
        }
    }

    /// The whole output of a command that ended.
    pub(super) fn of(output: &Output) -> Self {
        let mut answer = Self::default();
        for line in output.stdout_text().lines() {
            answer.line(line);
        }
        answer
    }

    /// The failure that an exit status other than 0 means.
    pub(super) fn failure(
        &self,
        machine: &MachineId,
        status: &ExitStatus,
        stderr: &str,
    ) -> Failure {
        let code = match status {
            ExitStatus::Code(code) => Some(*code),
            ExitStatus::Signal(_) => None,
        };
        let phase = code
            .and_then(Phase::from_code)
            .or(self.phase)
            .unwrap_or(Phase::Reach);
        let lines: Vec<&str> = stderr
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let message = match (&self.held, lines.last()) {
            (Some(holder), _) if phase == Phase::Lock => format!("{holder} still works there"),
            (_, Some(last)) => (*last).to_owned(),
            (_, None) => format!("it ended with {status} and said nothing"),
        };
        let before = lines.len().saturating_sub(1);
        let log = lines[before.saturating_sub(8)..before]
            .iter()
            .map(|line| (*line).to_owned())
            .collect();
        Failure {
            phase,
            machine: machine.clone(),
            message,
            done: self.changed.clone(),
            log,
            state: String::new(),
        }
    }
}
