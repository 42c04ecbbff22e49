//! The probe's text into one [`Instance`] a port. Pure; made to survive any text, as it comes from hosts.
//!
//! Its source is probe.sh (or a recording under testdata/observations/mysql); what it makes goes into the observation. Only a
//! missing end line is an error: everything else that isn't as expected is a fact (*unknown*, with why).

use std::collections::BTreeMap;

use super::facts::{Directory, MysqlFacts};
use super::rows;
use super::summary;
use crate::engines::DecodeError;
use crate::observe::{Database, Instance, Manager, SetAside};
use crate::topology::Bytes;

/// What the probe says about the host and its one server.
#[derive(Clone, Debug, Default)]
pub(super) struct Server {
    /// All that is the engine's own.
    pub(super) facts: MysqlFacts,
    /// Whether the server's program is there.
    pub(super) program: bool,
    /// The version that apt could install.
    pub(super) candidate: Option<String>,
    /// Ports of interest that something listens on.
    pub(super) listening: Vec<u16>,
    /// Processes: name and working directory.
    pub(super) processes: Vec<(String, String)>,
    /// Its data directory; empty when not known.
    pub(super) directory: String,
    /// The directory's size.
    pub(super) data_bytes: Option<u64>,
    /// Size of its file system and what is free, bytes.
    pub(super) disk: Option<(u64, u64)>,
    /// Directories of ours beside it.
    pub(super) set_aside: Vec<SetAside>,
    /// The server_uuid in auto.cnf.
    pub(super) uuid: Option<String>,
    /// Row `core`: everything that plans rest on was answered.
    pub(super) complete: bool,
    /// Full version by the running server: `9.7.4-2`.
    pub(super) version: Option<String>,
    /// Sum of the tablespaces' files.
    pub(super) table_bytes: Option<u64>,
    /// Schemas by name and size.
    pub(super) schemas: Vec<Database>,
    /// The server's clock, seconds since 1970.
    pub(super) now: Option<f64>,
    /// When the oldest binary log was last written, seconds since 1970.
    pub(super) oldest_binlog: Option<f64>,
}

/// Decodes what probe.sh printed into one instance for each of `ports`, keyed `mysql:PORT`.
///
/// # Errors
/// When the end line is missing.
pub fn decode(section: &str, ports: &[u16]) -> Result<BTreeMap<String, Instance>, DecodeError> {
    let mut server = Server::default();
    let mut complete = false;
    for line in section.lines() {
        let line = line.trim_end_matches('\r');
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        if kind == "end" {
            complete = true;
        } else {
            server.take(kind, rest);
        }
    }
    if !complete {
        return Err(DecodeError::Cut);
    }
    server.finish();
    Ok(ports
        .iter()
        .map(|port| (format!("mysql:{port}"), summary::instance(*port, &server)))
        .collect())
}

impl Server {
    /// Takes in the line `KIND REST`; one that isn't understood is left out, so that a newer probe's text can still be read.
    fn take(&mut self, kind: &str, rest: &str) {
        let facts = &mut self.facts;
        let (word, tail) = rest.split_once(' ').unwrap_or((rest, ""));
        match kind {
            "package" => self.package(rest),
            "candidate" => self.candidate = Some(tail.to_owned()),
            "process" => self.process(rest),
            "manager" => facts.managers.extend(manager(rest)),
            "address" => facts.addresses.push(rest.to_owned()),
            "listening" => self.listening.extend(rest.parse::<u16>().ok()),
            "port" => facts.server_port = rest.parse().ok(),
            "version" => {
                self.program = true;
                facts.program = rest.to_owned();
            }
            "unit" => self.unit(rest),
            "option" => insert(&mut facts.options, rest),
            "dropin" => facts.drop_in.push(rest.to_owned()),
            "later" => facts.later_files.push(rest.to_owned()),
            "data" => self.directory = rest.to_owned(),
            "disk" => self.disk = disk(rest),
            "size" => self.data_bytes = rest.parse().ok(),
            // du may have been cut: a size that isn't known is 0, the path is what matters.
            "aside" if !tail.is_empty() => self.set_aside.push(SetAside {
                path: tail.to_owned(),
                bytes: Bytes(word.parse().unwrap_or(0)),
            }),
            "verified" => facts.copy_verified = true,
            "waits" if word == "source" => facts.waiting_source = Some(tail.trim().to_owned()),
            "waits" if word == "executed" => facts.waiting_executed = Some(tail.trim().to_owned()),
            "making" => facts.making = true,
            "copyplace" => facts.copy_place = rest.to_owned(),
            "place" => facts.place = rest.to_owned(),
            "missing" => facts.missing = Some(rest.to_owned()),
            "uuid" => self.uuid = Some(rest.trim().to_owned()).filter(|uuid| !uuid.is_empty()),
            "copyof" => facts.copy_of = Some(rest.trim().to_owned()),
            "schema" if !tail.is_empty() => facts.schema_directories.push(Directory {
                name: tail.to_owned(),
                bytes: Bytes(word.parse().unwrap_or(0)),
            }),
            "tablespace" => facts.tablespaces.push(rest.to_owned()),
            "sqlerror" => facts.errors.push(rest.to_owned()),
            "log" => facts.log.push(rest.to_owned()),
            "asked" => facts.answered_ms = rest.parse().ok(),
            "binlogs" => facts.binlog_bytes = tail.parse().ok().map(Bytes),
            "binlogage" => self.oldest_binlog = rest.parse().ok(),
            "binlogfilter" => facts.binlog_filter = Some(rest.to_owned()),
            "sql" => self.row(word, tail),
            _ => {}
        }
    }

