//! The probe's lines into [`MariaFacts`]. Pure; a line that isn't understood is left out, so that a newer probe's saved text
//! can still be read.

use super::facts::{
    Account, Binlogs, Connection, CopyNote, Dump, EngineUse, MariaFacts, Unit, WrittenOption,
};
use crate::observe::{Manager, SetAside};
use crate::topology::Bytes;

/// The one server of a host, as far as its lines were read.
#[derive(Clone, Debug, Default)]
pub(super) struct Server {
    /// Its data directory; empty when not known.
    pub(super) directory: String,
    /// The directory's size.
    pub(super) bytes: Option<u64>,
    /// What a copy would move.
    pub(super) stream_bytes: Option<u64>,
    /// Size of its file system and what is free, bytes.
    pub(super) disk: Option<(u64, u64)>,
    /// Directories of ours beside it.
    pub(super) set_aside: Vec<SetAside>,
    /// Version and words of the server that answered.
    pub(super) version: Option<String>,
    /// Whether everything that plans rest on was answered.
    pub(super) complete: bool,
    /// Whether the connections' status was asked to its end.
    pub(super) connections_asked: bool,
    /// Where the ports of interest are listened on, by port.
    pub(super) listening: Vec<(u16, String)>,
    /// All the rest.
    pub(super) facts: MariaFacts,
}

impl Server {
    /// Takes in the line `KIND REST`.
    pub(super) fn take(&mut self, kind: &str, rest: &str) {
        match kind {
            "package" | "candidate" | "manager" | "process" | "listen" | "left" => {
                self.host(kind, rest);
            }
            "port" | "data" | "option" | "include" | "dropin" | "later" | "login" | "unit"
            | "socket" => self.files(kind, rest),
            "disk" | "aside" | "place" | "missing" | "size" | "stream" | "schemadir"
            | "identity" | "untouched" | "masterinfo" | "copy" | "linked" | "verified" => {
                self.data(kind, rest);
            }
            "slave" | "binlogs" | "oldest" | "slavehost" | "down" => self.replication(kind, rest),
            _ => self.answer(kind, rest),
        }
    }

    fn host(&mut self, kind: &str, rest: &str) {
        let facts = &mut self.facts;
        let (word, tail) = rest.split_once(' ').unwrap_or((rest, ""));
        match kind {
            // A package that was removed but for its configuration isn't installed.
            "package" => {
                if let Some((version, "installed")) = tail.split_once(' ') {
                    facts.packages.insert(word.to_owned(), version.to_owned());
                }
            }
            "candidate" => {
                facts.candidates.insert(word.to_owned(), tail.to_owned());
            }
            "manager" => facts.managers.extend(manager(word, tail)),
            "process" => facts.processes.push(tail.to_owned()),
            "listen" => {
                if let (Ok(port), Some(address)) = (word.parse(), address(tail)) {
                    self.listening.push((port, address));
                }
            }
            "left" => facts.left.push(rest.to_owned()),
            _ => {}
        }
    }

    fn files(&mut self, kind: &str, rest: &str) {
        let facts = &mut self.facts;
        match kind {
            "port" => facts.port = rest.trim().parse().ok(),
            "data" => {
                facts.installed = true;
                rest.clone_into(&mut self.directory);
            }
            "option" => facts.options.push(option(rest)),
            "include" => facts.reads_drop_ins = rest == "yes",
            "dropin" => facts.drop_in.push(rest.to_owned()),
            "later" => facts.later.push(option(rest)),
            "login" => facts.login = rest == "yes",
            "unit" => unit(&mut facts.unit, rest),
            "socket" => unit(&mut facts.socket, rest),
            _ => {}
        }
    }

