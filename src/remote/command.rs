//! A remote command as data, and what it answers.

use std::time::Duration;

use zeroize::Zeroizing;

/// One command for a machine's shell.
#[derive(Clone)]
pub struct Command {
    /// Remote command line, its words already quoted by [`super::quote`]: `sh -s`.
    pub program: String,
    /// Fed to its standard input; the place for scripts and secrets. Wiped afterwards.
    pub stdin: Zeroizing<Vec<u8>>,
    /// After `stdin`, a line `beat` at once and then in each interval, standard input kept open: for locks that must end
    /// with this client. Without it standard input ends after `stdin`.
    pub heartbeat: Option<Duration>,
    /// How long it may run; `None`: [`super::Limits::command`], or no limit where there is a heartbeat. `Duration::MAX` is no
    /// limit.
    pub timeout: Option<Duration>,
    /// Bound of standard output and error together; `None`: [`super::Limits::output_bytes`].
    pub output_bytes: Option<usize>,
}

impl Command {
    /// A command line without input and with the network's limits.
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            stdin: Zeroizing::new(Vec::new()),
            heartbeat: None,
            timeout: None,
            output_bytes: None,
        }
    }

    /// `sh -s` with `arguments` as `$1`, `$2` …, and the script on standard input.
    ///
    /// # Errors
    /// When an argument holds a NUL byte.
    pub fn script(script: &str, arguments: &[&str]) -> Result<Self, super::QuoteError> {
        let mut program = String::from("sh -s --");
        for argument in arguments {
            program.push(' ');
            program.push_str(&super::quote(argument)?);
        }
        Ok(Self::new(program).stdin(script.as_bytes().to_vec()))
    }

    /// Sets what standard input gets.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Zeroizing::new(bytes.into());
        self
    }

    /// Sets the interval of the heartbeat.
    pub fn heartbeat(mut self, interval: Duration) -> Self {
        self.heartbeat = Some(interval);
        self
    }

    /// Sets how long it may run.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how much it may print.
    pub fn output_bytes(mut self, bytes: usize) -> Self {
        self.output_bytes = Some(bytes);
        self
    }
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitStatus {
    /// It exited by itself.
    Code(i32),
    /// A signal ended it: `TERM`, without `SIG`.
    Signal(String),
}

impl ExitStatus {
    /// Exit code 0.
    pub fn success(&self) -> bool {
        *self == Self::Code(0)
    }
}

impl std::fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(name) => write!(f, "signal {name}"),
        }
    }
}

/// What a command answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output (for a [`Running`]: what was not taken before).
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Standard output as text; what isn't UTF-8 is replaced.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text; what isn't UTF-8 is replaced.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}
