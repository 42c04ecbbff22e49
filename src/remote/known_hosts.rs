//! known_hosts, read as OpenSSH reads it (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"; match rules of OpenSSH 9.2).
//!
//! libssh2's own reader loses a whole file for one bad line and knows neither patterns nor `@revoked`, so this one is ours.
//! Text in, verdict out: a bad line is a warning and never matches; nothing here decides for a person, and nothing writes.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;

/// What a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marker {
    /// A plain key.
    None,
    /// `@revoked`: this key must never be taken.
    Revoked,
    /// `@cert-authority`: this key signs host certificates, it is nobody's own.
    Authority,
}

/// A public key as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostKey {
    algorithm: String,
    blob: Vec<u8>,
}

/// The names that a line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Names {
    /// Patterns by comma, with `*`, `?` and `!`.
    Patterns(String),
    /// HMAC-SHA1 of one name under a salt.
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
}

/// One line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// Empty or a comment.
    Comment,
    /// A key for some names.
    Entry {
        marker: Marker,
        names: Names,
        key: HostKey,
    },
    /// Not usable; `names` where they could be read.
    Bad {
        names: Option<Names>,
        why: &'static str,
    },
}

/// What the files say about a key that a machine shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the machine's.
    Known,
    /// Another key of the same algorithm is the machine's.
    Changed { place: Place },
    /// The key is revoked.
    Revoked { place: Place },
    /// Only an authority is known for it.
    OnlyAuthority { place: Place },
    /// Nothing; where the machine is known by another algorithm's key, there.
    Unknown { other: Option<(Place, String)> },
}

/// A file and a line in it, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    file: PathBuf,
    line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

impl HostKey {
    /// A key from the bytes that the server sent; `None` when they aren't a public key.
    pub(super) fn from_blob(blob: &[u8]) -> Option<Self> {
        let (algorithm, _) = take_string(blob)?;
        let algorithm = String::from_utf8(algorithm.to_vec()).ok()?;
        Some(Self {
            algorithm,
            blob: blob.to_vec(),
        })
    }

    /// `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa` …
    pub(super) fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// `SHA256:…` as ssh-keygen prints it.
    pub(super) fn fingerprint(&self) -> String {
        format!(
            "SHA256:{}",
            STANDARD_NO_PAD.encode(openssl::sha::sha256(&self.blob))
        )
    }

    /// The known_hosts line that makes this key `name`'s.
    pub(super) fn line_for(&self, name: &str) -> String {
        format!("{name} {} {}", self.algorithm, STANDARD.encode(&self.blob))
    }
}

impl Names {
    fn parse(text: &str) -> Option<Self> {
        let Some(rest) = text.strip_prefix('|') else {
            return Some(Self::Patterns(text.to_ascii_lowercase()));
        };
        let (salt, hash) = rest.strip_prefix("1|")?.split_once('|')?;
        let (salt, hash) = (STANDARD.decode(salt).ok()?, STANDARD.decode(hash).ok()?);
        (salt.len() == 20 && hash.len() == 20).then_some(Self::Hashed { salt, hash })
    }

    /// Whether the line is for `host`: a name, an address, or `[host]:port`, in lower case.
    pub(super) fn matches(&self, host: &str) -> bool {
        match self {
            Self::Patterns(list) => matches_list(list, host),
            Self::Hashed { salt, hash } => {
                hmac_sha1(salt, host.as_bytes()).as_deref() == Some(hash.as_slice())
            }
        }
    }
}

fn hmac_sha1(key: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let key = PKey::hmac(key).ok()?;
    let mut signer = Signer::new(MessageDigest::sha1(), &key).ok()?;
    signer.update(text).ok()?;
    signer.sign_to_vec().ok()
}

/// A `!pattern` that matches takes the whole line away, wherever it stands.
fn matches_list(list: &str, host: &str) -> bool {
    let mut found = false;
    for pattern in list.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches_pattern(pattern.as_bytes(), host.as_bytes()) => return false,
            Some(_) => {}
            None => found |= matches_pattern(pattern.as_bytes(), host.as_bytes()),
        }
    }
    found
}

/// `*` is any run of characters, `?` any one. Linear in memory, at worst quadratic in time: a hostile pattern can't hang us.
fn matches_pattern(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                star = Some((at_pattern + 1, at_text));
                at_pattern += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[at_text] => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => match star {
                Some((after_star, covered)) => {
                    star = Some((after_star, covered + 1));
                    at_pattern = after_star;
                    at_text = covered + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at_pattern..].iter().all(|byte| *byte == b'*')
}

/// Reads one line.
pub(super) fn parse_line(line: &str) -> Line {
    let bad = |names, why| Line::Bad { names, why };
    let blank = |c: char| c == ' ' || c == '\t';
    let mut rest = line
        .trim_end_matches(['\n', '\r'])
        .trim_start_matches(blank);
    if rest.is_empty() || rest.starts_with('#') {
        return Line::Comment;
    }
    let mut marker = Marker::None;
    if rest.starts_with('@') {
        let (word, after) = rest.split_once(blank).unwrap_or((rest, ""));
        marker = match word {
            "@revoked" => Marker::Revoked,
            "@cert-authority" => Marker::Authority,
            _ => return bad(None, "the marker is neither @revoked nor @cert-authority"),
        };
        rest = after.trim_start_matches(blank);
        if rest.starts_with('@') {
            return bad(None, "it has two markers");
        }
    }
    let (names, rest) = rest.split_once(blank).unwrap_or((rest, ""));
    let Some(names) = Names::parse(names) else {
        return bad(None, "the hashed name is damaged");
    };
    let mut words = rest.split(blank).filter(|word| !word.is_empty());
    let (Some(algorithm), Some(encoded)) = (words.next(), words.next()) else {
        return bad(Some(names), "the key is missing");
    };
    match parse_key(algorithm, encoded) {
        Ok(key) => Line::Entry { marker, names, key },
        Err(why) => bad(Some(names), why),
    }
}

fn parse_key(algorithm: &str, encoded: &str) -> Result<HostKey, &'static str> {
    let blob = STANDARD
        .decode(encoded)
        .map_err(|_| "the key is no base64")?;
    let (inner, fields) = take_string(&blob).ok_or("the key is damaged")?;
    if inner != algorithm.as_bytes() {
        return Err("the key is of another kind than the line says");
    }
    let count = match algorithm {
        "ssh-ed25519" => 1,
        "ssh-rsa" | "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521" => 2,
        "sk-ssh-ed25519@openssh.com" => 2,
        "sk-ecdsa-sha2-nistp256@openssh.com" => 3,
        "ssh-dss" => 4,
        _ => return Err("the kind of key is unknown"),
    };
    let mut rest = fields;
    for _ in 0..count {
        rest = take_string(rest)
            .filter(|(field, _)| !field.is_empty())
            .ok_or("the key is damaged")?
            .1;
    }
    match rest.is_empty() {
        true => Ok(HostKey {
            algorithm: algorithm.to_owned(),
            blob,
        }),
        false => Err("the key is damaged"),
    }
}

