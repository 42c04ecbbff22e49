//! The handle of a live connection: turns commands into requests for its thread.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{Sender, sync_channel};
use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;

use super::command::{Command, Output};
use super::exec::{Control, ExecRequest};
use super::forward::{ForwardError, ForwardRequest};
use super::quote::quote;
use super::run_error::{RunError, RunErrorKind};
use super::running::Running;
use super::shared::{Request, Shared};
use super::target::Limits;

/// The line to a connection's thread. The thread ends when the last one is dropped.
pub(super) struct Link {
    sender: Option<Sender<Request>>,
    shared: Arc<Shared>,
    /// The bastion that carries this connection must outlive it.
    _via: Option<Arc<Link>>,
}

impl Link {
    pub(super) fn new(
        sender: Sender<Request>,
        shared: Arc<Shared>,
        via: Option<Arc<Link>>,
    ) -> Self {
        Self {
            sender: Some(sender),
            shared,
            _via: via,
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        self.shared.is_alive()
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.shared.is_stalled()
    }

    pub(super) fn ring(&self) {
        self.shared.ring();
    }

    /// Hands a request over; gives it back when the thread is gone.
    fn send(&self, request: Request) -> Result<(), Request> {
        match &self.sender {
            Some(sender) => sender.send(request).map_err(|failed| failed.0)?,
            None => return Err(request),
        }
        self.ring();
        Ok(())
    }

    /// A connection from this machine to `host:port`, at most `limit` later. Blocks: for connecting threads only.
    pub(super) fn forward(
        &self,
        host: &str,
        port: u16,
        limit: Duration,
    ) -> Result<UnixStream, ForwardError> {
        let lost = |error: std::io::Error| ForwardError::Lost(error.to_string());
        let (ours, theirs) = UnixStream::pair().map_err(lost)?;
        let (reply, answer) = sync_channel(1);
        let request = ForwardRequest {
            host: host.to_owned(),
            port,
            stream: theirs,
            reply,
        };
        if self.send(Request::Forward(request)).is_err() {
            return Err(ForwardError::Lost("its connection has ended".to_owned()));
        }
        match answer.recv_timeout(limit) {
            Ok(answer) => answer.map(|()| ours),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => Err(ForwardError::TimedOut),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                Err(ForwardError::Lost("its connection has ended".to_owned()))
            }
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The thread only sees that nobody holds the line when it is woken after that.
        self.sender = None;
        self.shared.ring();
    }
}

/// A live connection to one machine. Clones share it, and so do targets that lead to the same account of the same machine.
#[derive(Clone)]
pub struct Connection {
    pub(super) name: Arc<str>,
    pub(super) link: Arc<Link>,
    pub(super) limits: Arc<Limits>,
    /// Commands go through sudo.
    pub(super) sudo: bool,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// The target's name as people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the connection is still there, as far as is known. [`super::Network::connect`] replaces one that isn't.
    pub fn is_alive(&self) -> bool {
        self.link.is_alive()
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// When it doesn't run to its end. An exit code other than 0 is no error.
    pub async fn run(&self, command: Command) -> Result<Output, RunError> {
        self.start(command).wait().await
    }

    /// Starts a command whose output is taken as it comes. Up to eight run at a time, the others wait their turn; a command's
    /// time limit counts from its own start.
    pub fn start(&self, command: Command) -> Running {
        let (events, receiver) = unbounded_channel();
        let control = Arc::new(Control::default());
        let output_bytes = command.output_bytes.unwrap_or(self.limits.output_bytes);
        let mut running = Running {
            target: self.name.clone(),
            link: self.link.clone(),
            events: receiver,
            control: control.clone(),
            output_bytes,
            sudo: self.sudo,
            taken: Vec::new(),
            end: None,
        };
        let program = match self.program(&command) {
            Ok(program) => program,
            Err(kind) => {
                running.end = Some(Err(kind));
                return running;
            }
        };
        let request = ExecRequest {
            program,
            stdin: command.stdin,
            heartbeat: command.heartbeat,
            timeout: command.timeout.unwrap_or(match command.heartbeat {
                Some(_) => Duration::MAX,
                None => self.limits.command,
            }),
            output_bytes,
            events,
            control,
        };
        if self.link.send(Request::Exec(request)).is_err() {
            running.end = Some(Err(RunErrorKind::Lost {
                text: "the connection has ended".to_owned(),
            }));
        }
        running
    }

    /// What the login shell gets. sudo is asked in the C locale, so that its complaints can be read; the command isn't.
    fn program(&self, command: &Command) -> Result<String, RunErrorKind> {
        if !self.sudo {
            return Ok(command.program.clone());
        }
        let inner = format!("unset LC_ALL; {}", command.program);
        let quoted = quote(&inner).map_err(|error| RunErrorKind::Unquotable {
            text: error.to_string(),
        })?;
        Ok(format!("env LC_ALL=C sudo -n -- sh -c {quoted}"))
    }
}
