//! The two rules of many channels on one non-blocking libssh2 session.
//!
//! A packet that was sent in part must be finished by the very call that began it, before any other call may send: libssh2 1.11
//! keeps one outgoing packet a session and matches a retry by its buffer's address (transport.c, `transport_send_existing`); any
//! other call meanwhile gets EAGAIN or, in older versions, loses its packet.
//!
//! And no call is made unless the stream has room. Some small packets stand on libssh2's stack: a channel's EOF, which closing sends
//! too (channel.c, `channel_send_eof`), the keepalive question (keepalive.c), the answer to a server's question, which any call
//! that reads may send (packet.c, `CHANNEL_FAILURE`). A retry finds them at another address or not at all, so one of them that met
//! a full stream would never be finished, and nothing else could ever be sent. A stream that `poll` calls writable takes small
//! packets whole: TCP then has a third of its buffer free, a socket pair three quarters.
//!
//! So every call goes through [`Gate::attempt`].

use std::io;
use std::os::fd::AsFd as _;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::{BlockDirections, Session};

use super::handshake::{code, code_of};
use super::stream::Stream;

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

/// Which call must pass next, and whether the stream has room for any.
pub(super) struct Gate {
    stream: Stream,
    unfinished: Option<(ChannelId, Call)>,
    /// A call of this round was held back because the stream is full.
    full: bool,
    /// Something lay there to be read when a call of this round was made.
    fed: bool,
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
    /// For the session that talks over this stream.
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            unfinished: None,
            full: false,
            fed: false,
        }
    }

    /// The call of this channel that has to be made again before anything else.
    pub(super) fn unfinished_of(&self, channel: ChannelId) -> Option<Call> {
        self.unfinished
            .filter(|(whose, _)| *whose == channel)
            .map(|(_, call)| call)
    }

    /// Whether the session waits for room to send.
    pub(super) fn waits_to_send(&self) -> bool {
        self.unfinished.is_some() || self.full
    }

    /// Begins a round of calls.
    pub(super) fn begin_round(&mut self) {
        (self.full, self.fed) = (false, false);
    }

    /// Whether a call of this round may have taken bytes from the stream. They may be another channel's, which had its turn before.
    pub(super) fn may_have_read(&self) -> bool {
        self.fed
    }

    /// Whether small packets would be taken whole.
    pub(super) fn has_room(&mut self) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(
            self.stream.as_fd(),
            PollFlags::IN | PollFlags::OUT,
        )];
        let zero = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let found = match poll(&mut fds, Some(&zero)) {
            Ok(_) => fds[0].revents(),
            // Held back, the call is made in the next round.
            Err(_) => return false,
        };
        // On a broken stream no call waits: it says what is wrong.
        let broken = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        let room = found.intersects(PollFlags::OUT | broken);
        self.fed |= room && found.contains(PollFlags::IN);
        room
    }

    /// Makes a call, unless another one has to be finished first or the stream is full.
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
        if !self.has_room() {
            self.full = true;
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

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn gate() -> (Gate, UnixStream, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let stream = Stream::through_bastion(ours.try_clone().unwrap());
        ours.set_nonblocking(true).unwrap();
        (Gate::new(stream), ours, theirs)
    }

    /// Whether a call of one round was made.
    fn made(gate: &mut Gate) -> bool {
        let session = Session::new().unwrap();
        gate.begin_round();
        let step = gate.attempt(&session, 1, Call::EndInput, || Ok::<(), io::Error>(()));
        matches!(step, Step::Done(()))
    }

    #[test]
    fn no_call_is_made_while_the_stream_is_full() {
        let (mut gate, mut ours, mut theirs) = gate();
        assert!(made(&mut gate) && !gate.waits_to_send());
        let mut sent = 0;
        while let Ok(count) = ours.write(&[0; 4096]) {
            sent += count;
        }
        assert!(!made(&mut gate) && gate.waits_to_send());
        theirs.read_exact(&mut vec![0; sent]).unwrap();
        assert!(made(&mut gate) && !gate.waits_to_send());
    }

    #[test]
    fn a_broken_stream_holds_no_call_back() {
        let (mut gate, mut ours, theirs) = gate();
        while ours.write(&[0; 4096]).is_ok() {}
        drop(theirs);
        assert!(made(&mut gate));
    }

    #[test]
    fn what_lay_there_before_a_call_may_have_been_read_by_it() {
        let (mut gate, _ours, mut theirs) = gate();
        assert!(made(&mut gate) && !gate.may_have_read());
        theirs.write_all(b"for another channel").unwrap();
        assert!(made(&mut gate) && gate.may_have_read());
        gate.begin_round();
        assert!(!gate.may_have_read());
    }
}
