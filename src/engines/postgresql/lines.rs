//! The probe's lines about a cluster's files and processes into [`PostgresFacts`]. Pure; a line that isn't understood is
//! left out, so that a newer probe's saved text can still be read.

use super::facts::{ControlFile, PostgresFacts, Tablespace, TimelineSwitch};
use super::rows::Answer;
use crate::observe::{Manager, SetAside};
use crate::topology::Bytes;

/// One cluster, as far as its lines were read.
#[derive(Clone, Debug, Default)]
pub(super) struct Cluster {
    /// `15/main`.
    pub(super) name: String,
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
    /// The block of pg_hba.conf whose lines are being read, by its role.
    pub(super) open_block: Option<String>,
    /// All the rest.
    pub(super) facts: PostgresFacts,
    /// What the server answered.
    pub(super) answer: Answer,
}

impl Cluster {
    /// Takes in the line `KIND CLUSTER REST`.
    pub(super) fn take(&mut self, kind: &str, rest: &str) {
        let facts = &mut self.facts;
        let (word, tail) = rest.split_once(' ').unwrap_or((rest, ""));
        match kind {
            "process" => facts.process = tail.trim().to_owned(),
            "data" => self.directory = rest.to_owned(),
            "owner" => facts.owner = rest.to_owned(),
            "start" => facts.start = rest.trim().to_owned(),
            "include" => facts.reads_drop_ins = true,
            "passfile" => facts.passfile = true,
            "verified" => {
                facts.copy_verified = true;
                facts.copy_end = rest.parse().ok();
            }
            "configured" => {
                if let Some((name, value)) = rest.split_once('=') {
                    facts.configured.insert(name.to_owned(), value.to_owned());
                }
            }
            "confd" if rest != "90-replform.conf" => facts.other_drop_ins.push(rest.to_owned()),
            "dropin" => facts.drop_in.push(rest.to_owned()),
            "auto" => facts.auto_conf.push(rest.to_owned()),
            "signal" => facts.signals.push(rest.to_owned()),
            "place" => facts.place = rest.to_owned(),
            "missing" => facts.missing = Some(rest.to_owned()),
            "said" => facts.upstream_messages.push(rest.to_owned()),
            "sqlerror" => facts.errors.push(rest.to_owned()),
            "asked" => facts.answered_ms = rest.parse().ok(),
            "unit" => self.unit(rest),
            "disk" => self.disk = disk(rest),
            "size" => match (word, tail.parse()) {
                ("data", Ok(bytes)) => self.data_bytes = Some(bytes),
                ("wal", Ok(bytes)) => facts.wal_bytes = Some(Bytes(bytes)),
                _ => {}
            },
            // du may have been cut: a size that isn't known is 0, the path is what matters.
            "aside" if !tail.is_empty() => self.set_aside.push(SetAside {
                path: tail.to_owned(),
                bytes: Bytes(word.parse().unwrap_or(0)),
            }),
            "spacelink" => facts.tablespaces.push(Tablespace {
                name: String::new(),
                location: rest.to_owned(),
                bytes: Bytes(0),
            }),
            "control" => control(rest, facts.control.get_or_insert_default()),
            "history" => facts.history.extend(history(rest)),
            "hbablock" => self.hba_block(rest),
            "sql" => self.row(word, tail),
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
            _ => {}
        }
    }

    fn hba_block(&mut self, line: &str) {
        let blocks = &mut self.facts.hba_blocks;
        if let Some(rest) = line.strip_prefix("# replform begin ") {
            let role = rest.split(':').next().unwrap_or(rest).trim().to_owned();
            blocks.insert(role.clone(), Vec::new());
            self.open_block = Some(role);
        } else if line.starts_with("# replform end ") {
            self.open_block = None;
        } else if let Some(lines) = self
            .open_block
            .as_ref()
            .and_then(|role| blocks.get_mut(role))
        {
            lines.push(line.to_owned());
        }
    }

    fn row(&mut self, kind: &str, json: &str) {
        // A row that was cut is no row: psql was ended in the middle of it.
        match serde_json::from_str(json) {
            Ok(value) => {
                if kind == "state" {
                    // The server's own list of tablespaces follows; the links are only for a server that doesn't answer.
                    self.facts.tablespaces.clear();
                }
                super::rows::take(kind, &value, &mut self.facts, &mut self.answer);
            }
            Err(_) => self
                .facts
                .errors
                .push(format!("the answer's row \"{kind}\" was cut")),
        }
    }
}

fn disk(rest: &str) -> Option<(u64, u64)> {
    let mut words = rest.split_whitespace();
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// `00000005 1 0/5000000`, from `FILE ANCESTOR PLACE`.
fn history(rest: &str) -> Option<TimelineSwitch> {
    let mut words = rest.split_whitespace();
    Some(TimelineSwitch {
        timeline: u32::from_str_radix(words.next()?, 16).ok()?,
        ancestor: words.next()?.parse().ok()?,
        left_at: words.next()?.parse().ok()?,
    })
}

fn control(rest: &str, control: &mut ControlFile) {
    let Some((name, value)) = rest.split_once('=') else {
        return;
    };
    let limit = match name {
        "max_connections setting" => Some("max_connections"),
        "max_worker_processes setting" => Some("max_worker_processes"),
        "max_wal_senders setting" => Some("max_wal_senders"),
        "max_prepared_xacts setting" => Some("max_prepared_transactions"),
        "max_locks_per_xact setting" => Some("max_locks_per_transaction"),
        _ => None,
    };
    if let (Some(limit), Ok(value)) = (limit, value.parse()) {
        control.limits.insert(limit.to_owned(), value);
        return;
    }
    match name {
        "Database system identifier" => control.system_identifier = value.to_owned(),
        "Database cluster state" => control.state = value.to_owned(),
        "Latest checkpoint location" => control.checkpoint = value.parse().ok(),
        "Latest checkpoint's TimeLineID" => control.timeline = value.parse().ok(),
        "Latest checkpoint's NextOID" => control.next_oid = value.parse().ok(),
        "Minimum recovery ending location" => {
            control.minimum_recovery_end =
                value.parse().ok().filter(|lsn: &super::lsn::Lsn| lsn.0 > 0);
        }
        "wal_level setting" => control.wal_level = value.to_owned(),
        "wal_log_hints setting" => control.wal_log_hints = Some(value == "on"),
        "Data page checksum version" => {
            control.checksums = value.parse().ok().map(|version: u32| version > 0);
        }
        _ => {}
    }
}

/// `process NAME pid PID` or `file PATH`.
pub(super) fn manager(rest: &str) -> Option<Manager> {
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
        ("repmgr", "repmgr"),
        ("patroni", "Patroni"),
        ("pg_autoctl", "pg_auto_failover"),
        ("stolon", "Stolon"),
        ("corosync", "Pacemaker"),
        ("pacemaker", "Pacemaker"),
    ];
    let title = known
        .iter()
        .find(|(sign, _)| name.contains(sign))
        .map_or(name, |(_, title)| title);
    Some(Manager {
        name: title.to_owned(),
        evidence,
    })
}
