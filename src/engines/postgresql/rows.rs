//! The rows that a server answered (`sql CLUSTER KIND JSON` lines) into [`PostgresFacts`]. Pure; never fails: what isn't
//! there stays unknown, and whether a server answered enough is judged by its row `core`.

use serde_json::{Map, Value};

use super::facts::{
    Archiver, ConfigError, DatabaseFacts, HbaRule, People, PostgresFacts, Receiver,
    ReplicationRole, RunningBackup, Sender, Setting, Slot, Tablespace,
};
use super::lsn::Lsn;
use crate::observe::Manager;
use crate::topology::Bytes;

/// What the rows say beside the facts; parts of the instance itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Answer {
    /// Row `core`: everything that plans rest on was answered.
    pub(super) complete: bool,
    /// The server's version: `15.18`.
    pub(super) version: Option<String>,
    /// Whether it is in recovery.
    pub(super) recovery: Option<bool>,
    /// System identifier.
    pub(super) identity: Option<String>,
    /// A primary's place.
    pub(super) written: Option<Lsn>,
    /// A standby's place.
    pub(super) replayed: Option<Lsn>,
    /// The last replayed transaction's time, seconds since 1970.
    pub(super) last_transaction: Option<f64>,
    /// Sum of the databases' sizes.
    pub(super) bytes: Option<u64>,
    /// The oldest log file's name without its timeline.
    pub(super) oldest_wal: Option<String>,
}

/// One JSON object; a field that is missing, null or of another type reads as its type's nothing.
struct Row<'a>(&'a Map<String, Value>);

impl Row<'_> {
    fn text(&self, name: &str) -> String {
        self.maybe_text(name).unwrap_or_default()
    }

    fn maybe_text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_u64()
    }

    fn small<T: TryFrom<u64>>(&self, name: &str) -> Option<T> {
        T::try_from(self.number(name)?).ok()
    }

    fn float(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.as_f64()
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    fn is(&self, name: &str) -> bool {
        self.flag(name).unwrap_or(false)
    }

    fn bytes(&self, name: &str) -> Bytes {
        Bytes(self.number(name).unwrap_or(0))
    }

    fn lsn(&self, name: &str) -> Option<Lsn> {
        self.0.get(name)?.as_str()?.parse().ok()
    }

    fn texts(&self, name: &str) -> Vec<String> {
        let values = self.0.get(name).and_then(Value::as_array);
        values.map_or_else(Vec::new, |values| {
            values
                .iter()
                .filter_map(|value| value.as_str().map(str::to_owned))
                .collect()
        })
    }
}

/// Takes one row in. Kinds that aren't known are left out.
pub(super) fn take(kind: &str, value: &Value, facts: &mut PostgresFacts, answer: &mut Answer) {
    match kind {
        "core" => answer.complete = true,
        "bytes" => answer.bytes = value.as_u64(),
        "conninfo" => facts.conninfo = value.as_str().map(str::to_owned),
        "dbext" => {
            if let Some(name) = value.as_str() {
                facts.managers.push(Manager {
                    name: name.to_owned(),
                    evidence: format!("database {name}"),
                });
            }
        }
        _ => {
            if let Some(object) = value.as_object() {
                take_object(kind, &Row(object), facts, answer);
            }
        }
    }
}

fn take_object(kind: &str, row: &Row<'_>, facts: &mut PostgresFacts, answer: &mut Answer) {
    match kind {
        "state" => state(row, facts, answer),
        "set" => {
            facts.settings.insert(row.text("name"), setting(row));
        }
        "conferr" => facts.config_errors.push(ConfigError {
            file: row.text("sourcefile"),
            line: row.small("sourceline").unwrap_or(0),
            name: row.text("name"),
            error: row.text("error"),
        }),
        "hba" => facts.hba.push(hba_rule(row)),
        "upstream" => facts.receiver = Some(receiver(row)),
        "down" => facts.senders.push(sender(row)),
        "slot" => facts.slots.push(slot(row)),
        "role" => facts.roles.push(ReplicationRole {
            name: row.text("name"),
            superuser: row.is("super"),
            replication: row.is("replication"),
            login: row.is("login"),
            password: row.text("password"),
        }),
        "backup" => facts.backups.push(RunningBackup {
            phase: row.text("phase"),
            done: row.bytes("backup_streamed"),
            total: row.number("backup_total").map(Bytes),
        }),
        "db" => facts.databases.push(database(row)),
        "dbactual" => {
            let name = row.text("name");
            let version = row.maybe_text("version");
            if let Some(database) = facts.databases.iter_mut().find(|d| d.name == name) {
                database.actual_version = version;
            }
        }
        "tablespace" => facts.tablespaces.push(Tablespace {
            name: row.text("name"),
            location: row.text("location"),
            bytes: row.bytes("bytes"),
        }),
        _ => take_counters(kind, row, facts),
    }
}

