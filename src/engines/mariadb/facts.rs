//! What only MariaDB's own code reads of an instance: [`MariaFacts`], kept as JSON in an instance's `details`.
//!
//! Comes from the probe by way of `decode`; goes to this folder's relation, requirements and steps. Holds no secret. `None` and
//! empty mean what each field says: *not known* is never *absent*.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gtid::{Gtid, Gtids};
use crate::observe::{DetailsError, Instance, Manager};
use crate::plan::names;
use crate::topology::Bytes;

/// MariaDB's facts of one instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MariaFacts {
    /// Whether the server's program is there.
    pub installed: bool,
    /// Packages of MariaDB, of its relatives and of what a copy needs, with their versions.
    pub packages: BTreeMap<String, String>,
    /// What apt could install, by package; asked only where something is missing.
    pub candidates: BTreeMap<String, String>,
    /// A server of another family that has this host: `MySQL 9.7.4`; empty for none.
    pub relative: String,
    /// All signs of other managers.
    pub managers: Vec<Manager>,
    /// Programs of servers that run, whoever started them.
    pub processes: Vec<String>,
    /// Where the port is listened on: addresses, `*` for all.
    pub listens: Vec<String>,
    /// What lies in the usual data directory of a host without the server.
    pub left: Vec<String>,

    /// The port that the configuration files give.
    pub port: Option<u16>,
    /// Options in the configuration files that matter, in order: the last of a name wins.
    pub options: Vec<WrittenOption>,
    /// Whether `/etc/mysql/mariadb.conf.d` is there, where ours goes.
    pub reads_drop_ins: bool,
    /// Lines of our drop-in.
    pub drop_in: Vec<String>,
    /// Settings of ours that a file sets which is read after ours; `value` is the file.
    pub later: Vec<WrittenOption>,
    /// Whether the file with the login at the upstream is there.
    pub login: bool,
    /// mariadb.service.
    pub unit: Unit,
    /// mariadb.socket: while it is active, any connection starts a stopped server, and the port is open on every address.
    pub socket: Unit,

    /// What the data directory is where it can't be renamed: `symlink`, `mount`; empty: an ordinary directory.
    pub place: String,
    /// What is missing: `directory`, `content` (it is empty), `ibdata1` (something else is in it).
    pub missing: Option<String>,
    /// Directories of databases in the data directory, with their sizes.
    pub schema_directories: BTreeMap<String, Bytes>,
    /// What tells this data directory from one with other databases.
    pub directory_identity: String,
    /// Whether the system tables' files show that nobody changed an account since they were made.
    pub untouched: bool,
    /// Whom the default connection is set to read from, as its file says: address and port.
    pub master_info: Option<(String, u16)>,
    /// The note of a copy that is whole and waits beside the data directory.
    pub verified: Option<CopyNote>,
    /// The note of a copy that is in place and not linked yet.
    pub copy: Option<CopyNote>,
    /// The note of the copy that was linked.
    pub linked: Option<CopyNote>,

    /// How root got in: `root` (by its socket), or the file with its password.
    pub root_login: String,
    /// What went wrong with asking.
    pub errors: Vec<String>,
    /// How long asking took, milliseconds.
    pub answered_ms: Option<u64>,
    /// What the server calls its host.
    pub hostname: String,
    /// Variables in force, by name in small letters.
    pub variables: BTreeMap<String, String>,
    /// Status counters, likewise.
    pub status: BTreeMap<String, String>,
    /// Who reads the binlog.
    pub dumps: Vec<Dump>,
    /// Replicas that registered with their ids; one that went away may still be listed.
    pub registered: BTreeMap<u32, String>,
    /// Accounts of ours.
    pub accounts: Vec<Account>,
    /// Accounts that write in spite of `read_only`.
    pub writers: Vec<String>,
    /// Databases that aren't the server's own.
    pub schemas: Vec<String>,
    /// Their sizes, where they could be summed up in time.
    pub schema_bytes: BTreeMap<String, Bytes>,
    /// Accounts and events that people made; `None` when the server didn't answer.
    pub people: Option<u64>,
    /// Plugins that came with a library of their own.
    pub plugins: Vec<String>,
    /// How long the oldest open transaction has lasted, seconds.
    pub longest_transaction: Option<u64>,
    /// Storage engines of people's tables.
    pub engines: BTreeMap<String, EngineUse>,
    /// Tables without any key that tells rows apart.
    pub keyless: Option<EngineUse>,
    /// Replication connections.
    pub connections: Vec<Connection>,
    /// The binlogs that are kept.
    pub binlogs: Option<Binlogs>,
}

/// An option as a file has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WrittenOption {
    /// Its name, with underscores.
    pub name: String,
    /// Its value; empty where it has none.
    pub value: String,
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
}

