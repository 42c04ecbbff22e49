//! The probe's text into one [`Instance`] a port. Pure; made to survive any text, as it comes from hosts.
//!
//! Its source is probe.sh (or a recording under testdata/observations/redis); what it makes goes into the observation. Only
//! a missing end line is an error: everything else that isn't as expected is a fact (*unknown*, with why).

use std::collections::BTreeMap;

use super::facts::{OtherInstance, RedisFacts, User};
use super::release::{self, Kind};
use super::summary;
use crate::engines::DecodeError;
use crate::observe::{Instance, Manager, ServerState, SetAside};
use crate::topology::Bytes;

/// What the probe says about the whole host.
#[derive(Debug, Default)]
struct Host {
    packages: BTreeMap<String, String>,
    candidates: Vec<(Kind, String)>,
    huge_pages: String,
    overcommit: String,
    managers: Vec<Manager>,
    listening: Vec<u16>,
    making: Option<(Kind, u16)>,
}

/// One instance, as far as its lines were read.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Its configuration file.
    pub(super) conf: String,
    /// Its port.
    pub(super) port: u16,
    /// Its data directory; empty when not known.
    pub(super) directory: String,
    /// The directory's size.
    pub(super) data_bytes: Option<u64>,
    /// Size of its file system and what is free, bytes.
    pub(super) disk: Option<(u64, u64)>,
    /// Directories of ours beside it.
    pub(super) set_aside: Vec<SetAside>,
    /// All the rest.
    pub(super) facts: RedisFacts,
}

/// Decodes what probe.sh printed into one instance for each of `ports`, keyed `redis:PORT`.
///
/// # Errors
/// When the end line is missing, or an `instance` line has no port.
pub fn decode(section: &str, ports: &[u16]) -> Result<BTreeMap<String, Instance>, DecodeError> {
    let mut host = Host::default();
    let mut found: Vec<Found> = Vec::new();
    let mut complete = false;
    for (index, line) in section.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        match kind {
            "end" => complete = true,
            "instance" => found.push(instance_line(rest).ok_or_else(|| {
                DecodeError::Line {
                    line: index + 1,
                    what:
                        "a configuration and its port, as in `instance /etc/redis/redis.conf 6379`"
                            .to_owned(),
                }
            })?),
            "package" | "candidate" | "thp" | "overcommit" | "manager" | "listening" | "making" => {
                host.take(kind, rest);
            }
            _ => {
                let (conf, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                if let Some(one) = found.iter_mut().rev().find(|one| one.conf == conf) {
                    one.take(kind, rest);
                }
            }
        }
    }
    if !complete {
        return Err(DecodeError::Cut);
    }
    Ok(ports
        .iter()
        .map(|port| (format!("redis:{port}"), instance(*port, &host, &found)))
        .collect())
}

fn instance_line(rest: &str) -> Option<Found> {
    let (conf, port) = rest.split_once(' ')?;
    Some(Found {
        conf: conf.to_owned(),
        port: port.trim().parse().ok()?,
        ..Found::default()
    })
}

impl Host {
    fn take(&mut self, kind: &str, rest: &str) {
        let mut words = rest.split_whitespace();
        match (kind, words.next(), words.next()) {
            // A package that was removed but for its configuration isn't installed.
            ("package", Some(name), Some(version)) if rest.ends_with(" installed") => {
                self.packages.insert(name.to_owned(), version.to_owned());
            }
            ("candidate", Some(name), Some(version)) => {
                let kind = name.strip_suffix("-server").and_then(Kind::from_word);
                self.candidates
                    .extend(kind.map(|kind| (kind, version.to_owned())));
            }
            ("thp", Some(word), _) => self.huge_pages = word.to_owned(),
            ("overcommit", Some(word), _) => self.overcommit = word.to_owned(),
            ("manager", Some("process"), Some(name)) => self.managers.push(Manager {
                name: name.to_owned(),
                evidence: format!("process {name} ({})", words.collect::<Vec<_>>().join(" ")),
            }),
            ("listening", Some(port), _) => self.listening.extend(port.parse::<u16>().ok()),
            ("making", Some(kind), Some(port)) => {
                self.making = Kind::from_word(kind).zip(port.parse().ok());
            }
            _ => {}
        }
    }

