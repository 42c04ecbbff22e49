//! What only MySQL's own code reads of an instance: [`MysqlFacts`], kept as JSON in an instance's `details`.
//!
//! Comes from the probe by way of `decode`; goes to this folder's relation, requirements and steps. Holds no secret. `None` and
//! empty mean what each field says: *not known* is never *absent*.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gtid::GtidSet;
use crate::observe::{DetailsError, Instance, Manager};
use crate::plan::names;
use crate::topology::Bytes;

/// MySQL's facts of one instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MysqlFacts {
    /// What `mysqld --version` says; holds `MariaDB` where it is one.
    pub program: String,
    /// The MariaDB that is on the host instead, with its version; `None`: none is.
    pub mariadb: Option<String>,
    /// The port of the host's one server; `None` where none is installed.
    pub server_port: Option<u16>,
    /// How its systemd unit stands.
    pub unit: Unit,
    /// Whether a process works in the data directory.
    pub process: bool,
    /// Whether anything on the host listens on the port.
    pub listening: bool,
    /// How long the server took to answer everything, milliseconds; `None` when it was not asked.
    pub answered_ms: Option<u64>,
    /// What the server or the client said instead of a row, in order.
    pub errors: Vec<String>,
    /// The last errors of the log of a server that isn't active.
    pub log: Vec<String>,
    /// The host's own addresses.
    pub addresses: Vec<String>,

    /// Variables in force, by name; empty when the server didn't answer.
    pub settings: BTreeMap<String, String>,
    /// What the configuration files say of some of them, the last file wins.
    pub options: BTreeMap<String, String>,
    /// Variables that mysqld-auto.cnf sets, which wins over every file.
    pub persisted: BTreeMap<String, String>,
    /// Lines of our file, zz-replform.cnf.
    pub drop_in: Vec<String>,
    /// Files of the same directory that are read after ours.
    pub later_files: Vec<String>,

    /// Transactions executed.
    pub executed: Option<String>,
    /// Those of them that the binary log no longer holds.
    pub purged: Option<String>,
    /// Replication channels.
    pub channels: Vec<Channel>,
    /// Rules by which replication leaves something out on this server.
    pub filters: Vec<String>,
    /// Schemas that its binary log leaves out: `only a`, `without b`.
    pub binlog_filter: Option<String>,
    /// Connections that read the binary log, and clones that run.
    pub readers: Vec<Reader>,
    /// Accounts of ours.
    pub accounts: Vec<Account>,
    /// Plugins of interest with their states.
    pub plugins: BTreeMap<String, String>,
    /// Whether clients can log in by TLS.
    pub tls: Option<bool>,
    /// Size of all binary logs.
    pub binlog_bytes: Option<Bytes>,
    /// How long ago the oldest of them was last written, seconds.
    pub binlog_seconds: Option<u64>,
    /// Binary log written per second, on average over the logs that are there.
    pub binlog_bytes_per_second: Option<f64>,

    /// What the data directory is where it can't be renamed: `symlink`, `mount`; empty: an ordinary directory.
    pub place: String,
    /// Whether a copy can be made beside the data: `good`, `missing` (no /var/lib/mysql-files), `elsewhere` (another file system).
    pub copy_place: String,
    /// What is missing: `directory` (no data directory), `content` (it is empty), `mysql.ibd` (something else is in it).
    pub missing: Option<String>,
    /// Directories of schemas in the data directory; known of a stopped server too.
    pub schema_directories: Vec<Directory>,
    /// Files of tablespaces in the data directory itself.
    pub tablespaces: Vec<String>,
    /// The donor's server_uuid in the note that a copy of ours carries.
    pub copy_of: Option<String>,
    /// Whether a checked copy waits beside the data directory.
    pub copy_verified: bool,
    /// The server_uuid of that copy's donor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_source: Option<String>,
    /// Transactions that are in that copy for sure; those after them may be missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_executed: Option<String>,
    /// Whether replform began to install this server and was cut off.
    pub making: bool,

    /// What people made; `None` when the server didn't answer.
    pub people: Option<People>,
    /// Tables of engines that a clone leaves empty.
    pub other_engines: Vec<Tables>,
    /// Tables without a primary key.
    pub keyless: Option<Tables>,
    /// Data files outside of the data directory.
    pub outside: Vec<String>,
    /// Encrypted tablespaces.
    pub encrypted: u64,

    /// All signs of other managers.
    pub managers: Vec<Manager>,
    /// Server packages with their versions.
    pub packages: BTreeMap<String, String>,
}

