//! From a stream to a session whose host key is known: limits, algorithm preference, key exchange, verdict of known_hosts.
//!
//! Must never let a session through whose key isn't known. Takes files from the [`Route`], gives a [`Session`].

use std::path::PathBuf;
use std::time::Duration;

use ssh2::{MethodType, Session};

use super::error::{ConnectErrorKind, Stage};
use super::known_hosts::{HostKey, HostName, KnownHosts, Verdict};
use super::route::Route;
use super::stream::Stream;

/// libssh2's error codes that are told apart (libssh2.h).
pub(super) mod code {
    pub(crate) const SOCKET_SEND: i32 = -7;
    pub(crate) const TIMEOUT: i32 = -9;
    pub(crate) const SOCKET_DISCONNECT: i32 = -13;
    pub(crate) const FILE: i32 = -16;
    pub(crate) const PUBLICKEY_UNVERIFIED: i32 = -19;
    pub(crate) const CHANNEL_FAILURE: i32 = -21;
    pub(crate) const CHANNEL_REQUEST_DENIED: i32 = -22;
    pub(crate) const CHANNEL_CLOSED: i32 = -26;
    pub(crate) const CHANNEL_EOF_SENT: i32 = -27;
    pub(crate) const EAGAIN: i32 = -37;
    pub(crate) const SOCKET_RECV: i32 = -43;
}

/// The number of a libssh2 error; 0 for one of another origin.
pub(super) fn code_of(error: &ssh2::Error) -> i32 {
    match error.code() {
        ssh2::ErrorCode::Session(code) => code,
        ssh2::ErrorCode::SFTP(_) => 0,
    }
}

/// What known_hosts says about one machine.
pub(super) struct Trust {
    known: KnownHosts,
    name: HostName,
    file: PathBuf,
}

impl Trust {
    /// Reads the files of the route. One that isn't there is empty.
    pub(super) fn load(route: &Route) -> Result<Self, ConnectErrorKind> {
        let mut known = KnownHosts::default();
        for file in &route.known_hosts {
            match std::fs::read(file) {
                Ok(bytes) => known.add(file, &String::from_utf8_lossy(&bytes)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    let (file, text) = (file.display().to_string(), error.to_string());
                    return Err(ConnectErrorKind::KnownHostsUnreadable { file, text });
                }
            }
        }
        let name = match &route.host_key_alias {
            Some(alias) => HostName::new(alias, 22),
            None => HostName::new(&route.host, route.port),
        };
        let file = route
            .known_hosts
            .first()
            .cloned()
            .unwrap_or_else(|| PathBuf::from("/etc/ssh/ssh_known_hosts"));
        Ok(Self { known, name, file })
    }

    /// Bad lines of the files.
    pub(super) fn warnings(&self) -> &[String] {
        &self.known.warnings
    }

    /// Key algorithms to ask the server for, those that the files know first. Never certificates: nothing here could check them.
    fn preference(&self, session: &Session) -> Result<String, ssh2::Error> {
        let all = session.supported_algs(MethodType::HostKey)?;
        let known = self.known.algorithms(&self.name);
        let is_known = |algorithm: &str| {
            let key = if algorithm.starts_with("rsa-sha2-") {
                "ssh-rsa"
            } else {
                algorithm
            };
            known.iter().any(|known| known == key)
        };
        let plain = all
            .into_iter()
            .filter(|algorithm| !algorithm.contains("-cert-"));
        let (first, then): (Vec<&str>, Vec<&str>) =
            plain.partition(|algorithm| is_known(algorithm));
        Ok([first, then].concat().join(","))
    }

    fn check(&self, session: &Session) -> Result<(), ConnectErrorKind> {
        let Some(key) = session
            .host_key()
            .and_then(|(blob, _)| HostKey::from_blob(blob))
        else {
            return Err(ConnectErrorKind::HandshakeFailed {
                text: "the server shows no host key".to_owned(),
            });
        };
        let (algorithm, fingerprint) = (key.algorithm().to_owned(), key.fingerprint());
        let (line, file) = (
            key.line_for(self.name.as_str()),
            self.file.display().to_string(),
        );
        Err(match self.known.judge(&self.name, &key) {
            Verdict::Known => return Ok(()),
            Verdict::Changed { place } => ConnectErrorKind::KeyChanged {
                algorithm,
                fingerprint,
                place: place.to_string(),
            },
            Verdict::Revoked { place } => ConnectErrorKind::KeyRevoked {
                fingerprint,
                place: place.to_string(),
            },
            Verdict::OnlyAuthority { place } => ConnectErrorKind::OnlyAuthority {
                fingerprint,
                place: place.to_string(),
                line,
            },
            Verdict::Unknown { other } => {
                let other = other
                    .map(|(place, algorithm)| format!("{place} knows it by its {algorithm} key"));
                ConnectErrorKind::KeyUnknown {
                    algorithm,
                    fingerprint,
                    line,
                    file,
                    other,
                }
            }
        })
    }
}

/// Shakes hands and checks the host key. `limit` bounds each wait of the handshake.
pub(super) fn shake_hands(
    stream: &Stream,
    trust: &Trust,
    limit: Duration,
) -> Result<Session, ConnectErrorKind> {
    let client = |error: ssh2::Error| ConnectErrorKind::Client {
        text: error.message().to_owned(),
    };
    let mut session = Session::new().map_err(client)?;
    session.set_timeout(u32::try_from(limit.as_millis()).unwrap_or(u32::MAX).max(1));
    let preference = trust.preference(&session).map_err(client)?;
    session
        .method_pref(MethodType::HostKey, &preference)
        .map_err(client)?;
    session.set_tcp_stream(stream.clone());
    session
        .handshake()
        .map_err(|error| handshake_failure(&error, stream, limit))?;
    trust.check(&session)?;
    Ok(session)
}

fn handshake_failure(error: &ssh2::Error, stream: &Stream, limit: Duration) -> ConnectErrorKind {
    let text = error.message().to_owned();
    match code_of(error) {
        code::TIMEOUT => ConnectErrorKind::TimedOut {
            stage: Stage::Handshake,
            after: limit,
        },
        code::SOCKET_DISCONNECT | code::SOCKET_RECV | code::SOCKET_SEND => {
            ConnectErrorKind::Dropped { attempts: 1, text }
        }
        _ if !stream.is_tcp() && text.contains("banner") => {
            ConnectErrorKind::Dropped { attempts: 1, text }
        }
        _ => ConnectErrorKind::HandshakeFailed { text },
    }
}