    fn version(&self, kind: Kind) -> Option<&str> {
        self.packages.get(&kind.package()).map(String::as_str)
    }

    /// Product and release of what could be installed, with the package's version.
    fn installable(&self) -> Vec<(String, String)> {
        self.candidates
            .iter()
            .filter_map(|(kind, version)| {
                let release = release::release(version)?;
                Some((format!("{} {release}", kind.word()), version.clone()))
            })
            .collect()
    }
}

impl Found {
    /// Takes in the line `KIND CONFIGURATION REST`.
    fn take(&mut self, kind: &str, rest: &str) {
        let facts = &mut self.facts;
        let (word, tail) = rest.split_once(' ').unwrap_or((rest, ""));
        match kind {
            "kind" => facts.kind = Kind::from_word(rest),
            "unitname" => facts.unit_name = rest.to_owned(),
            "unit" => self.unit(rest),
            "conf" => self.directive(word, tail),
            "block" if !rest.starts_with('#') => facts.block.push(rest.to_owned()),
            "include" => facts.includes = true,
            "secret" => facts.secret = true,
            "data" => self.directory = rest.to_owned(),
            "disk" => {
                self.disk = word
                    .parse()
                    .ok()
                    .zip(tail.split(' ').next().and_then(|free| free.parse().ok()))
            }
            // du may have been cut: a size that isn't known is 0, the path is what matters.
            "aside" if !tail.is_empty() => self.set_aside.push(SetAside {
                path: tail.to_owned(),
                bytes: Bytes(word.parse().unwrap_or(0)),
            }),
            "verified" => facts.copy_verified = true,
            "waits" if word == "id" => facts.waiting_id = Some(tail.trim().to_owned()),
            "waits" if word == "offset" => facts.waiting_offset = tail.trim().parse().ok(),
            "place" => facts.place = rest.to_owned(),
            "missing" => facts.missing = Some(rest.to_owned()),
            "size" => self.data_bytes = rest.parse().ok(),
            "dump" => self.dump(word, tail),
            "otherdump" => facts.other_dumps.push(rest.to_owned()),
            "aof" => facts.append_only_file = true,
            "ping" => facts
                .ping
                .extend((!rest.is_empty()).then(|| rest.to_owned())),
            "info" => {
                if let Some((name, value)) = rest.split_once(':') {
                    facts.info.insert(name.to_owned(), value.to_owned());
                }
            }
            "set" => {
                facts.settings.insert(word.to_owned(), tail.to_owned());
            }
            "error" => facts.settings_error = Some(rest.to_owned()),
            "user" => facts.users.extend(user(rest)),
            "connection" => {
                let address = word.rsplit_once(':').map_or(word, |(address, _)| address);
                let address = address.trim_start_matches('[').trim_end_matches(']');
                facts
                    .connections
                    .push((address.to_owned(), tail.to_owned()));
            }
            "sentinels" => facts.managers.push(Manager {
                name: "Sentinel".to_owned(),
                evidence: "clients named sentinel-… are connected".to_owned(),
            }),
            "core" => facts.complete = true,
            "said" => facts.upstream_message = Some(rest.to_owned()),
            "asked" => facts.answered_ms = rest.parse().ok(),
            _ => {}
        }
    }

    fn unit(&mut self, rest: &str) {
        let unit = &mut self.facts.unit;
        match rest.split_once('=') {
            Some(("LoadState", value)) => unit.load = value.to_owned(),
            Some(("ActiveState", value)) => unit.active = value.to_owned(),
            Some(("SubState", value)) => unit.sub = value.to_owned(),
            Some(("UnitFileState", value)) => unit.file = value.to_owned(),
            Some(("MainPID", value)) => unit.pid = value.parse().unwrap_or(0),
            Some(("NRestarts", value)) => unit.restarts = value.parse().unwrap_or(0),
            _ => {}
        }
    }

