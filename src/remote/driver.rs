//! The thread that owns one session and all its channels: one poll loop for commands and forwarded connections.
//!
//! A session and its channels live and die in this thread: libssh2 frees channels without the session's lock. It never blocks but
//! in `poll`, and it ends when the last handle is gone or the connection breaks. Whoever waits is told why.

use std::collections::VecDeque;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::{Channel, Session};

use super::ear::Ear;
use super::exec::{Bench, Exec, Round};
use super::forward::{Forward, ForwardError, ForwardRequest};
use super::gate::{Call, ChannelId, Fault, Gate, Step};
use super::handshake::code;
use super::pulse::{Due, Pulse};
use super::run_error::RunErrorKind;
use super::shared::{Request, STALL, Shared};
use super::stream::Stream;

/// sshd allows ten sessions on a connection (MaxSessions).
const COMMANDS_AT_ONCE: usize = 8;
const BUFFER_BYTES: usize = 64 * 1024;
/// How often an idle connection is looked at.
const IDLE_GLANCE: Duration = Duration::from_secs(10);

/// How often an opening is tried again that the server refused while none of ours was open, and how long after.
const REFUSALS: u32 = 20;
const REFUSAL_PAUSE: Duration = Duration::from_millis(100);

struct Opening {
    id: ChannelId,
    request: Request,
    since: Instant,
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

/// The thread's state.
pub(super) struct Driver {
    session: Session,
    stream: Stream,
    requests: Receiver<Request>,
    shared: Arc<Shared>,
    commands_at_once: usize,
    /// How often in a row the server opened no channel although none of ours is open, and when the next try is due.
    refusals: u32,
    not_before: Option<Instant>,
    gate: Gate,
    buffer: Vec<u8>,
    waiting: VecDeque<Request>,
    opening: Option<Opening>,
    commands: Vec<Exec>,
    forwards: Vec<Forward>,
    ears: Vec<Ear>,
    next_id: ChannelId,
    pulse: Pulse,
    handles: Handles,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Handles {
    Held,
    Gone,
}

impl Driver {
    /// Takes over a session that is logged in.
    pub(super) fn new(
        session: Session,
        stream: Stream,
        requests: Receiver<Request>,
        shared: Arc<Shared>,
        silence: Duration,
    ) -> Self {
        session.set_blocking(false);
        // The interval only keeps libssh2 from sending more than one in two seconds: when to ask is decided here.
        session.set_keepalive(true, 2);
        let now = Instant::now();
        Self {
            session,
            gate: Gate::new(stream.clone()),
            stream,
            requests,
            shared,
            commands_at_once: COMMANDS_AT_ONCE,
            refusals: 0,
            not_before: None,
            buffer: vec![0; BUFFER_BYTES],
            waiting: VecDeque::new(),
            opening: None,
            commands: Vec::new(),
            forwards: Vec::new(),
            ears: Vec::new(),
            next_id: 0,
            pulse: Pulse::new(silence, now),
            handles: Handles::Held,
        }
    }

    /// Serves until the last handle is gone or the connection breaks.
    pub(super) fn serve(mut self) {
        let end = loop {
            let now = Instant::now();
            self.take_requests(now);
            if self.handles == Handles::Gone && self.is_idle() {
                break None;
            }
            let moved = match self.round(now) {
                Ok(moved) => moved,
                Err(fault) => break Some(RunErrorKind::Lost { text: fault.text }),
            };
            if moved {
                self.pulse.quicken();
                continue;
            }
            if let Err(kind) = self.wait(now) {
                break Some(kind);
            }
        };
        self.end(end);
    }

    fn is_idle(&self) -> bool {
        let no_channels =
            self.commands.is_empty() && self.forwards.is_empty() && self.ears.is_empty();
        self.waiting.is_empty() && self.opening.is_none() && no_channels
    }

    fn take_requests(&mut self, now: Instant) {
        let was_idle = self.is_idle();
        loop {
            match self.requests.try_recv() {
                Ok(request) => self.waiting.push_back(request),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.handles = Handles::Gone;
                    break;
                }
            }
        }
        if was_idle && !self.is_idle() {
            self.pulse.begin(now);
        }
        self.waiting.retain(|request| match request {
            Request::Exec(exec) if exec.is_cancelled() => {
                exec.refuse(RunErrorKind::Cancelled);
                false
            }
            _ => true,
        });
    }

