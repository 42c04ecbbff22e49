//! One forwarded connection (direct-tcpip) as a bastion's thread sees it: bytes between a channel and one end of a socket pair.
//!
//! Never blocks; holds at most one buffer a direction, so a slow side slows the other and memory stays bounded.

use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::SyncSender;

use rustix::event::PollFlags;
use ssh2::Channel;

use super::exec::{Bench, Round};
use super::gate::{Call, ChannelId, Gate, Step};

const BUFFER_BYTES: usize = 32 * 1024;

/// Why a bastion gave no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ForwardError {
    /// The bastion's own words.
    Refused(String),
    /// Another opening is stuck on this session, and libssh2 does one at a time: take another session.
    Stalled,
    /// The bastion gave no answer in time.
    TimedOut,
    /// The session is broken.
    Lost(String),
}

/// A wish for a connection from the bastion to `host:port`.
pub(super) struct ForwardRequest {
    pub(super) host: String,
    pub(super) port: u16,
    /// The thread's end of the pair.
    pub(super) stream: UnixStream,
    /// Answered once, with room for that one.
    pub(super) reply: SyncSender<Result<(), ForwardError>>,
}

impl ForwardRequest {
    /// Answers; whoever has stopped waiting needs no answer.
    pub(super) fn answer(&self, answer: Result<(), ForwardError>) {
        let _ = self.reply.try_send(answer);
    }
}

/// Bytes on their way in one direction.
struct Pipe {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Nothing more comes in.
    source_ended: bool,
}

impl Pipe {
    fn new() -> Self {
        Self {
            bytes: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            source_ended: false,
        }
    }

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn filled(&mut self, count: usize) {
        (self.start, self.end) = (0, count);
    }
}

/// A forwarded connection with its channel.
pub(super) struct Forward {
    id: ChannelId,
    channel: Channel,
    local: UnixStream,
    /// From the socket pair to the channel.
    outward: Pipe,
    /// From the channel to the socket pair.
    inward: Pipe,
    eof_sent: bool,
    closing: bool,
}

impl Forward {
    /// Pumps between a channel that was just opened and the thread's end of the pair.
    pub(super) fn new(id: ChannelId, channel: Channel, local: UnixStream) -> io::Result<Self> {
        local.set_nonblocking(true)?;
        Ok(Self {
            id,
            channel,
            local,
            outward: Pipe::new(),
            inward: Pipe::new(),
            eof_sent: false,
            closing: false,
        })
    }

