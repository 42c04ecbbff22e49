//! The one rule of many channels on one non-blocking libssh2 session: a packet that was sent in part must be finished by the
//! very call that began it, before any other call may send.
//!
//! libssh2 1.11 keeps one outgoing packet a session and matches a retry by its buffer's address (transport.c,
//! `transport_send_existing`); any other call meanwhile gets EAGAIN or, in older versions, loses its packet. So every call goes
//! through [`Gate::attempt`], which remembers the unfinished one and lets only that one pass.

use std::io;

use ssh2::{BlockDirections, Session};

use super::handshake::{code, code_of};

/// Whose call it is: a number of the driver's, unique on the session.
pub(super) type ChannelId = u64;

/// Which call of a channel's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Open,
    Exec,
    Write,
    EndInput,
    ReadOutput,
    ReadError,
    AwaitClose,
    Close,
}

/// Why a call failed for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) code: i32,
    pub(super) text: String,
}

impl Fault {
    /// Whether only this channel is at its end, and not the whole session.
    pub(super) fn is_of_channel(&self) -> bool {
        matches!(
            self.code,
            code::CHANNEL_FAILURE
                | code::CHANNEL_REQUEST_DENIED
                | code::CHANNEL_CLOSED
                | code::CHANNEL_EOF_SENT
        )
    }
}

/// How a call went.
pub(super) enum Step<T> {
    Done(T),
    /// Not now: call again, with the same buffer.
    Wait,
    Failed(Fault),
}

/// Which call must pass next, if any.
#[derive(Debug, Default)]
pub(super) struct Gate {
    unfinished: Option<(ChannelId, Call)>,
}

/// Both kinds of errors that ssh2's calls have.
pub(super) trait CallError {
    fn would_block(&self) -> bool;
    fn fault(self, session: &Session) -> Fault;
}

impl CallError for ssh2::Error {
    fn would_block(&self) -> bool {
        code_of(self) == code::EAGAIN
    }

    fn fault(self, _: &Session) -> Fault {
        Fault {
            code: code_of(&self),
            text: self.message().to_owned(),
        }
    }
}

impl CallError for io::Error {
    fn would_block(&self) -> bool {
        self.kind() == io::ErrorKind::WouldBlock
    }

    fn fault(self, session: &Session) -> Fault {
        Fault {
            code: ssh2::Error::last_session_error(session).map_or(0, |error| code_of(&error)),
            text: self.to_string(),
        }
    }
}

impl Gate {
    /// The call of this channel that has to be made again before anything else.
    pub(super) fn unfinished_of(&self, channel: ChannelId) -> Option<Call> {
        self.unfinished
            .filter(|(whose, _)| *whose == channel)
            .map(|(_, call)| call)
    }

    /// Whether the session waits for room to send.
    pub(super) fn waits_to_send(&self) -> bool {
        self.unfinished.is_some()
    }

    /// Makes a call, unless another one has to be finished first.
    pub(super) fn attempt<T, E: CallError>(
        &mut self,
        session: &Session,
        channel: ChannelId,
        call: Call,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Step<T> {
        if self
            .unfinished
            .is_some_and(|unfinished| unfinished != (channel, call))
        {
            return Step::Wait;
        }
        match make() {
            Ok(value) => {
                self.unfinished = None;
                Step::Done(value)
            }
            Err(error) if error.would_block() => {
                let sending = matches!(
                    session.block_directions(),
                    BlockDirections::Outbound | BlockDirections::Both
                );
                self.unfinished = sending.then_some((channel, call));
                Step::Wait
            }
            Err(error) => {
                self.unfinished = None;
                Step::Failed(error.fault(session))
            }
        }
    }
}
