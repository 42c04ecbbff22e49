//! Why a command did not run to its end: kinds for programs, sentences for people at 3 a.m.
//!
//! `reason()` is the short word of JSON output; `Display` the sentence. No text here holds a secret.

use std::fmt;
use std::time::Duration;

use super::error::seconds;

/// A command could not be run to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunError {
    /// The target's name as people call it.
    pub target: String,
    /// What happened.
    pub kind: RunErrorKind,
}

/// The kinds of a command that did not run to its end. What it did on the machine until then is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunErrorKind {
    /// The connection broke.
    Lost {
        /// What the library or the system said.
        text: String,
    },
    /// The machine gave no sign of life for so long.
    Silent {
        /// The limit.
        after: Duration,
    },
    /// The command took too long.
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// The command printed too much.
    OutputTooBig {
        /// The limit in bytes.
        limit_bytes: usize,
    },
    /// The caller gave it up.
    Cancelled,
    /// The server opens no channel for it.
    Refused {
        /// What the server or the library said.
        text: String,
    },
    /// sudo wants a password.
    SudoNeedsPassword {
        /// sudo's own words.
        text: String,
    },
    /// sudo isn't there, or doesn't let this user.
    SudoRefused {
        /// sudo's own words.
        text: String,
    },
    /// An argument can't be quoted.
    Unquotable {
        /// Why.
        text: String,
    },
}

impl RunError {
    /// Whether the link was lost, so that another try over a new connection makes sense.
    pub fn is_lost_link(&self) -> bool {
        matches!(
            self.kind,
            RunErrorKind::Lost { .. } | RunErrorKind::Silent { .. }
        )
    }

    /// Short word for JSON and observations.
    pub fn reason(&self) -> &'static str {
        match self.kind {
            RunErrorKind::Lost { .. } => "connection_lost",
            RunErrorKind::Silent { .. } => "silent",
            RunErrorKind::TimedOut { .. } => "command_timed_out",
            RunErrorKind::OutputTooBig { .. } => "output_too_big",
            RunErrorKind::Cancelled => "cancelled",
            RunErrorKind::Refused { .. } => "channel_refused",
            RunErrorKind::SudoNeedsPassword { .. } => "sudo_needs_password",
            RunErrorKind::SudoRefused { .. } => "sudo_refused",
            RunErrorKind::Unquotable { .. } => "unquotable",
        }
    }
}

impl std::error::Error for RunError {}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.target)?;
        match &self.kind {
            RunErrorKind::Lost { text } => write!(
                f,
                "the SSH connection was lost while a command ran ({text})"
            ),
            RunErrorKind::Silent { after } => write!(
                f,
                "the machine gave no sign of life for {}",
                seconds(*after)
            ),
            RunErrorKind::TimedOut { after } => {
                write!(f, "the command was given up after {}", seconds(*after))
            }
            RunErrorKind::OutputTooBig { limit_bytes } => write!(
                f,
                "the command printed more than {limit_bytes} bytes and was given up"
            ),
            RunErrorKind::Cancelled => f.write_str("the command was given up"),
            RunErrorKind::Refused { text } => {
                write!(f, "the server doesn't let the command start ({text})")
            }
            RunErrorKind::SudoNeedsPassword { text } => write!(
                f,
                "sudo needs a password ({text}). Give the login user passwordless sudo (a line `USER ALL=(ALL) NOPASSWD: ALL` in /etc/sudoers.d/), or log in as root"
            ),
            RunErrorKind::SudoRefused { text } => {
                write!(f, "sudo doesn't run the command ({text})")
            }
            RunErrorKind::Unquotable { text } => f.write_str(text),
        }
    }
}