    fn package(&mut self, rest: &str) {
        let mut words = rest.split_whitespace();
        // A package that was removed but for its configuration isn't installed.
        if let (Some(name), Some(version), true) =
            (words.next(), words.next(), rest.ends_with(" installed"))
        {
            self.facts
                .packages
                .insert(name.to_owned(), version.to_owned());
        }
    }

    /// `mysqld PID DIRECTORY`.
    fn process(&mut self, rest: &str) {
        let mut words = rest.splitn(3, ' ');
        if let (Some(name), Some(_), Some(directory)) = (words.next(), words.next(), words.next()) {
            self.processes.push((name.to_owned(), directory.to_owned()));
        }
    }

    fn unit(&mut self, rest: &str) {
        let unit = &mut self.facts.unit;
        match rest.split_once('=') {
            Some(("LoadState", value)) => unit.load = value.to_owned(),
            Some(("ActiveState", value)) => unit.active = value.to_owned(),
            Some(("SubState", value)) => unit.sub = value.to_owned(),
            Some(("UnitFileState", value)) => unit.file = value.to_owned(),
            Some(("Result", value)) => unit.result = value.to_owned(),
            _ => {}
        }
    }

    fn row(&mut self, kind: &str, json: &str) {
        // A row that was cut is no row: the client was ended in the middle of it.
        match serde_json::from_str(json) {
            Ok(value) => rows::take(kind, &value, self),
            Err(_) => self
                .facts
                .errors
                .push(format!("the answer's row \"{kind}\" was cut")),
        }
    }

    /// Facts that follow from several lines; lists in an order of their own.
    fn finish(&mut self) {
        let Self { facts, .. } = self;
        facts.process = self
            .processes
            .iter()
            .any(|(name, directory)| name == "mysqld" && *directory == self.directory);
        facts.mariadb = mariadb(facts);
        if let (Some(bytes), Some(now), Some(oldest)) =
            (facts.binlog_bytes, self.now, self.oldest_binlog)
            && now - oldest >= 60.0
        {
            facts.binlog_seconds = Some((now - oldest) as u64);
            facts.binlog_bytes_per_second = Some((bytes.0 as f64 / (now - oldest)).round());
        }
        facts.schema_directories.sort_by(|a, b| a.name.cmp(&b.name));
        facts.addresses.sort();
        facts.channels.sort_by(|a, b| a.name.cmp(&b.name));
        facts
            .readers
            .sort_by(|a, b| (&a.user, &a.host, &a.state).cmp(&(&b.user, &b.host, &b.state)));
        facts
            .accounts
            .sort_by(|a, b| (&a.user, &a.host).cmp(&(&b.user, &b.host)));
        self.schemas.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

fn insert(map: &mut BTreeMap<String, String>, rest: &str) {
    let (name, value) = rest.split_once('=').unwrap_or((rest, ""));
    map.insert(name.to_owned(), value.to_owned());
}

/// The MariaDB that is on the host instead: by its package, or by what `mysqld` says of itself.
fn mariadb(facts: &MysqlFacts) -> Option<String> {
    let packaged = facts.packages.get("mariadb-server").map(|version| {
        let version = version.split_once(':').map_or(version.as_str(), |(_, v)| v);
        version.split('-').next().unwrap_or(version).to_owned()
    });
    let says = || {
        let (before, _) = facts.program.split_once("-MariaDB")?;
        Some(before.rsplit(' ').next().unwrap_or(before).to_owned())
    };
    packaged.or_else(says)
}

fn disk(rest: &str) -> Option<(u64, u64)> {
    let mut words = rest.split_whitespace();
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// `process NAME pid PID` or `file PATH`. A router or proxy in front of a server isn't in charge of it.
fn manager(rest: &str) -> Option<Manager> {
    let (sort, what) = rest.split_once(' ')?;
    let (name, evidence) = match sort {
        "process" => {
            let (name, pid) = what.split_once(' ')?;
            (name, format!("process {name} ({pid})"))
        }
        "file" => (what, format!("file {what}")),
        _ => return None,
    };
    let known = [
        ("orchestrator", "Orchestrator"),
        ("corosync", "Pacemaker"),
        ("pacemaker", "Pacemaker"),
    ];
    let (_, title) = known.iter().find(|(sign, _)| name.contains(sign))?;
    Some(Manager {
        name: (*title).to_owned(),
        evidence,
    })
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
