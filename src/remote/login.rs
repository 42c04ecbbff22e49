//! Logging in: which keys are tried, in which order, how many on one connection, and what is said when none was taken.
//!
//! Order: key files that need no passphrase and keys that the agent holds for them, the agent's other keys, then key files with
//! a passphrase. sshd ends a connection after six failures (MaxAuthTries), so after five the rest goes over a fresh one.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ssh2::Session;

use super::error::{ConnectErrorKind, Stage};
use super::handshake::{code, code_of};
use super::key_file::{KeyFile, with_suffix};
use super::known_hosts::HostKey;
use super::route::{AgentKeys, Identities};
use crate::secret::Secret;

/// Failed keys on one connection.
const TRIES: usize = 5;
/// How often a passphrase is asked for.
const PROMPTS: usize = 3;

/// Passphrases that were typed, so that each is typed once.
pub(super) struct Passphrases {
    interactive: bool,
    typed: Mutex<BTreeMap<PathBuf, Secret>>,
}

impl Passphrases {
    /// Nobody is asked unless `interactive`.
    pub(super) fn new(interactive: bool) -> Self {
        Self {
            interactive,
            typed: Mutex::new(BTreeMap::new()),
        }
    }

    /// Whether a person may be asked, who takes as long as it takes.
    pub(super) fn may_ask(&self) -> bool {
        self.interactive
    }

    /// The passphrase of a file; asks when it isn't known or `wrong` is the one that didn't fit. One question at a time.
    fn of(&self, file: &Path, wrong: Option<&Secret>) -> Option<Secret> {
        let mut typed = self.typed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = typed.get(file).filter(|known| Some(*known) != wrong) {
            return Some(known.clone());
        }
        if !self.interactive {
            return None;
        }
        let question = format!("Passphrase for the key {}: ", file.display());
        let answer = Secret::new(rpassword::prompt_password(question).ok()?);
        typed.insert(file.to_owned(), answer.clone());
        Some(answer)
    }
}

/// One key to try.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Candidate {
    File {
        path: PathBuf,
        certificate: Option<PathBuf>,
    },
    EncryptedFile {
        path: PathBuf,
        certificate: Option<PathBuf>,
    },
    Agent {
        blob: Vec<u8>,
        label: String,
    },
}

impl Candidate {
    fn label(&self) -> String {
        match self {
            Self::File { path, certificate } | Self::EncryptedFile { path, certificate } => {
                match certificate {
                    Some(certificate) => {
                        format!("{} with {}", path.display(), certificate.display())
                    }
                    None => path.display().to_string(),
                }
            }
            Self::Agent { label, .. } => label.clone(),
        }
    }
}

/// How a login stands.
pub(super) enum Progress {
    /// We are in.
    Entered,
    /// The remaining keys want a fresh connection.
    Again,
}

/// A login over one or several connections.
pub(super) struct Login<'a> {
    user: &'a str,
    identities: &'a Identities,
    passphrases: &'a Passphrases,
    limit: Duration,
    candidates: Option<VecDeque<Candidate>>,
    offered: Vec<String>,
    tried: Vec<String>,
}

/// What one key came to.
enum Outcome {
    Taken,
    Refused,
    /// It could not even be offered.
    Unusable(String),
    /// The server hung up on it.
    HungUp,
}

impl<'a> Login<'a> {
    /// Nothing is tried yet. `limit` is what the session waits for one answer.
    pub(super) fn new(
        user: &'a str,
        identities: &'a Identities,
        passphrases: &'a Passphrases,
        limit: Duration,
    ) -> Self {
        Self {
            user,
            identities,
            passphrases,
            limit,
            candidates: None,
            offered: Vec::new(),
            tried: Vec::new(),
        }
    }

