//! Standard output and standard error: data on the one, talk on the other.
//!
//! The only place of the crate that writes to them, besides progress bars. Decides about colour once, from
//! `-no-color`, `NO_COLOR`, `CLICOLOR_FORCE` and whether a terminal listens.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, StdoutLock, Write};

use crate::diagnostics::Colour;

/// Where a command's words go, and whether in colour.
#[derive(Clone, Copy, Debug)]
pub struct Streams {
    /// Colour of standard output.
    pub data_colour: Colour,
    /// Colour of standard error.
    pub talk_colour: Colour,
}

impl Streams {
    /// Decides about colour: `-no-color` and `NO_COLOR` win over `CLICOLOR_FORCE`, and that over what listens.
    pub fn new(no_color: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_set = |name| variable(name).is_some_and(|value| !value.is_empty() && value != "0");
        let colour = |terminal: bool| {
            let never = no_color || variable("NO_COLOR").is_some_and(|value| !value.is_empty());
            if !never && (terminal || is_set("CLICOLOR_FORCE")) {
                Colour::Ansi
            } else {
                Colour::Plain
            }
        };
        Self {
            data_colour: colour(io::stdout().is_terminal()),
            talk_colour: colour(io::stderr().is_terminal()),
        }
    }

    /// Writes data to standard output. A reader that went away (`| head`) is no error.
    ///
    /// # Errors
    /// When it can't be written, for example to a full disk.
    pub fn data(&self, text: &str) -> io::Result<()> {
        self.data_by(|stream| stream.write_all(text.as_bytes()))
    }

    /// The same for data that is written piece by piece.
    ///
    /// # Errors
    /// As [`Streams::data`].
    pub fn data_by(
        &self,
        write: impl FnOnce(&mut StdoutLock<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut stream = io::stdout().lock();
        heard(write(&mut stream).and_then(|()| stream.flush()))
    }

    /// Says something on standard error. That nobody can hear it is no error.
    pub fn talk(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Whether standard error is a terminal, where bars can be drawn.
    pub fn talks_to_terminal() -> bool {
        io::stderr().is_terminal()
    }

    /// Whether a person sits at both ends, so that a question may be asked.
    pub fn can_ask() -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }
}

/// That nobody listens any more is no error.
fn heard(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// The value of an environment variable that is valid UTF-8.
pub fn variable(name: &str) -> Option<String> {
    std::env::var_os(OsStr::new(name)).and_then(|value| value.into_string().ok())
}
