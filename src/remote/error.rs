//! Why a machine could not be reached: kinds for programs, sentences for people at 3 a.m.
//!
//! `reason()` is the short word of JSON output and observations; `Display` the sentence. No text here holds a secret.

use std::fmt;
use std::time::Duration;

/// A machine could not be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectError {
    /// The target's name as people call it.
    pub target: String,
    /// `user@host:port` that was tried.
    pub endpoint: String,
    /// What happened.
    pub kind: ConnectErrorKind,
}

/// What was being waited for when time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The TCP connection.
    Connection,
    /// The SSH banner and key exchange.
    Handshake,
    /// An answer while logging in.
    Authentication,
}

/// The kinds of a failed connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectErrorKind {
    /// Nothing listens there.
    Refused,
    /// No answer within the limit.
    TimedOut {
        /// What was waited for.
        stage: Stage,
        /// The limit.
        after: Duration,
    },
    /// The name doesn't resolve.
    NameNotFound {
        /// The resolver's own words.
        text: String,
    },
    /// No route to the address.
    NoRoute {
        /// The system's own words.
        text: String,
    },
    /// known_hosts doesn't know the machine.
    KeyUnknown {
        /// `ssh-ed25519` and so on.
        algorithm: String,
        /// `SHA256:…`.
        fingerprint: String,
        /// The line to add to known_hosts, once the fingerprint is checked.
        line: String,
        /// The file to add it to.
        file: String,
        /// Where the machine is known by a key of another algorithm: that place, in words.
        other: Option<String>,
    },
    /// known_hosts has another key of this kind for the machine.
    KeyChanged {
        /// `ssh-ed25519` and so on.
        algorithm: String,
        /// `SHA256:…` of the key that the machine shows now.
        fingerprint: String,
        /// File and line of the old key: `/root/.ssh/known_hosts:12`.
        place: String,
    },
    /// The key stands in a `@revoked` line.
    KeyRevoked {
        /// `SHA256:…`.
        fingerprint: String,
        /// File and line.
        place: String,
    },
    /// Only a `@cert-authority` line covers the machine, and host certificates are not supported.
    OnlyAuthority {
        /// `SHA256:…`.
        fingerprint: String,
        /// File and line of the `@cert-authority` line.
        place: String,
        /// The plain line to add to known_hosts, once the fingerprint is checked.
        line: String,
    },
    /// A known_hosts file is there and can't be read.
    KnownHostsUnreadable {
        /// The file.
        file: String,
        /// The system's own words.
        text: String,
    },
    /// The server took none of our keys.
    AuthenticationFailed {
        /// Login user.
        user: String,
        /// Methods that the server offers, sorted as it sent them.
        offered: Vec<String>,
        /// Each key that was tried or passed over, and why.
        tried: Vec<String>,
    },
    /// The configured key file isn't there.
    KeyFileMissing {
        /// The file.
        file: String,
    },
    /// The configured key file is encrypted, the agent doesn't hold it, and nobody can be asked.
    KeyFileEncrypted {
        /// The file.
        file: String,
    },
    /// The configured key file can't be used.
    KeyFileUnusable {
        /// The file.
        file: String,
        /// Why.
        text: String,
    },
    /// A jump host on the way could not be reached itself.
    JumpFailed {
        /// The jump host.
        hop: String,
        /// What happened there.
        error: Box<ConnectError>,
    },
    /// The jump host is reached, but gets no connection to the next machine.
    JumpRefused {
        /// The jump host.
        hop: String,
        /// The jump host's own words.
        text: String,
    },
    /// The server hung up during the handshake, each time it was tried.
    Dropped {
        /// How often it was tried.
        attempts: u32,
        /// What the server or the library said.
        text: String,
    },
    /// Something answers that doesn't speak SSH.
    NotSsh {
        /// The first line that it sent.
        text: String,
    },
    /// Both ends have no algorithm in common, or the key exchange failed.
    HandshakeFailed {
        /// The library's own words.
        text: String,
    },
    /// ~/.ssh/config or the jump list can't be used.
    Configuration {
        /// What is wrong.
        text: String,
    },
    /// The ProxyCommand of ~/.ssh/config can't be used.
    ProxyCommand {
        /// What is wrong.
        text: String,
    },
    /// This client itself is at its end: no thread, no socket.
    Client {
        /// The system's own words.
        text: String,
    },
}

impl ConnectErrorKind {
    /// Short word for JSON and observations.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::TimedOut { .. } => "timed_out",
            Self::NameNotFound { .. } => "name_not_found",
            Self::NoRoute { .. } => "no_route",
            Self::KeyUnknown { .. } => "key_unknown",
            Self::KeyChanged { .. } => "key_changed",
            Self::KeyRevoked { .. } => "key_revoked",
            Self::OnlyAuthority { .. } => "key_authority_unsupported",
            Self::KnownHostsUnreadable { .. } => "known_hosts_unreadable",
            Self::AuthenticationFailed { .. } => "authentication_failed",
            Self::KeyFileMissing { .. } => "key_file_missing",
            Self::KeyFileEncrypted { .. } => "key_file_encrypted",
            Self::KeyFileUnusable { .. } => "key_file_unusable",
            Self::JumpFailed { .. } | Self::JumpRefused { .. } => "jump_failed",
            Self::Dropped { .. } => "dropped",
            Self::NotSsh { .. } => "not_ssh",
            Self::HandshakeFailed { .. } => "handshake_failed",
            Self::Configuration { .. } => "ssh_config",
            Self::ProxyCommand { .. } => "proxy_command",
            Self::Client { .. } => "client",
        }
    }
}

