//! One running command as its connection's thread sees it: feeds standard input, takes both outputs, watches the limits.
//!
//! Never blocks and never touches another channel. What comes goes to the [`super::Running`] by a channel of tokio's.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ssh2::{Channel, Session};
use tokio::sync::mpsc::UnboundedSender;
use zeroize::Zeroizing;

use super::command::{ExitStatus, Output};
use super::gate::{Call, ChannelId, Fault, Gate, Step};
use super::run_error::RunErrorKind;

const BEAT: &[u8] = b"beat\n";

/// What the thread tells the caller.
pub(super) enum Event {
    Stdout(Vec<u8>),
    /// The last one. On success `stdout` is empty: it came before.
    Ended(Result<Output, RunErrorKind>),
}

/// What the caller tells the thread besides.
#[derive(Default)]
pub(super) struct Control {
    pub(super) cancelled: AtomicBool,
    pub(super) input_ended: AtomicBool,
    /// Bytes of standard output that the caller has not taken yet.
    pub(super) undelivered: AtomicUsize,
}

/// A command on its way to the thread, its limits settled.
pub(super) struct ExecRequest {
    pub(super) program: String,
    pub(super) stdin: Zeroizing<Vec<u8>>,
    pub(super) heartbeat: Option<Duration>,
    pub(super) timeout: Duration,
    pub(super) output_bytes: usize,
    pub(super) events: UnboundedSender<Event>,
    pub(super) control: Arc<Control>,
}

impl ExecRequest {
    /// Tells the caller that it didn't run. A caller that is gone needs no answer.
    pub(super) fn refuse(&self, kind: RunErrorKind) {
        let _ = self.events.send(Event::Ended(Err(kind)));
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.control.cancelled.load(Ordering::Acquire)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    Running,
    /// All was read; the server's close, and with it the exit status, is to come.
    Ending,
    /// The caller was told: only the channel's end is waited for.
    Closing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Script {
        sent: usize,
    },
    /// Between beats, or `sent` bytes into one.
    Beats {
        next: Instant,
        sent: usize,
    },
    Ending,
    Ended,
}

/// A command with its channel.
pub(super) struct Exec {
    id: ChannelId,
    channel: Channel,
    request: ExecRequest,
    phase: Phase,
    input: Input,
    stderr: Vec<u8>,
    deadline: Option<Instant>,
}

/// What one round of a channel came to.
pub(super) enum Round {
    /// Something moved: go on without waiting.
    Moved,
    /// Nothing to do now.
    Still,
    /// The channel is done with.
    Finished,
    /// The whole session is broken.
    Broken(Fault),
}

/// What all channels of a session share.
pub(super) struct Bench<'a> {
    pub(super) session: &'a Session,
    pub(super) gate: &'a mut Gate,
    pub(super) buffer: &'a mut [u8],
    pub(super) now: Instant,
}

impl Exec {
    /// Takes over a channel that was just opened. The time limit counts from here.
    pub(super) fn new(id: ChannelId, channel: Channel, request: ExecRequest, now: Instant) -> Self {
        let deadline = now.checked_add(request.timeout);
        Self {
            id,
            channel,
            request,
            phase: Phase::Starting,
            input: Input::Script { sent: 0 },
            stderr: Vec::new(),
            deadline,
        }
    }