fn take_counters(kind: &str, row: &Row<'_>, facts: &mut PostgresFacts) {
    match kind {
        "collversion" => {
            if let Some(version) = row.maybe_text("version") {
                facts
                    .collation_versions
                    .insert(row.text("provider"), version);
            }
        }
        "people" => {
            facts.people = match (
                row.number("databases"),
                row.number("roles"),
                row.number("objects"),
            ) {
                (Some(databases), Some(roles), Some(objects)) => Some(People {
                    databases,
                    roles,
                    objects,
                }),
                _ => None,
            };
        }
        "logical" => {
            facts.subscriptions = row.number("subscriptions").unwrap_or(0);
            facts.publications = row.number("publications").unwrap_or(0);
        }
        "archiver" => {
            facts.archiver = Some(Archiver {
                archived: row.number("archived_count").unwrap_or(0),
                failed: row.number("failed_count").unwrap_or(0),
                last_failed: row.maybe_text("last_failed_wal"),
            });
        }
        "walrate" => {
            facts.wal_bytes_per_second = match (row.float("bytes"), row.float("seconds")) {
                (Some(bytes), Some(seconds)) if seconds >= 1.0 => Some((bytes / seconds).round()),
                _ => None,
            };
        }
        _ => {}
    }
}

fn state(row: &Row<'_>, facts: &mut PostgresFacts, answer: &mut Answer) {
    // "15.18 (Debian 15.18-0+deb12u1)"
    answer.version = row
        .maybe_text("version")
        .and_then(|version| version.split_whitespace().next().map(str::to_owned));
    answer.recovery = row.flag("recovery");
    answer.identity = row.maybe_text("sysid");
    answer.written = row.lsn("lsn");
    answer.replayed = row.lsn("replay");
    answer.last_transaction = row.float("last_xact");
    answer.oldest_wal = row.maybe_text("oldest_wal");
    facts.received = row.lsn("receive");
    facts.replay_paused = row.flag("paused");
    facts.timeline = row.small("tli").or_else(|| row.small("tli_checkpoint"));
    facts.prepared_transactions = row.number("prepared");
    facts.server_time = row.float("now");
    facts.started_at = row.float("started");
}

fn setting(row: &Row<'_>) -> Setting {
    Setting {
        value: row.text("setting"),
        unit: row.text("unit"),
        context: row.text("context"),
        source: row
            .maybe_text("sourcefile")
            .unwrap_or_else(|| row.text("source")),
        pending_restart: row.is("pending_restart"),
    }
}

fn hba_rule(row: &Row<'_>) -> HbaRule {
    HbaRule {
        line: row.small("line_number").unwrap_or(0),
        kind: row.text("type"),
        databases: row.texts("database"),
        users: row.texts("user_name"),
        address: row.text("address"),
        netmask: row.text("netmask"),
        method: row.text("auth_method"),
        error: row.text("error"),
    }
}

fn receiver(row: &Row<'_>) -> Receiver {
    Receiver {
        status: row.text("status"),
        host: row.text("sender_host"),
        port: row.small("sender_port").unwrap_or(0),
        slot: row.text("slot_name"),
        timeline: row.small("received_tli").filter(|timeline| *timeline > 0),
        latest_end: row.lsn("latest_end_lsn"),
        silent_seconds: row.float("silent_seconds"),
    }
}

fn sender(row: &Row<'_>) -> Sender {
    Sender {
        role: row.text("role"),
        application_name: row.text("application_name"),
        address: row.text("address"),
        state: row.text("state"),
        sync_state: row.text("sync_state"),
        slot: row.maybe_text("slot"),
        replayed: row.lsn("replay_lsn"),
        reply_age_seconds: row.float("reply_age_seconds"),
        ssl: row.flag("ssl"),
    }
}

fn slot(row: &Row<'_>) -> Slot {
    Slot {
        name: row.text("name"),
        kind: row.text("kind"),
        database: row.text("database"),
        temporary: row.is("temporary"),
        active: row.is("active"),
        restart_lsn: row.lsn("restart_lsn"),
        wal_status: row.text("wal_status"),
        safe_bytes: row.0.get("safe_wal_size").and_then(Value::as_i64),
        // Below zero on a standby whose slot is ahead of what it has replayed: nothing is kept for it.
        retained: row
            .float("retained")
            .map(|bytes| Bytes(bytes.max(0.0) as u64)),
        failover: row.is("failover"),
    }
}

fn database(row: &Row<'_>) -> DatabaseFacts {
    DatabaseFacts {
        name: row.text("name"),
        bytes: row.bytes("bytes"),
        collate: row.text("collate"),
        provider: row.text("provider"),
        encoding: row.text("encoding"),
        collation_version: row.maybe_text("collation_version"),
        actual_version: None,
    }
}