    fn directive(&mut self, name: &str, value: &str) {
        let name = name.to_ascii_lowercase();
        let value = value.trim().trim_matches(['"', '\'']);
        let first = value.split_whitespace().next().unwrap_or_default();
        match name.as_str() {
            "rename-command" => self.facts.renamed.push(first.to_ascii_uppercase()),
            "user" => {
                self.facts
                    .directives
                    .insert(format!("user/{first}"), value.to_owned());
            }
            // The older words for the same.
            "slaveof" | "primaryof" => {
                self.facts
                    .directives
                    .insert("replicaof".to_owned(), value.to_owned());
            }
            _ => {
                self.facts.directives.insert(name, value.to_owned());
            }
        }
    }

    fn dump(&mut self, word: &str, tail: &str) {
        let dump = self.facts.dump.get_or_insert_default();
        let mut words = tail.split(' ');
        match (word, words.next(), words.next()) {
            ("file", Some(bytes), Some(modified)) => {
                dump.bytes = bytes.parse().unwrap_or(0);
                dump.modified = modified.parse().unwrap_or(0);
            }
            ("version", Some(format), _) => dump.format = format.parse().unwrap_or(0),
            ("aux", Some("used-mem"), Some(value)) => dump.used_memory = value.parse().ok(),
            ("aux", Some("repl-id"), Some(value)) => {
                dump.replication_id = Some(value.to_owned());
            }
            ("aux", Some("repl-offset"), Some(value)) => dump.offset = value.parse().ok(),
            ("next", Some(first), _) => dump.empty = Some(first == "ff"),
            _ => {}
        }
    }
}

/// `user NAME on #(hash) ~* &* +@all`.
fn user(rest: &str) -> Option<User> {
    let mut words = rest.strip_prefix("user ")?.split(' ');
    let name = words.next()?.to_owned();
    let rules: Vec<&str> = words.collect();
    Some(User {
        name,
        enabled: rules.contains(&"on"),
        without_password: rules.contains(&"nopass"),
        rules: rules
            .iter()
            .filter(|rule| !rule.starts_with(['#', '>', '<', '!']))
            .copied()
            .collect::<Vec<_>>()
            .join(" "),
    })
}

fn instance(port: u16, host: &Host, found: &[Found]) -> Instance {
    // Of two configurations of one port the one whose unit runs.
    let chosen = found
        .iter()
        .filter(|one| one.port == port)
        .max_by_key(|one| {
            (
                one.facts.unit.active == "active",
                std::cmp::Reverse(&one.conf),
            )
        });
    let mut one = chosen.cloned().unwrap_or_default();
    let facts = &mut one.facts;
    facts.listening = host.listening.contains(&port);
    facts.huge_pages.clone_from(&host.huge_pages);
    facts.overcommit.clone_from(&host.overcommit);
    facts.packages.clone_from(&host.packages);
    facts.making = host.making;
    facts.conf.clone_from(&one.conf);
    let own = std::mem::take(&mut facts.managers);
    facts.managers = own
        .into_iter()
        .chain(host.managers.iter().cloned())
        .collect();
    facts.others = found
        .iter()
        .filter(|other| chosen.is_none_or(|chosen| chosen.conf != other.conf))
        .map(|other| OtherInstance {
            conf: other.conf.clone(),
            port: other.port,
            active: other.facts.unit.active.clone(),
        })
        .collect();
    let mut instance = match chosen {
        Some(_) => {
            let package = facts.kind.and_then(|kind| host.version(kind));
            summary::of_instance(port, one, package)
        }
        None => without_instance(port, host, one.facts),
    };
    instance.installable = host.installable();
    instance
}

/// No instance on the port: nothing installed, or an installation without one.
fn without_instance(port: u16, host: &Host, facts: RedisFacts) -> Instance {
    let installed = [Kind::Redis, Kind::Valkey]
        .into_iter()
        .find(|kind| host.version(*kind).is_some());
    let server = if facts.listening {
        ServerState::Unknown {
            why: format!(
                "something that is no instance of Debian's Redis or Valkey listens on port {port}"
            ),
        }
    } else if installed.is_some() && host.making.is_none_or(|(_, making)| making != port) {
        ServerState::NoInstance
    } else {
        // What replform began to install and was cut off counts as not installed: it goes on.
        ServerState::NotInstalled
    };
    summary::bare(port, server, &facts)
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