    /// Tries keys on this session until one is taken, the connection is used up, or none is left.
    pub(super) fn attempt(&mut self, session: &Session) -> Result<Progress, ConnectErrorKind> {
        let offered: Vec<String> = match session.auth_methods(self.user) {
            Ok(methods) => methods
                .split(',')
                .filter(|method| !method.is_empty())
                .map(str::to_owned)
                .collect(),
            Err(_) if session.authenticated() => return Ok(Progress::Entered),
            Err(error) => return Err(self.failure(&error)),
        };
        if session.authenticated() {
            return Ok(Progress::Entered);
        }
        self.offered = offered;
        let mut agent = Agent::open(session, self.identities);
        let mut candidates = match self.candidates.take() {
            Some(candidates) => candidates,
            None => self.collect(agent.as_mut())?,
        };
        let mut failures = 0;
        while let Some(candidate) = candidates.pop_front() {
            let label = candidate.label();
            match self.try_one(session, agent.as_mut(), &candidate)? {
                Outcome::Taken if session.authenticated() => return Ok(Progress::Entered),
                Outcome::Taken => self
                    .tried
                    .push(format!("{label} (taken, but the server wants more)")),
                Outcome::Refused => self.tried.push(format!("{label} (refused)")),
                Outcome::Unusable(why) => {
                    self.tried.push(format!("{label} ({why})"));
                    continue;
                }
                Outcome::HungUp if failures > 0 => {
                    candidates.push_front(candidate);
                    failures = TRIES;
                }
                Outcome::HungUp => {
                    self.tried.push(format!("{label} (the server hung up)"));
                    failures = TRIES;
                }
            }
            failures += 1;
            if failures >= TRIES && !candidates.is_empty() {
                self.candidates = Some(candidates);
                return Ok(Progress::Again);
            }
        }
        Err(self.refused())
    }

    fn refused(&self) -> ConnectErrorKind {
        ConnectErrorKind::AuthenticationFailed {
            user: self.user.to_owned(),
            offered: self.offered.clone(),
            tried: self.tried.clone(),
        }
    }

    fn failure(&self, error: &ssh2::Error) -> ConnectErrorKind {
        match code_of(error) {
            code::TIMEOUT => ConnectErrorKind::TimedOut {
                stage: Stage::Authentication,
                after: self.limit,
            },
            code::SOCKET_DISCONNECT | code::SOCKET_RECV | code::SOCKET_SEND => {
                ConnectErrorKind::Dropped {
                    attempts: 1,
                    text: error.message().to_owned(),
                }
            }
            _ => self.refused(),
        }
    }

    /// The order of this file's head. The configured key file must be usable; others are passed over with a word.
    fn collect(
        &mut self,
        agent: Option<&mut Agent>,
    ) -> Result<VecDeque<Candidate>, ConnectErrorKind> {
        let held: Vec<Candidate> = agent.map(|agent| agent.candidates()).unwrap_or_default();
        let mut first = Vec::new();
        let mut last = Vec::new();
        let required = self.identities.required.iter().map(|path| (path, true));
        let optional = self.identities.optional.iter().map(|path| (path, false));
        for (path, must) in required.chain(optional) {
            self.collect_file(path, must, &held, &mut first, &mut last)?;
        }
        let rest: Vec<Candidate> = match self.identities.agent_keys {
            AgentKeys::All => held
                .into_iter()
                .filter(|candidate| !first.contains(candidate))
                .collect(),
            AgentKeys::Configured => Vec::new(),
        };
        Ok(first.into_iter().chain(rest).chain(last).collect())
    }

    fn collect_file(
        &mut self,
        path: &Path,
        must: bool,
        held: &[Candidate],
        first: &mut Vec<Candidate>,
        last: &mut Vec<Candidate>,
    ) -> Result<(), ConnectErrorKind> {
        let file = path.display().to_string();
        let in_agent = |public: &Option<Vec<u8>>| {
            let same = |candidate: &&Candidate| matches!(candidate, Candidate::Agent { blob, .. } if Some(blob) == public.as_ref());
            held.iter().find(same).cloned()
        };
        match KeyFile::inspect(path) {
            KeyFile::Plain { .. } => {
                let with = self.certificates(path).into_iter().map(Some).chain([None]);
                first.extend(with.map(|certificate| Candidate::File {
                    path: path.to_owned(),
                    certificate,
                }));
            }
            KeyFile::Encrypted { public } => match in_agent(&public) {
                Some(candidate) => first.push(candidate),
                None if self.passphrases.interactive => {
                    let with = self.certificates(path).into_iter().map(Some).chain([None]);
                    last.extend(with.map(|certificate| Candidate::EncryptedFile {
                        path: path.to_owned(),
                        certificate,
                    }));
                }
                None if must => return Err(ConnectErrorKind::KeyFileEncrypted { file }),
                None => self.tried.push(format!(
                    "{file} (encrypted, not in the agent, no terminal to ask)"
                )),
            },
            KeyFile::Missing { public } => match in_agent(&public) {
                Some(candidate) => first.push(candidate),
                None if must && public.is_some() => {
                    let text =
                        "only its public half is there, and the agent doesn't hold it".to_owned();
                    return Err(ConnectErrorKind::KeyFileUnusable { file, text });
                }
                None if must => return Err(ConnectErrorKind::KeyFileMissing { file }),
                None => {}
            },
            KeyFile::Unusable { why } if must => {
                return Err(ConnectErrorKind::KeyFileUnusable { file, text: why });
            }
            KeyFile::Unusable { why } => self.tried.push(format!("{file} ({why})")),
        }
        Ok(())
    }