/// A systemd unit's state, in systemd's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Unit {
    /// LoadState.
    pub load: String,
    /// ActiveState.
    pub active: String,
    /// SubState.
    pub sub: String,
    /// UnitFileState.
    pub file: String,
    /// Result: `start-limit-hit` where systemd has given up.
    pub result: String,
}

/// A replication channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Channel {
    /// Its name; empty for the default one.
    pub name: String,
    /// The upstream's address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The account.
    pub user: String,
    /// Whether it finds its place by GTID.
    pub auto_position: bool,
    /// Whether MySQL itself moves it to another upstream.
    pub failover: bool,
    /// `ON`, `CONNECTING`, `OFF`.
    pub connection: String,
    /// The connection's last error, 0 for none.
    pub connection_error: u32,
    /// Its text.
    pub connection_message: String,
    /// The server_uuid of the upstream that it last spoke to.
    pub source: String,
    /// Transactions received since the channel was made; not necessarily executed.
    pub received: String,
    /// Whether transactions are applied: `ON`, `OFF`.
    pub applier: String,
    /// The applier's last error, 0 for none.
    pub applier_error: u32,
    /// Its text.
    pub applier_message: String,
    /// The authority by which it verifies its upstream; `nobody`: it is encrypted without a proof; empty: not encrypted.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub verified_by: String,
    /// Milliseconds since the transaction that is being applied was committed; 0 when nothing is.
    pub lag_ms: Option<u64>,
}

/// Who reads the binary log, or clones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reader {
    /// Its account.
    pub user: String,
    /// Its address or name.
    pub host: String,
    /// `Binlog Dump GTID`, `Binlog Dump`, `Clone`.
    pub command: String,
    /// What it does.
    pub state: String,
}

/// An account of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Account {
    /// Its name.
    pub user: String,
    /// Where it may come from.
    pub host: String,
    /// How its password is kept.
    pub plugin: String,
    /// Whether it is locked.
    pub locked: bool,
    /// What it must show to log in: `ANY` (TLS), `X509` (a certificate), a certificate's subject; empty: nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub requires: String,
}

/// What people made, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct People {
    /// Schemas besides the server's own.
    pub schemas: u64,
    /// Accounts besides the server's own and ours.
    pub accounts: u64,
}

/// A schema's directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Directory {
    /// Its name, as the server writes it in file names.
    pub name: String,
    /// What lies in it.
    pub bytes: Bytes,
}

/// Some tables, by number and one of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tables {
    /// Their storage engine, where that is what they have in common.
    pub engine: String,
    /// How many.
    pub tables: u64,
    /// One of them.
    pub example: String,
}

impl MysqlFacts {
    /// The facts of an instance that this engine decoded.
    ///
    /// # Errors
    /// When `details` is of another engine or of another version of replform.
    pub fn of(instance: &Instance) -> Result<Arc<Self>, DetailsError> {
        instance.details.read()
    }

    /// The value of a variable in force.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    /// Whether a variable is `ON`.
    pub fn is_on(&self, name: &str) -> bool {
        self.setting(name) == Some("ON")
    }

    /// What the server has executed; `None` when not known.
    pub fn executed(&self) -> Option<GtidSet> {
        self.executed.as_deref()?.parse().ok()
    }

    /// What its binary log no longer holds; `None` when not known.
    pub fn purged(&self) -> Option<GtidSet> {
        self.purged.as_deref()?.parse().ok()
    }

    /// The value of a `name = value` line of our file.
    pub fn own_line(&self, name: &str) -> Option<&str> {
        self.drop_in.iter().rev().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == name).then(|| value.trim())
        })
    }

    /// Who reads the binary log by an account that isn't replform's.
    pub fn foreign_reader(&self) -> Option<&Reader> {
        let reads = |reader: &&Reader| reader.command.starts_with("Binlog Dump");
        let foreign = |reader: &&Reader| !reader.user.starts_with(names::ACCOUNTS);
        self.readers.iter().filter(reads).find(foreign)
    }

    /// The channel that is set up, the default one first.
    pub fn channel(&self) -> Option<&Channel> {
        self.channels
            .iter()
            .filter(|channel| !channel.host.is_empty())
            .min_by_key(|channel| !channel.name.is_empty())
    }
}