    fn data(&mut self, kind: &str, rest: &str) {
        let facts = &mut self.facts;
        let (word, tail) = rest.split_once(' ').unwrap_or((rest, ""));
        match kind {
            "disk" => self.disk = numbers(word, tail),
            "aside" => self.set_aside.push(SetAside {
                path: tail.to_owned(),
                bytes: Bytes(word.parse().unwrap_or(0)),
            }),
            "place" => rest.clone_into(&mut facts.place),
            "missing" => facts.missing = Some(rest.to_owned()),
            "size" => self.bytes = rest.trim().parse().ok(),
            "stream" => self.stream_bytes = rest.trim().parse().ok(),
            "schemadir" => {
                let bytes = Bytes(word.parse().unwrap_or(0));
                facts.schema_directories.insert(tail.to_owned(), bytes);
            }
            "identity" => rest.clone_into(&mut facts.directory_identity),
            "untouched" => facts.untouched = rest == "yes",
            "masterinfo" => {
                facts.master_info = tail.parse().ok().map(|port| (word.to_owned(), port));
            }
            "copy" => note(facts.copy.get_or_insert_default(), word, tail),
            "verified" => note(facts.verified.get_or_insert_default(), word, tail),
            "linked" => note(facts.linked.get_or_insert_default(), word, tail),
            _ => {}
        }
    }

    fn replication(&mut self, kind: &str, rest: &str) {
        let facts = &mut self.facts;
        let (word, tail) = rest.split_once(' ').unwrap_or((rest, ""));
        match (kind, word) {
            ("slave", "row") => facts.connections.push(Connection::default()),
            ("slave", "end") => self.connections_asked = true,
            ("slave", name) if !tail.is_empty() => {
                if let Some(connection) = facts.connections.last_mut() {
                    connection.fields.insert(name.to_owned(), tail.to_owned());
                }
            }
            ("binlogs", count) => {
                let bytes = tail.split(' ').next().and_then(|bytes| bytes.parse().ok());
                if let (Ok(count), Some(bytes)) = (count.parse(), bytes) {
                    facts.binlogs = Some(Binlogs {
                        count,
                        bytes: Bytes(bytes),
                        oldest: None,
                    });
                }
            }
            ("oldest", _) => {
                if let Some(binlogs) = &mut facts.binlogs {
                    binlogs.oldest = Some(rest.to_owned());
                }
            }
            ("slavehost", id) => {
                if let Ok(id) = id.parse() {
                    facts.registered.insert(id, tail.to_owned());
                }
            }
            ("down", _) => facts.dumps.extend(dump(tail)),
            _ => {}
        }
    }

    fn answer(&mut self, kind: &str, rest: &str) {
        let facts = &mut self.facts;
        let (word, tail) = rest.split_once(' ').unwrap_or((rest, ""));
        match kind {
            "error" => facts.errors.push(rest.to_owned()),
            "rootlogin" => rest.clone_into(&mut facts.root_login),
            "asked" => facts.answered_ms = rest.trim().parse().ok(),
            "version" => self.version = Some(rest.to_owned()),
            "core" => self.complete = true,
            "host" => rest.clone_into(&mut facts.hostname),
            "var" => {
                facts.variables.insert(word.to_owned(), tail.to_owned());
            }
            "status" => {
                facts.status.insert(word.to_owned(), tail.to_owned());
            }
            "account" => {
                let (host, requires) = tail.split_once(' ').unwrap_or((tail, ""));
                facts.accounts.push(Account {
                    user: word.to_owned(),
                    host: host.to_owned(),
                    requires: requires.trim().to_owned(),
                });
            }
            "writes" => facts.writers.push(rest.to_owned()),
            "schema" => facts.schemas.push(rest.to_owned()),
            "people" => {
                facts.people = numbers(word, tail).map(|(accounts, events)| accounts + events);
            }
            "plugin" => facts.plugins.push(rest.to_owned()),
            "longest" => facts.longest_transaction = rest.trim().parse().ok(),
            "engine" => {
                if let Some(count) = engine_use(tail) {
                    facts.engines.insert(word.to_owned(), count);
                }
            }
            "keyless" => facts.keyless = engine_use(rest),
            "bytes" => {
                if let Ok(bytes) = tail.parse() {
                    facts.schema_bytes.insert(word.to_owned(), Bytes(bytes));
                }
            }
            _ => {}
        }
    }
}

