//! What a connection's handles and its thread both see: requests, the bell that wakes the thread, and whether it is alive.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};

use super::exec::ExecRequest;
use super::forward::ForwardRequest;

/// From here on an opening through a bastion counts as stuck: others had better take another session.
pub(super) const STALL: Duration = Duration::from_secs(2);

/// What handles ask of the thread.
pub(super) enum Request {
    Exec(ExecRequest),
    Forward(ForwardRequest),
    /// The thread's own: hear what the server wants.
    Listen,
}

/// What thread and handles both see.
pub(super) struct Shared {
    alive: AtomicBool,
    opening_since: Mutex<Option<Instant>>,
    bell: OwnedFd,
}

impl Shared {
    pub(super) fn new() -> std::io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self {
            alive: AtomicBool::new(true),
            opening_since: Mutex::new(None),
            bell,
        })
    }

    /// Wakes the thread. A bell that is full rings already.
    pub(super) fn ring(&self) {
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    /// The bell, for `poll`.
    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// Takes note that the bell rang.
    pub(super) fn hush(&self) {
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
    }

    /// Whether the connection can still be used.
    pub(super) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }

    /// The connection is over.
    pub(super) fn set_dead(&self) {
        self.alive.store(false, Ordering::Release);
    }

    /// Whether an opening has been stuck for a while.
    pub(super) fn is_stalled(&self) -> bool {
        let since = self
            .opening_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() >= STALL)
    }

    /// An opening began, or is over.
    pub(super) fn set_opening(&self, since: Option<Instant>) {
        *self
            .opening_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = since;
    }
}