    /// One call for each channel; whether anything moved, or may have come for one that had its turn before.
    fn round(&mut self, now: Instant) -> Result<bool, Fault> {
        self.gate.begin_round();
        let mut moved = self.open_next(now)?;
        let mut bench = Bench {
            session: &self.session,
            gate: &mut self.gate,
            buffer: &mut self.buffer,
            now,
        };
        let mut broken = None;
        let mut step = |round: Round| match round {
            Round::Moved => {
                moved = true;
                true
            }
            Round::Still => true,
            Round::Finished => {
                moved = true;
                false
            }
            Round::Broken(fault) => {
                broken.get_or_insert(fault);
                true
            }
        };
        self.commands
            .retain_mut(|command| step(command.round(&mut bench)));
        self.forwards
            .retain_mut(|forward| step(forward.round(&mut bench)));
        self.ears.retain_mut(|ear| step(ear.round(&mut bench)));
        match broken {
            Some(fault) => Err(fault),
            None => {
                let moved = moved || self.gate.may_have_read();
                if moved {
                    self.pulse.hear(now);
                }
                Ok(moved)
            }
        }
    }

    /// libssh2 keeps one opening's state a session, so openings go one after the other.
    fn open_next(&mut self, now: Instant) -> Result<bool, Fault> {
        if self.opening.is_none() {
            if self.not_before.is_some_and(|at| at > now) {
                return Ok(false);
            }
            let room = self.commands.len() < self.commands_at_once;
            let next = self
                .waiting
                .iter()
                .position(|request| room || matches!(request, Request::Forward(_)));
            let Some(request) = next.and_then(|index| self.waiting.remove(index)) else {
                return Ok(false);
            };
            self.next_id += 1;
            self.opening = Some(Opening {
                id: self.next_id,
                request,
                since: now,
            });
            self.shared.set_opening(Some(now));
        }
        let Some(opening) = &self.opening else {
            return Ok(false);
        };
        let session = &self.session;
        let step = self
            .gate
            .attempt(session, opening.id, Call::Open, || match &opening.request {
                Request::Exec(_) | Request::Listen => session.channel_session(),
                Request::Forward(forward) => {
                    session.channel_direct_tcpip(&forward.host, forward.port, None)
                }
            });
        match step {
            Step::Wait => {
                if opening.since + STALL <= now {
                    self.turn_forwards_away();
                }
                Ok(false)
            }
            Step::Done(channel) => {
                self.opened(channel, now);
                Ok(true)
            }
            Step::Failed(fault) if fault.code == code::CHANNEL_FAILURE => {
                self.not_opened(fault, now);
                Ok(true)
            }
            Step::Failed(fault) => Err(fault),
        }
    }

    fn opened(&mut self, channel: Channel, now: Instant) {
        self.shared.set_opening(None);
        (self.refusals, self.not_before) = (0, None);
        let Some(Opening { id, request, .. }) = self.opening.take() else {
            return;
        };
        match request {
            Request::Exec(request) => self.commands.push(Exec::new(id, channel, request, now)),
            Request::Listen => self.ears.push(Ear { id, channel }),
            Request::Forward(ForwardRequest { stream, reply, .. }) => {
                match Forward::new(id, channel, stream) {
                    Ok(forward) => {
                        // Whoever has stopped waiting has closed its end of the pair: the pump sees that.
                        let _ = reply.try_send(Ok(()));
                        self.forwards.push(forward);
                    }
                    Err(error) => {
                        let _ = reply.try_send(Err(ForwardError::Lost(error.to_string())));
                    }
                }
            }
        }
    }

    fn not_opened(&mut self, fault: Fault, now: Instant) {
        self.shared.set_opening(None);
        match self.opening.take().map(|opening| opening.request) {
            // The server allows fewer sessions than is usual: wait for one of ours to end.
            Some(Request::Exec(request)) if !self.commands.is_empty() => {
                self.commands_at_once = self.commands.len();
                self.waiting.push_front(Request::Exec(request));
            }
            // sshd counts a session until it has reaped its process: a moment after the last of ours has ended.
            Some(Request::Exec(request)) if self.refusals < REFUSALS => {
                self.refusals += 1;
                self.not_before = Some(now + REFUSAL_PAUSE);
                self.waiting.push_front(Request::Exec(request));
            }
            Some(Request::Exec(request)) => {
                request.refuse(RunErrorKind::Refused { text: fault.text })
            }
            Some(Request::Forward(request)) => {
                request.answer(Err(ForwardError::Refused(fault.text)))
            }
            Some(Request::Listen) | None => {}
        }
    }

    fn turn_forwards_away(&mut self) {
        self.waiting.retain(|request| match request {
            Request::Forward(forward) => {
                forward.answer(Err(ForwardError::Stalled));
                false
            }
            Request::Exec(_) | Request::Listen => true,
        });
    }

