//! The handle of a command that runs: takes its output as it comes, ends its input, gives it up, waits for it.
//!
//! It only talks to the connection's thread, and keeps the connection alive while the command runs.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc::UnboundedReceiver;

use super::command::{ExitStatus, Output};
use super::connection::Link;
use super::exec::{Control, Event};
use super::run_error::{RunError, RunErrorKind};

/// A command that runs. Dropping it gives the command up, as [`Running::cancel`] does.
pub struct Running {
    pub(super) target: Arc<str>,
    pub(super) link: Arc<Link>,
    pub(super) events: UnboundedReceiver<Event>,
    pub(super) control: Arc<Control>,
    pub(super) output_bytes: usize,
    pub(super) sudo: bool,
    pub(super) taken: Vec<u8>,
    pub(super) end: Option<Result<Output, RunErrorKind>>,
}

impl Running {
    /// The next piece of standard output as it came; `None` when the command has ended or failed.
    pub async fn chunk(&mut self) -> Option<Vec<u8>> {
        if !self.taken.is_empty() {
            return Some(std::mem::take(&mut self.taken));
        }
        self.receive().await
    }

    /// The next line of standard output without its newline, what isn't UTF-8 replaced; a last line without a newline counts.
    /// `None` when the command has ended or failed.
    pub async fn line(&mut self) -> Option<String> {
        let mut searched = 0;
        loop {
            if let Some(length) = self.taken[searched..]
                .iter()
                .position(|byte| *byte == b'\n')
            {
                let mut line: Vec<u8> = self.taken.drain(..=searched + length).collect();
                line.pop();
                return Some(String::from_utf8_lossy(&line).into_owned());
            }
            searched = self.taken.len();
            if searched > self.output_bytes {
                self.give_up(RunErrorKind::OutputTooBig {
                    limit_bytes: self.output_bytes,
                });
                return None;
            }
            match self.receive().await {
                Some(chunk) => self.taken.extend_from_slice(&chunk),
                None if self.taken.is_empty() => return None,
                None => {
                    return Some(
                        String::from_utf8_lossy(&std::mem::take(&mut self.taken)).into_owned(),
                    );
                }
            }
        }
    }

    async fn receive(&mut self) -> Option<Vec<u8>> {
        if self.end.is_some() {
            return None;
        }
        match self.events.recv().await {
            Some(Event::Stdout(bytes)) => {
                self.control
                    .undelivered
                    .fetch_sub(bytes.len(), Ordering::AcqRel);
                Some(bytes)
            }
            Some(Event::Ended(end)) => {
                self.end = Some(end);
                None
            }
            None => {
                self.end = Some(Err(RunErrorKind::Lost {
                    text: "the connection has ended".to_owned(),
                }));
                None
            }
        }
    }

    /// Ends standard input, and with it the heartbeat: the polite way to let a lock go.
    pub fn end_input(&self) {
        self.control.input_ended.store(true, Ordering::Release);
        self.link.ring();
    }

    /// Gives the command up: its channel is closed, so it meets end of input and a broken pipe. It is not killed.
    pub fn cancel(&self) {
        self.control.cancelled.store(true, Ordering::Release);
        self.link.ring();
    }

    fn give_up(&mut self, kind: RunErrorKind) {
        self.cancel();
        self.end = Some(Err(kind));
    }

    /// Waits for the end; standard output is what was not taken before.
    ///
    /// # Errors
    /// When it didn't run to its end. An exit code other than 0 is no error.
    pub async fn wait(mut self) -> Result<Output, RunError> {
        while let Some(chunk) = self.receive().await {
            self.taken.extend_from_slice(&chunk);
            if self.taken.len() > self.output_bytes {
                self.give_up(RunErrorKind::OutputTooBig {
                    limit_bytes: self.output_bytes,
                });
            }
        }
        let end = self.end.take().unwrap_or(Err(RunErrorKind::Cancelled));
        let failed = |kind| RunError {
            target: self.target.to_string(),
            kind,
        };
        let mut output = end.map_err(failed)?;
        output.stdout = std::mem::take(&mut self.taken);
        if output.stdout.len() + output.stderr.len() > self.output_bytes {
            return Err(failed(RunErrorKind::OutputTooBig {
                limit_bytes: self.output_bytes,
            }));
        }
        match sudo_complaint(&output).filter(|_| self.sudo) {
            Some(kind) => Err(failed(kind)),
            None => Ok(output),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.end.is_none() {
            self.cancel();
        }
    }
}

/// What sudo says when it doesn't run a command (sudo 1.9, sudo-rs; it is asked for in the C locale).
fn sudo_complaint(output: &Output) -> Option<RunErrorKind> {
    const PASSWORD: [&str; 4] = [
        "a password is required",
        "a terminal is required",
        "no tty present",
        "interactive authentication is required",
    ];
    const REFUSED: [&str; 5] = [
        "is not in the sudoers file",
        "is not allowed to execute",
        "may not run sudo",
        "I'm sorry",
        "account validation failure",
    ];
    let ExitStatus::Code(code @ (1 | 126 | 127)) = output.status else {
        return None;
    };
    let text = output.stderr_text();
    let said = |phrases: &[&str]| {
        let line = text
            .lines()
            .find(|line| phrases.iter().any(|phrase| line.contains(phrase)))?;
        Some(line.trim().trim_start_matches("sudo: ").to_owned())
    };
    let missing = || {
        text.lines()
            .find(|line| line.starts_with("env:") && line.contains("sudo"))
            .map(|line| line.trim().to_owned())
    };
    match code {
        1 if text.contains("sudo:") || text.contains("sudoers") => said(&PASSWORD)
            .map(|text| RunErrorKind::SudoNeedsPassword { text })
            .or_else(|| said(&REFUSED).map(|text| RunErrorKind::SudoRefused { text })),
        126 | 127 => missing().map(|text| RunErrorKind::SudoRefused { text }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(code: i32, stderr: &str) -> Option<RunErrorKind> {
        sudo_complaint(&Output {
            status: ExitStatus::Code(code),
            stdout: Vec::new(),
            stderr: stderr.into(),
        })
    }

    #[test]
    fn sudo_complaints_are_told_apart_from_a_scripts_own() {
        assert_eq!(
            complaint(1, "sudo: a password is required\n"),
            Some(RunErrorKind::SudoNeedsPassword {
                text: "a password is required".into()
            })
        );
        let refused = "anna is not in the sudoers file.\n";
        assert_eq!(
            complaint(1, refused),
            Some(RunErrorKind::SudoRefused {
                text: refused.trim().into()
            })
        );
        assert!(matches!(
            complaint(127, "env: 'sudo': No such file or directory\n"),
            Some(RunErrorKind::SudoRefused { .. })
        ));
        assert_eq!(complaint(1, "a password is required by the app\n"), None);
        assert_eq!(complaint(127, "sh: 1: psql: not found\n"), None);
        assert_eq!(complaint(0, "sudo: a password is required\n"), None);
    }
}