/// SSH's wire strings: four bytes of length, then so many bytes.
pub(super) fn take_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

struct Entry {
    place: Place,
    marker: Marker,
    names: Names,
    key: HostKey,
}

/// All known_hosts files that count for a machine.
#[derive(Default)]
pub(super) struct KnownHosts {
    entries: Vec<Entry>,
    /// Bad lines, each with its place.
    pub(super) warnings: Vec<String>,
}

/// The names under which a machine may stand in known_hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostName {
    /// `host`, or `[host]:port` where the port isn't 22.
    full: String,
    /// `host` alone where the port isn't 22: a key found there counts too, a different one says nothing.
    bare: Option<String>,
}

impl HostName {
    /// The names of a host (or of its HostKeyAlias, which has no port).
    pub(super) fn new(host: &str, port: u16) -> Self {
        let host = host.to_ascii_lowercase();
        match port {
            22 => Self {
                full: host,
                bare: None,
            },
            _ => Self {
                full: format!("[{host}]:{port}"),
                bare: Some(host),
            },
        }
    }

    /// The name as a new line of known_hosts should carry it.
    pub(super) fn as_str(&self) -> &str {
        &self.full
    }
}

impl KnownHosts {
    /// Adds the lines of a file that was read.
    pub(super) fn add(&mut self, file: &Path, text: &str) {
        for (index, line) in text.lines().enumerate() {
            let place = Place {
                file: file.to_owned(),
                line: index + 1,
            };
            match parse_line(line) {
                Line::Comment => {}
                Line::Bad { why, .. } => {
                    self.warnings.push(format!("{place} is passed over: {why}"))
                }
                Line::Entry { marker, names, key } => self.entries.push(Entry {
                    place,
                    marker,
                    names,
                    key,
                }),
            }
        }
    }

    fn plain<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Entry> + 'a {
        self.of(Marker::None, name)
    }

    fn of<'a>(&'a self, marker: Marker, name: &'a str) -> impl Iterator<Item = &'a Entry> + 'a {
        self.entries
            .iter()
            .filter(move |entry| entry.marker == marker && entry.names.matches(name))
    }

    /// The key algorithms that are known for a host: the server is asked for these first.
    pub(super) fn algorithms(&self, name: &HostName) -> Vec<String> {
        let mut known: Vec<String> = Vec::new();
        let bare = name
            .bare
            .as_deref()
            .into_iter()
            .flat_map(|bare| self.plain(bare));
        for entry in self.plain(&name.full).chain(bare) {
            if !known.contains(&entry.key.algorithm) {
                known.push(entry.key.algorithm.clone());
            }
        }
        known
    }

    /// What the files say about a key that `name` shows.
    pub(super) fn judge(&self, name: &HostName, key: &HostKey) -> Verdict {
        let both = || std::iter::once(name.full.as_str()).chain(name.bare.as_deref());
        let place_of = |entry: &Entry| entry.place.clone();
        if let Some(entry) = both()
            .flat_map(|name| self.of(Marker::Revoked, name))
            .find(|entry| entry.key == *key)
        {
            return Verdict::Revoked {
                place: place_of(entry),
            };
        }
        if self.plain(&name.full).any(|entry| entry.key == *key) {
            return Verdict::Known;
        }
        if let Some(entry) = self
            .plain(&name.full)
            .find(|entry| entry.key.algorithm == key.algorithm)
        {
            return Verdict::Changed {
                place: place_of(entry),
            };
        }
        if name
            .bare
            .as_deref()
            .is_some_and(|bare| self.plain(bare).any(|entry| entry.key == *key))
        {
            return Verdict::Known;
        }
        if let Some(entry) = self.plain(&name.full).next() {
            return Verdict::Unknown {
                other: Some((place_of(entry), entry.key.algorithm.clone())),
            };
        }
        match both()
            .flat_map(|name| self.of(Marker::Authority, name))
            .next()
        {
            Some(entry) => Verdict::OnlyAuthority {
                place: place_of(entry),
            },
            None => Verdict::Unknown { other: None },
        }
    }
}

#[cfg(test)]
#[path = "known_hosts_tests.rs"]
mod tests;