    fn wait(&mut self, now: Instant) -> Result<(), RunErrorKind> {
        let busy = !self.is_idle();
        if busy {
            self.watch_silence(now)?;
        }
        let timeout = timespec(
            self.next_alarm(now).saturating_duration_since(now) + Duration::from_millis(1),
        );
        // While nothing reads, bytes may lie there: only the end of the connection is of interest then.
        let session_flags = match (self.gate.waits_to_send(), self.wants_input()) {
            _ if !busy => PollFlags::RDHUP,
            (true, _) => PollFlags::OUT,
            (false, true) => PollFlags::IN,
            (false, false) => PollFlags::empty(),
        };
        let mut fds: Vec<PollFd<'_>> = vec![
            PollFd::from_borrowed_fd(self.stream.as_fd(), session_flags),
            PollFd::from_borrowed_fd(self.shared.bell(), PollFlags::IN),
        ];
        let pumps = self
            .forwards
            .iter()
            .filter_map(|forward| forward.interest(&self.gate));
        fds.extend(pumps.map(|(fd, flags)| PollFd::from_borrowed_fd(fd, flags)));
        let ready = match poll(&mut fds, Some(&timeout)) {
            Ok(ready) => ready,
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(error) => {
                return Err(RunErrorKind::Lost {
                    text: format!("poll: {error}"),
                });
            }
        };
        let (session, bell) = (fds[0].revents(), fds[1].revents());
        if session.contains(PollFlags::IN) {
            self.pulse.hear(Instant::now());
        }
        if ready > 0 {
            self.pulse.quicken();
        }
        if bell.contains(PollFlags::IN) {
            self.shared.hush();
        }
        if !busy && session.intersects(PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR) {
            return Err(RunErrorKind::Lost {
                text: "the server closed the connection".to_owned(),
            });
        }
        if !busy && ready == 0 {
            self.listen();
        }
        Ok(())
    }

    /// Whether any channel's calls would read what comes.
    fn wants_input(&self) -> bool {
        let forwards = self.forwards.iter().any(Forward::wants_input);
        self.opening.is_some() || !self.commands.is_empty() || !self.ears.is_empty() || forwards
    }

    fn next_alarm(&mut self, now: Instant) -> Instant {
        if self.is_idle() {
            return now + IDLE_GLANCE;
        }
        let alarms = self.commands.iter().filter_map(Exec::wake_at);
        let stall = self
            .opening
            .as_ref()
            .map(|opening| opening.since + STALL)
            .filter(|at| *at > now);
        let pulse = self.pulse.alarm(now);
        alarms
            .chain(stall)
            .chain(self.not_before.filter(|at| *at > now))
            .fold(pulse, Instant::min)
    }

    /// Lets libssh2 read and answer what an idle server has sent (ClientAliveInterval): only a call on a channel does that, so
    /// one is opened and closed again.
    fn listen(&mut self) {
        let mut fds = [PollFd::from_borrowed_fd(self.stream.as_fd(), PollFlags::IN)];
        let zero = timespec(Duration::ZERO);
        if poll(&mut fds, Some(&zero)).is_ok_and(|ready| ready > 0) {
            self.waiting.push_back(Request::Listen);
            self.pulse.begin(Instant::now());
        }
    }

    /// A machine that owes us something is asked for a sign of life, and given up when none comes.
    fn watch_silence(&mut self, now: Instant) -> Result<(), RunErrorKind> {
        let unread =
            rustix::io::ioctl_fionread(&self.stream).map_err(|error| RunErrorKind::Lost {
                text: format!("FIONREAD: {error}"),
            })?;
        self.pulse.see_unread(unread, now);
        match self.pulse.due(now) {
            Due::End => {
                return Err(RunErrorKind::Silent {
                    after: self.pulse.silence(),
                });
            }
            // Where there is no room for a question, the machine has plenty to answer already.
            Due::Question if !self.gate.waits_to_send() && self.gate.has_room() => {
                self.session
                    .keepalive_send()
                    .map_err(|error| RunErrorKind::Lost {
                        text: error.message().to_owned(),
                    })?;
            }
            Due::Question | Due::Nothing => {}
        }
        Ok(())
    }

    fn end(mut self, why: Option<RunErrorKind>) {
        self.shared.set_dead();
        self.shared.set_opening(None);
        let Some(kind) = why else {
            self.session.set_timeout(1000);
            self.session.set_blocking(true);
            // The server sees the connection's end one way or the other.
            let _ = self.session.disconnect(None, "done", None);
            self.stream.shut();
            return;
        };
        // With the stream shut no call can block or leave half a packet: the channels are freed, whatever state they are in.
        self.stream.shut();
        let text = match &kind {
            RunErrorKind::Silent { after } => format!("no sign of life for {} s", after.as_secs()),
            RunErrorKind::Lost { text } => text.clone(),
            _ => "the connection has ended".to_owned(),
        };
        self.take_requests(Instant::now());
        let opening = self.opening.take().map(|opening| opening.request);
        for request in opening.into_iter().chain(self.waiting.drain(..)) {
            match request {
                Request::Exec(request) => request.refuse(kind.clone()),
                Request::Forward(request) => request.answer(Err(ForwardError::Lost(text.clone()))),
                Request::Listen => {}
            }
        }
        for command in &mut self.commands {
            command.fail(&kind);
        }
    }
}