fn numbers(word: &str, tail: &str) -> Option<(u64, u64)> {
    let second = tail.split_whitespace().next()?;
    Some((word.parse().ok()?, second.parse().ok()?))
}

/// `NAME VALUE`.
fn option(rest: &str) -> WrittenOption {
    let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
    WrittenOption {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn unit(unit: &mut Unit, rest: &str) {
    match rest.split_once('=') {
        Some(("LoadState", value)) => value.clone_into(&mut unit.load),
        Some(("ActiveState", value)) => value.clone_into(&mut unit.active),
        Some(("SubState", value)) => value.clone_into(&mut unit.sub),
        Some(("UnitFileState", value)) => value.clone_into(&mut unit.file),
        _ => {}
    }
}

fn note(note: &mut CopyNote, word: &str, value: &str) {
    match word {
        "source" => value.clone_into(&mut note.source),
        "gtid" => value.clone_into(&mut note.gtid),
        _ => {}
    }
}

/// `COUNT EXAMPLE`.
fn engine_use(text: &str) -> Option<EngineUse> {
    let (count, example) = text.split_once(' ').unwrap_or((text, ""));
    Some(EngineUse {
        tables: count.parse().ok()?,
        example: example.to_owned(),
    })
}

/// `USER HOST:PORT SECONDS STATE`.
fn dump(text: &str) -> Option<Dump> {
    let mut words = text.splitn(4, ' ');
    let (user, host) = (words.next()?, words.next()?);
    Some(Dump {
        user: user.to_owned(),
        host: host
            .rsplit_once(':')
            .map_or(host, |(host, _)| host)
            .to_owned(),
        state: words.nth(1).unwrap_or_default().to_owned(),
    })
}

/// An address as /proc/net/tcp and tcp6 have it: words of four bytes in the host's order; Linux on Debian's machines but one
/// is little-endian. All zero is every address.
fn address(hex: &str) -> Option<String> {
    if !matches!(hex.len(), 8 | 32) {
        return None;
    }
    let words: Vec<u32> = hex
        .as_bytes()
        .chunks(8)
        .map(|chunk| u32::from_str_radix(std::str::from_utf8(chunk).ok()?, 16).ok())
        .collect::<Option<_>>()?;
    if words.iter().all(|word| *word == 0) {
        return Some("*".to_owned());
    }
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    if let Ok(four) = <[u8; 4]>::try_from(bytes.as_slice()) {
        return Some(core::net::Ipv4Addr::from(four).to_string());
    }
    let sixteen = core::net::Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?);
    Some(match sixteen.to_ipv4_mapped() {
        Some(four) => four.to_string(),
        None => sixteen.to_string(),
    })
}

/// `unit NAME`, `file PATH`, `account NAME`.
fn manager(sort: &str, what: &str) -> Option<Manager> {
    if !matches!(sort, "unit" | "file" | "account") {
        return None;
    }
    let known = [
        ("maxscale", "MaxScale"),
        ("replication-manager", "replication-manager"),
        ("orchestrator", "Orchestrator"),
        ("corosync", "Pacemaker"),
        ("pacemaker", "Pacemaker"),
        ("garb", "Galera"),
        ("router", "MySQL Router"),
    ];
    let title = known
        .iter()
        .find(|(sign, _)| what.contains(sign))
        .map_or(what, |(_, title)| title);
    Some(Manager {
        name: title.to_owned(),
        evidence: format!("{sort} {what}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_kernel_shows_them() {
        for (hex, shown) in [
            ("00000000", "*"),
            ("00000000000000000000000000000000", "*"),
            ("0100007F", "127.0.0.1"),
            ("0C1F4D0A", "10.77.31.12"),
            ("0000000000000000FFFF00000C1F4D0A", "10.77.31.12"),
            ("B80D0120000000000000000001000000", "2001:db8::1"),
        ] {
            assert_eq!(address(hex).as_deref(), Some(shown), "{hex}");
        }
        assert_eq!(address("zz"), None);
        assert_eq!(address("0100"), None);
    }
}