    /// When the thread should look again though nothing came.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let beat = match self.input {
            Input::Beats { next, sent: 0 } => Some(next),
            _ => None,
        };
        let limit = match self.phase {
            Phase::Closing => None,
            Phase::Starting | Phase::Running | Phase::Ending => self.deadline,
        };
        [beat, limit].into_iter().flatten().min()
    }

    /// Gives the command up and tells the caller why, unless it was told something before.
    pub(super) fn fail(&mut self, kind: &RunErrorKind) {
        if self.phase != Phase::Closing {
            self.request.refuse(kind.clone());
            self.phase = Phase::Closing;
        }
    }

    /// One round: whatever can be done without waiting.
    pub(super) fn round(&mut self, bench: &mut Bench<'_>) -> Round {
        self.look_at_limits(bench.now);
        if let Some(call) = bench.gate.unfinished_of(self.id) {
            let step = self.again(call, bench);
            if bench.gate.unfinished_of(self.id).is_some()
                || !matches!(step, Round::Moved | Round::Still)
            {
                return step;
            }
        }
        match self.phase {
            Phase::Starting => self.start(bench),
            Phase::Running => self.exchange(bench),
            Phase::Ending => self.await_close(bench),
            Phase::Closing => self.close(bench),
        }
    }

    fn again(&mut self, call: Call, bench: &mut Bench<'_>) -> Round {
        match call {
            Call::Exec => self.start(bench),
            Call::Write | Call::EndInput => self.feed(bench),
            Call::ReadOutput => self.take_output(bench),
            Call::ReadError => self.take_error(bench),
            Call::AwaitClose => self.await_close(bench),
            Call::Close => self.close(bench),
            Call::Open => Round::Still,
        }
    }

    fn look_at_limits(&mut self, now: Instant) {
        if self.request.is_cancelled() {
            self.fail(&RunErrorKind::Cancelled);
        } else if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.fail(&RunErrorKind::TimedOut {
                after: self.request.timeout,
            });
        }
    }

    fn start(&mut self, bench: &mut Bench<'_>) -> Round {
        let (channel, program) = (&mut self.channel, &self.request.program);
        match bench
            .gate
            .attempt(bench.session, self.id, Call::Exec, || channel.exec(program))
        {
            Step::Done(()) => {
                if self.phase == Phase::Starting {
                    self.phase = Phase::Running;
                }
                Round::Moved
            }
            Step::Wait => Round::Still,
            Step::Failed(fault) if fault.is_of_channel() => {
                self.fail(&RunErrorKind::Refused { text: fault.text });
                Round::Moved
            }
            Step::Failed(fault) => Round::Broken(fault),
        }
    }

    fn exchange(&mut self, bench: &mut Bench<'_>) -> Round {
        let mut moved = false;
        for step in [Self::feed, Self::take_output, Self::take_error] {
            match step(self, bench) {
                Round::Moved => moved = true,
                Round::Still => {}
                other => return other,
            }
        }
        if !moved && self.phase == Phase::Running && self.channel.eof() {
            self.phase = Phase::Ending;
            moved = true;
        }
        if moved { Round::Moved } else { Round::Still }
    }

    fn feed(&mut self, bench: &mut Bench<'_>) -> Round {
        let now = bench.now;
        self.advance_input(now);
        let (channel, id) = (&mut self.channel, self.id);
        let step = match self.input {
            Input::Script { sent } => {
                let bytes = &self.request.stdin[sent..];
                bench
                    .gate
                    .attempt(bench.session, id, Call::Write, || channel.write(bytes))
            }
            Input::Beats { next, sent } if sent > 0 || now >= next => {
                bench.gate.attempt(bench.session, id, Call::Write, || {
                    channel.write(&BEAT[sent..])
                })
            }
            Input::Ending => bench.gate.attempt(bench.session, id, Call::EndInput, || {
                channel.send_eof().map(|()| 0)
            }),
            Input::Beats { .. } | Input::Ended => return Round::Still,
        };
        match (step, self.input) {
            (Step::Done(_), Input::Ending) => {
                self.input = Input::Ended;
                Round::Moved
            }
            (Step::Done(count), Input::Script { sent }) => {
                self.input = Input::Script { sent: sent + count };
                if count > 0 {
                    Round::Moved
                } else {
                    Round::Still
                }
            }
            (Step::Done(count), Input::Beats { next, sent }) => {
                self.input = self.after_beat(next, sent + count, now);
                if count > 0 {
                    Round::Moved
                } else {
                    Round::Still
                }
            }
            // The command has ended or closed its input: what it said and its exit code still come.
            (Step::Failed(fault), _) if fault.is_of_channel() => {
                self.input = Input::Ended;
                Round::Moved
            }
            (Step::Failed(fault), _) => Round::Broken(fault),
            (Step::Done(_) | Step::Wait, _) => Round::Still,
        }
    }

    /// What is due on standard input: the next part once one is sent.
    fn advance_input(&mut self, now: Instant) {
        let ended = self.request.control.input_ended.load(Ordering::Acquire);
        match (self.input, self.request.heartbeat) {
            (Input::Script { sent }, Some(_)) if sent >= self.request.stdin.len() && !ended => {
                self.input = Input::Beats { next: now, sent: 0 };
            }
            (Input::Script { sent }, _) if sent >= self.request.stdin.len() => {
                self.input = Input::Ending
            }
            (Input::Beats { sent: 0, .. }, _) if ended => self.input = Input::Ending,
            _ => {}
        }
    }

    fn after_beat(&self, next: Instant, sent: usize, now: Instant) -> Input {
        match self.request.heartbeat {
            Some(interval) if sent >= BEAT.len() => Input::Beats {
                next: now + interval,
                sent: 0,
            },
            _ => Input::Beats { next, sent },
        }
    }

    fn take_output(&mut self, bench: &mut Bench<'_>) -> Round {
        let (channel, buffer) = (&mut self.channel, &mut *bench.buffer);
        match bench
            .gate
            .attempt(bench.session, self.id, Call::ReadOutput, || {
                channel.read(buffer)
            }) {
            Step::Done(0) | Step::Wait => Round::Still,
            Step::Done(count) => {
                let waiting = self
                    .request
                    .control
                    .undelivered
                    .fetch_add(count, Ordering::AcqRel)
                    + count;
                if waiting + self.stderr.len() > self.request.output_bytes {
                    self.fail_flood();
                } else if self.phase == Phase::Running {
                    // A caller that is gone has cancelled: the next round sees it.
                    let _ = self
                        .request
                        .events
                        .send(Event::Stdout(bench.buffer[..count].to_vec()));
                }
                Round::Moved
            }
            Step::Failed(fault) if fault.is_of_channel() => Round::Still,
            Step::Failed(fault) => Round::Broken(fault),
        }
    }

    fn take_error(&mut self, bench: &mut Bench<'_>) -> Round {
        let (mut stream, buffer) = (self.channel.stderr(), &mut *bench.buffer);
        match bench
            .gate
            .attempt(bench.session, self.id, Call::ReadError, || {
                stream.read(buffer)
            }) {
            Step::Done(0) | Step::Wait => Round::Still,
            Step::Done(count) => {
                let waiting = self.request.control.undelivered.load(Ordering::Acquire);
                if waiting + self.stderr.len() + count > self.request.output_bytes {
                    self.fail_flood();
                } else {
                    self.stderr.extend_from_slice(&bench.buffer[..count]);
                }
                Round::Moved
            }
            Step::Failed(fault) if fault.is_of_channel() => Round::Still,
            Step::Failed(fault) => Round::Broken(fault),
        }
    }

    fn fail_flood(&mut self) {
        self.fail(&RunErrorKind::OutputTooBig {
            limit_bytes: self.request.output_bytes,
        });
    }

    /// Only with the server's close the exit status is surely here.
    fn await_close(&mut self, bench: &mut Bench<'_>) -> Round {
        let fed = match self.feed(bench) {
            Round::Broken(fault) => return Round::Broken(fault),
            round => round,
        };
        let channel = &mut self.channel;
        match bench
            .gate
            .attempt(bench.session, self.id, Call::AwaitClose, || {
                channel.wait_close()
            }) {
            Step::Done(()) => {
                self.finish();
                Round::Moved
            }
            Step::Wait => fed,
            Step::Failed(fault) if fault.is_of_channel() => {
                self.fail(&RunErrorKind::Lost { text: fault.text });
                Round::Moved
            }
            Step::Failed(fault) => Round::Broken(fault),
        }
    }

    /// Closes our side and waits for the server's.
    fn close(&mut self, bench: &mut Bench<'_>) -> Round {
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

    fn finish(&mut self) {
        let signal = self
            .channel
            .exit_signal()
            .ok()
            .and_then(|signal| signal.exit_signal);
        let status = match (signal, self.channel.exit_status()) {
            (Some(signal), _) => ExitStatus::Signal(signal),
            (None, Ok(code)) => ExitStatus::Code(code),
            (None, Err(error)) => {
                return self.fail(&RunErrorKind::Lost {
                    text: error.message().to_owned(),
                });
            }
        };
        let stderr = std::mem::take(&mut self.stderr);
        let output = Output {
            status,
            stdout: Vec::new(),
            stderr,
        };
        // A caller that is gone needs no answer.
        let _ = self.request.events.send(Event::Ended(Ok(output)));
        self.phase = Phase::Closing;
    }
}