impl ConnectError {
    /// Short word for JSON and observations.
    pub fn reason(&self) -> &'static str {
        self.kind.reason()
    }
}

impl std::error::Error for ConnectError {}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): ", self.target, self.endpoint)?;
        self.kind.fmt(f)
    }
}

impl fmt::Display for ConnectErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("connection refused: nothing listens on this port. Is sshd running, is the port right?"),
            Self::TimedOut { stage, after } => {
                let (what, hint) = match stage {
                    Stage::Connection => ("no answer", "Is the machine up, does a firewall let this client in?"),
                    Stage::Handshake => ("connected, but no SSH greeting", "Is this port sshd's, is the machine overloaded?"),
                    Stage::Authentication => ("connected, but no answer to the login", "Is the machine overloaded, does the agent wait for someone?"),
                };
                write!(f, "{what} within {}. {hint}", seconds(*after))
            }
            Self::NameNotFound { text } => write!(f, "the name can't be resolved ({text})"),
            Self::NoRoute { text } => write!(f, "no way to this address ({text})"),
            Self::KeyUnknown { .. } | Self::KeyChanged { .. } | Self::KeyRevoked { .. } | Self::OnlyAuthority { .. }
            | Self::KnownHostsUnreadable { .. } => self.fmt_host_key(f),
            Self::AuthenticationFailed { .. } | Self::KeyFileMissing { .. } | Self::KeyFileEncrypted { .. }
            | Self::KeyFileUnusable { .. } => self.fmt_login(f),
            Self::JumpFailed { hop, error } => write!(f, "the jump host {hop} can't be reached: {}", error.kind),
            Self::JumpRefused { hop, text } => write!(f, "the jump host {hop} gets no connection to it ({text})"),
            Self::Dropped { attempts, text } => {
                write!(f, "the server hung up before the login, {attempts} times ({text}). Is sshd overloaded (MaxStartups), is this client banned?")
            }
            Self::NotSsh { text } => write!(f, "something answers that is not an SSH server: {text:?}"),
            Self::HandshakeFailed { text } => write!(f, "the SSH handshake failed ({text})"),
            Self::Configuration { text } => write!(f, "the SSH configuration can't be used: {text}"),
            Self::ProxyCommand { text } => write!(f, "the ProxyCommand can't be used: {text}"),
            Self::Client { text } => write!(f, "this client can't open a connection ({text})"),
        }
    }
}

impl ConnectErrorKind {
    fn fmt_host_key(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyUnknown {
                algorithm,
                fingerprint,
                line,
                file,
                other,
            } => {
                let other = other
                    .as_ref()
                    .map(|other| format!(" ({other})"))
                    .unwrap_or_default();
                write!(
                    f,
                    "its host key is not known{other}. It shows {algorithm} {fingerprint}; compare that with the machine's own \
                     (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub), then add to {file}:\n{line}"
                )
            }
            Self::KeyChanged {
                algorithm,
                fingerprint,
                place,
            } => write!(
                f,
                "ITS HOST KEY HAS CHANGED: {place} holds another {algorithm} key; it now shows {fingerprint}. \
                 Either the machine was set up anew, or someone stands in between. Only when you know why, replace that line"
            ),
            Self::KeyRevoked { fingerprint, place } => {
                write!(
                    f,
                    "its host key {fingerprint} is revoked by {place}: it must not be trusted"
                )
            }
            Self::OnlyAuthority {
                fingerprint,
                place,
                line,
            } => write!(
                f,
                "only the @cert-authority line {place} covers it, and replform doesn't check host certificates. \
                 Its key is {fingerprint}; once compared, add it as a plain line:\n{line}"
            ),
            Self::KnownHostsUnreadable { file, text } => {
                write!(f, "the known_hosts file {file} can't be read ({text})")
            }
            _ => Ok(()),
        }
    }

    fn fmt_login(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AuthenticationFailed {
                user,
                offered,
                tried,
            } => {
                let tried = if tried.is_empty() {
                    "no key was found to try".to_owned()
                } else {
                    format!("tried: {}", tried.join("; "))
                };
                let offered = if offered.is_empty() {
                    "nothing more".to_owned()
                } else {
                    offered.join(", ")
                };
                write!(
                    f,
                    "login as {user} failed; {tried}. The server offers: {offered}"
                )
            }
            Self::KeyFileMissing { file } => write!(f, "the key file {file} doesn't exist"),
            Self::KeyFileEncrypted { file } => write!(
                f,
                "the key file {file} is encrypted and there is no terminal to ask for its passphrase; add it to the agent (ssh-add {file})"
            ),
            Self::KeyFileUnusable { file, text } => {
                write!(f, "the key file {file} can't be used: {text}")
            }
            _ => Ok(()),
        }
    }
}

/// `15 s`, `0.5 s`.
pub(super) fn seconds(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{} s", duration.as_secs()),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