    fn certificates(&self, path: &Path) -> Vec<PathBuf> {
        let beside = with_suffix(path, "-cert.pub");
        let named = self
            .identities
            .certificates
            .iter()
            .filter(|certificate| **certificate != beside)
            .cloned();
        named
            .chain([beside.clone()])
            .filter(|certificate| certificate.exists())
            .collect()
    }

    fn try_one(
        &self,
        session: &Session,
        agent: Option<&mut Agent>,
        candidate: &Candidate,
    ) -> Result<Outcome, ConnectErrorKind> {
        let result = match candidate {
            Candidate::File { path, certificate } => {
                session.userauth_pubkey_file(self.user, certificate.as_deref(), path, None)
            }
            Candidate::EncryptedFile { path, certificate } => {
                return self.try_encrypted(session, path, certificate.as_deref());
            }
            Candidate::Agent { blob, .. } => {
                match agent.and_then(|agent| agent.login(self.user, blob)) {
                    Some(result) => result,
                    None => {
                        return Ok(Outcome::Unusable(
                            "the agent doesn't hold it any more".to_owned(),
                        ));
                    }
                }
            }
        };
        self.judge(result)
    }

    fn try_encrypted(
        &self,
        session: &Session,
        path: &Path,
        certificate: Option<&Path>,
    ) -> Result<Outcome, ConnectErrorKind> {
        let mut wrong: Option<Secret> = None;
        for _ in 0..PROMPTS {
            let Some(passphrase) = self.passphrases.of(path, wrong.as_ref()) else {
                break;
            };
            match session.userauth_pubkey_file(
                self.user,
                certificate,
                path,
                Some(passphrase.expose()),
            ) {
                Err(error) if code_of(&error) == code::FILE => wrong = Some(passphrase),
                result => return self.judge(result),
            }
        }
        Ok(Outcome::Unusable("the passphrase doesn't fit".to_owned()))
    }

    fn judge(&self, result: Result<(), ssh2::Error>) -> Result<Outcome, ConnectErrorKind> {
        let Err(error) = result else {
            return Ok(Outcome::Taken);
        };
        let waiting = error.message().contains("Waiting for");
        match code_of(&error) {
            code::TIMEOUT => Err(ConnectErrorKind::TimedOut {
                stage: Stage::Authentication,
                after: self.limit,
            }),
            code::SOCKET_DISCONNECT | code::SOCKET_RECV | code::SOCKET_SEND => Ok(Outcome::HungUp),
            code::PUBLICKEY_UNVERIFIED if waiting => Ok(Outcome::HungUp),
            code::FILE => Ok(Outcome::Unusable(error.message().to_owned())),
            _ => Ok(Outcome::Refused),
        }
    }
}

/// The SSH agent as one session sees it.
struct Agent {
    agent: ssh2::Agent,
    keys: Vec<ssh2::PublicKey>,
}

impl Agent {
    /// `None` where there is no agent, it doesn't answer, or it holds nothing: no error, other keys may do.
    fn open(session: &Session, identities: &Identities) -> Option<Self> {
        let socket = identities.agent.as_deref()?;
        let mut agent = session.agent().ok()?;
        agent.set_identity_path(socket).ok()?;
        agent.connect().ok()?;
        agent.list_identities().ok()?;
        let keys = agent.identities().ok()?;
        Some(Self { agent, keys })
    }

    fn candidates(&self) -> Vec<Candidate> {
        let named = |key: &ssh2::PublicKey| {
            let fingerprint = HostKey::from_blob(key.blob())
                .map(|key| key.fingerprint())
                .unwrap_or_default();
            Candidate::Agent {
                blob: key.blob().to_vec(),
                label: format!("agent key {} {fingerprint}", key.comment()),
            }
        };
        self.keys.iter().map(named).collect()
    }

    fn login(&mut self, user: &str, blob: &[u8]) -> Option<Result<(), ssh2::Error>> {
        let key = self.keys.iter().find(|key| key.blob() == blob)?;
        Some(self.agent.userauth(user, key))
    }
}
