//! One machine's thread from its first byte to a session that is logged in: dial, greet, check, log in, try again.
//!
//! Runs in the thread that will own the session. Blocks, within the limits. Decides nothing about sharing: the network does.

use std::sync::Arc;
use std::time::Duration;

use ssh2::Session;

use super::connection::Link;
use super::error::{ConnectErrorKind, Stage};
use super::forward::ForwardError;
use super::handshake::{Trust, shake_hands};
use super::login::{Login, Passphrases, Progress};
use super::route::{Proxy, Route};
use super::stream::Stream;

/// How long to wait before trying again a server that hung up: it is busy, and others wait as well.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// A bastion to go through.
#[derive(Clone)]
pub(super) struct Via {
    pub(super) link: Arc<Link>,
    pub(super) hop: String,
}

/// What the thread has to do.
pub(super) struct Errand {
    pub(super) route: Route,
    pub(super) via: Option<Via>,
    pub(super) connect: Duration,
    pub(super) passphrases: Arc<Passphrases>,
}

/// Why it came back empty-handed.
pub(super) enum Setback {
    Failed(ConnectErrorKind),
    /// The bastion's session is stuck on another opening.
    ViaStalled,
    /// The bastion's session broke.
    ViaLost(String),
}

impl From<ConnectErrorKind> for Setback {
    fn from(kind: ConnectErrorKind) -> Self {
        Self::Failed(kind)
    }
}

impl Errand {
    /// A session that is logged in, and its stream. `warn` gets the bad lines of known_hosts; `wanted` tells whether anyone
    /// still waits.
    pub(super) fn run(
        &self,
        warn: &mut dyn FnMut(&str),
        wanted: &dyn Fn() -> bool,
    ) -> Result<(Session, Stream), Setback> {
        let trust = Trust::load(&self.route)?;
        trust.warnings().iter().for_each(|warning| warn(warning));
        let mut login = Login::new(
            &self.route.user,
            &self.route.identities,
            &self.passphrases,
            self.connect,
        );
        let mut pauses = PAUSES.iter();
        let mut attempts = 0;
        loop {
            match self.once(&trust, &mut login) {
                Ok(Some(entered)) => return Ok(entered),
                Ok(None) => {}
                Err(Setback::Failed(ConnectErrorKind::Dropped { text, .. })) => {
                    attempts += 1;
                    match pauses.next().filter(|_| wanted()) {
                        Some(pause) => std::thread::sleep(*pause),
                        None => return Err(ConnectErrorKind::Dropped { attempts, text }.into()),
                    }
                }
                Err(setback) => return Err(setback),
            }
        }
    }

    /// One connection; `None` when the login goes on over another one.
    fn once(
        &self,
        trust: &Trust,
        login: &mut Login<'_>,
    ) -> Result<Option<(Session, Stream)>, Setback> {
        let stream = self.reach()?;
        let session = shake_hands(&stream, trust, self.connect)?;
        match login.attempt(&session)? {
            Progress::Entered => Ok(Some((session, stream))),
            Progress::Again => Ok(None),
        }
    }

    fn reach(&self) -> Result<Stream, Setback> {
        let route = &self.route;
        match (&self.via, &route.proxy) {
            (Some(via), _) => self.reach_through(via),
            (None, Proxy::Command(command)) => Ok(Stream::through_program(command)?),
            (None, _) => Ok(Stream::dial(
                &route.host,
                route.port,
                route.family,
                self.connect,
            )?),
        }
    }

    fn reach_through(&self, via: &Via) -> Result<Stream, Setback> {
        match via
            .link
            .forward(&self.route.host, self.route.port, self.connect)
        {
            Ok(stream) => Ok(Stream::through_bastion(stream)),
            Err(ForwardError::Refused(text)) => Err(ConnectErrorKind::JumpRefused {
                hop: via.hop.clone(),
                text,
            }
            .into()),
            Err(ForwardError::TimedOut) => Err(ConnectErrorKind::TimedOut {
                stage: Stage::Connection,
                after: self.connect,
            }
            .into()),
            Err(ForwardError::Stalled) => Err(Setback::ViaStalled),
            Err(ForwardError::Lost(text)) => Err(Setback::ViaLost(text)),
        }
    }
}