/// The note that a copy of ours carries in its data directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CopyNote {
    /// The upstream that it is a copy of: `10.0.0.11:3306`.
    pub source: String,
    /// Its place in the history.
    pub gtid: String,
}

/// Somebody who reads the binlog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dump {
    /// The account.
    pub user: String,
    /// From where: an address, or the name that the server found for it.
    pub host: String,
    /// The server's words for what it does.
    pub state: String,
}

/// An account of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its name.
    pub user: String,
    /// From where it may log in.
    pub host: String,
    /// What it must show to log in: `ANY` (TLS), `X509` (a certificate), a certificate's subject; empty: nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub requires: String,
}

/// How many tables, and the first of them by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EngineUse {
    /// Tables.
    pub tables: u64,
    /// One of them.
    pub example: String,
}

/// A replication connection, in the server's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Connection {
    /// Fields of SHOW ALL SLAVES STATUS that aren't empty.
    pub fields: BTreeMap<String, String>,
}

/// The binlogs that are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Binlogs {
    /// How many.
    pub count: u64,
    /// Their size.
    pub bytes: Bytes,
    /// The GTIDs before the first that is kept; `None` when not known.
    pub oldest: Option<String>,
}

impl MariaFacts {
    /// The facts of an instance that this engine decoded.
    ///
    /// # Errors
    /// When `details` is of another engine or of another version of replform.
    pub fn of(instance: &Instance) -> Result<Arc<Self>, DetailsError> {
        instance.details.read()
    }

    /// The value of a variable in force.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Whether a variable is ON (or YES, or 1).
    pub fn is_on(&self, name: &str) -> bool {
        matches!(self.variable(name), Some("ON" | "YES" | "1"))
    }

    /// A variable or counter that is a number; MariaDB shows some with decimals.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.variables
            .get(name)
            .or_else(|| self.status.get(name))?
            .parse()
            .ok()
    }

    /// GTIDs in a variable; `None` when not known or not understood.
    pub fn gtids(&self, name: &str) -> Option<Gtids> {
        self.variable(name)?.parse().ok()
    }

    /// The id that it replicates under: in force, else the one in our drop-in.
    pub fn server_id(&self) -> Option<u32> {
        self.variable("server_id")
            .or_else(|| self.drop_in_value("server_id"))
            .and_then(|text| text.parse().ok())
    }

    /// A setting in our drop-in.
    pub fn drop_in_value(&self, name: &str) -> Option<&str> {
        self.drop_in.iter().find_map(|line| {
            let (own, value) = line.split_once('=')?;
            (own.trim() == name).then(|| value.trim())
        })
    }

    /// Who reads the binlog by an account that isn't replform's.
    pub fn foreign_reader(&self) -> Option<&Dump> {
        let foreign = |dump: &&Dump| !dump.user.starts_with(names::ACCOUNTS);
        self.dumps.iter().find(foreign)
    }

    /// The default replication connection.
    pub fn connection(&self) -> Option<&Connection> {
        self.connections.iter().find(|one| one.name().is_empty())
    }

    /// Whether it listens on an address.
    pub fn listens_on(&self, address: &str) -> bool {
        let listens = |own: &String| own == "*" || own == address;
        self.listens.iter().any(listens)
    }

    /// Whether the binlogs go back to what a replica has applied: `None`, or the first transaction that is missing between.
    pub fn keeps_binlogs_from(&self, applied: &Gtids) -> Option<Gtid> {
        let oldest: Gtids = self
            .binlogs
            .as_ref()
            .and_then(|binlogs| binlogs.oldest.as_deref())
            .and_then(|text| text.parse().ok())
            .unwrap_or_default();
        let missing = |gtid: &&Gtid| oldest.last(gtid.domain) > applied.last(gtid.domain);
        oldest.0.iter().find(missing).copied()
    }

    /// Bytes of binlog written a second, on average since the start.
    pub fn log_rate(&self) -> Option<f64> {
        let (bytes, seconds) = (self.number("binlog_bytes_written")?, self.number("uptime")?);
        (seconds >= 1.0).then(|| (bytes / seconds).round())
    }
}

impl Connection {
    /// A field; empty where the server shows nothing.
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// Its name; empty for the default connection.
    pub fn name(&self) -> &str {
        self.field("Connection_name")
    }

    /// An error's number: of `IO` or `SQL`; 0 for none.
    pub fn error_number(&self, thread: &str) -> u32 {
        self.field(&format!("Last_{thread}_Errno"))
            .parse()
            .unwrap_or(0)
    }

    /// The error's text.
    pub fn error(&self, thread: &str) -> &str {
        self.field(&format!("Last_{thread}_Error"))
    }
}