    /// What to wait for at the socket pair; `None` when nothing there matters now.
    pub(super) fn interest(&self, gate: &Gate) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let mut flags = PollFlags::empty();
        if self.outward.is_empty() && !self.outward.source_ended && !gate.waits_to_send() {
            flags |= PollFlags::IN;
        }
        if !self.inward.is_empty() {
            flags |= PollFlags::OUT;
        }
        (!flags.is_empty() && !self.closing).then(|| (self.local.as_fd(), flags))
    }

    /// Whether a call of this channel's would read what comes to the session. A slow side leaves it lying there.
    pub(super) fn wants_input(&self) -> bool {
        let receives = self.inward.is_empty() && !self.inward.source_ended;
        self.closing || receives || !self.outward.is_empty()
    }

    /// One round: whatever can be done without waiting.
    pub(super) fn round(&mut self, bench: &mut Bench<'_>) -> Round {
        if let Some(call) = bench.gate.unfinished_of(self.id) {
            let step = match call {
                Call::Write => self.send(bench),
                Call::EndInput => self.end(bench),
                Call::ReadOutput => self.receive(bench),
                _ => self.close(bench),
            };
            if bench.gate.unfinished_of(self.id).is_some()
                || !matches!(step, Round::Moved | Round::Still)
            {
                return step;
            }
        }
        if self.closing {
            return self.close(bench);
        }
        let mut moved = self.read_local(bench);
        for step in [Self::send, Self::end, Self::receive] {
            match step(self, bench) {
                Round::Moved => moved = true,
                Round::Still => {}
                other => return other,
            }
        }
        moved |= self.write_local();
        if self.inward.source_ended && self.inward.is_empty() {
            // Whoever reads there sees the end; one that is gone already sees nothing.
            let _ = self.local.shutdown(Shutdown::Write);
            self.closing = true;
        }
        if moved || self.closing {
            Round::Moved
        } else {
            Round::Still
        }
    }

    fn read_local(&mut self, bench: &Bench<'_>) -> bool {
        if !self.outward.is_empty() || self.outward.source_ended || bench.gate.waits_to_send() {
            return false;
        }
        match self.local.read(&mut self.outward.bytes) {
            Ok(0) => {
                self.outward.source_ended = true;
                true
            }
            Ok(count) => {
                self.outward.filled(count);
                true
            }
            Err(error) if is_temporary(&error) => false,
            Err(_) => {
                self.closing = true;
                true
            }
        }
    }

    fn write_local(&mut self) -> bool {
        if self.inward.is_empty() {
            return false;
        }
        match self
            .local
            .write(&self.inward.bytes[self.inward.start..self.inward.end])
        {
            Ok(count) => {
                self.inward.start += count;
                count > 0
            }
            Err(error) if is_temporary(&error) => false,
            Err(_) => {
                self.closing = true;
                true
            }
        }
    }

    fn send(&mut self, bench: &mut Bench<'_>) -> Round {
        if self.outward.is_empty() {
            return Round::Still;
        }
        let (channel, pipe) = (&mut self.channel, &mut self.outward);
        let bytes = &pipe.bytes[pipe.start..pipe.end];
        match bench
            .gate
            .attempt(bench.session, self.id, Call::Write, || channel.write(bytes))
        {
            Step::Done(0) | Step::Wait => Round::Still,
            Step::Done(count) => {
                pipe.start += count;
                Round::Moved
            }
            Step::Failed(fault) if fault.is_of_channel() => self.abandon(),
            Step::Failed(fault) => Round::Broken(fault),
        }
    }

    fn end(&mut self, bench: &mut Bench<'_>) -> Round {
        if !self.outward.source_ended || !self.outward.is_empty() || self.eof_sent {
            return Round::Still;
        }
        let channel = &mut self.channel;
        match bench
            .gate
            .attempt(bench.session, self.id, Call::EndInput, || {
                channel.send_eof()
            }) {
            Step::Done(()) => {
                self.eof_sent = true;
                Round::Moved
            }
            Step::Wait => Round::Still,
            Step::Failed(fault) if fault.is_of_channel() => self.abandon(),
            Step::Failed(fault) => Round::Broken(fault),
        }
    }

    fn receive(&mut self, bench: &mut Bench<'_>) -> Round {
        if !self.inward.is_empty() || self.inward.source_ended {
            return Round::Still;
        }
        let (channel, bytes) = (&mut self.channel, &mut self.inward.bytes);
        match bench
            .gate
            .attempt(bench.session, self.id, Call::ReadOutput, || {
                channel.read(bytes)
            }) {
            Step::Done(0) if self.channel.eof() => {
                self.inward.source_ended = true;
                Round::Moved
            }
            Step::Done(0) | Step::Wait => Round::Still,
            Step::Done(count) => {
                self.inward.filled(count);
                Round::Moved
            }
            Step::Failed(fault) if fault.is_of_channel() => self.abandon(),
            Step::Failed(fault) => Round::Broken(fault),
        }
    }

    fn abandon(&mut self) -> Round {
        self.closing = true;
        Round::Moved
    }

    fn close(&mut self, bench: &mut Bench<'_>) -> Round {
        self.closing = true;
        let channel = &mut self.channel;
        match bench
            .gate
            .attempt(bench.session, self.id, Call::Close, || channel.close())
        {
            Step::Done(()) => Round::Finished,
            Step::Wait => Round::Still,
            Step::Failed(fault) if fault.is_of_channel() => Round::Finished,
            Step::Failed(fault) => Round::Broken(fault),
        }
    }
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
