//! What only PostgreSQL's own code reads of an instance: [`PostgresFacts`], kept as JSON in an instance's `details`.
//!
//! Comes from the probe by way of `decode`; goes to this folder's relation, requirements and steps. Holds no secret: the
//! probe masks connection strings and names commands without their arguments. `None` and empty mean what each field says:
//! *not known* is never *absent*.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::lsn::Lsn;
use crate::observe::{DetailsError, Instance, Manager};
use crate::topology::Bytes;

/// PostgreSQL's facts of one instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PostgresFacts {
    /// Debian's name of the cluster: `15/main`; `None` where the port has none.
    pub cluster: Option<String>,
    /// Major version of the cluster.
    pub major: Option<u16>,
    /// The system user that owns it.
    pub owner: String,
    /// How its systemd unit stands.
    pub unit: Unit,
    /// `start.conf`: `auto`, `manual`, `disabled`.
    pub start: String,
    /// Line 8 of postmaster.pid: `starting`, `ready`, `standby`, `stopping`; else `down` or `stale-pidfile`.
    pub process: String,
    /// Whether anything on the host listens on the port.
    pub listening: bool,
    /// How long the server took to answer everything, milliseconds; `None` when it was not asked.
    pub answered_ms: Option<u64>,
    /// What the server or psql said instead of a row, in order.
    pub errors: Vec<String>,

    /// Settings in force, by name; empty when the server didn't answer.
    pub settings: BTreeMap<String, Setting>,
    /// Of a stopped server: what its configuration says of some settings that a link may change, in the files' own words.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub configured: BTreeMap<String, String>,
    /// Errors in the configuration files on disk: a reload or restart would meet them.
    pub config_errors: Vec<ConfigError>,
    /// Whether `postgresql.conf` reads `conf.d`, where ours goes.
    pub reads_drop_ins: bool,
    /// Lines of our drop-in `conf.d/90-replform.conf`.
    pub drop_in: Vec<String>,
    /// The other drop-ins there.
    pub other_drop_ins: Vec<String>,
    /// Replication settings in `postgresql.auto.conf`, which wins over our drop-in: names.
    pub auto_conf: Vec<String>,
    /// Whether our passfile is there and not empty.
    pub passfile: bool,

    /// Rules of pg_hba.conf that are ours, for replication, or wrong.
    pub hba: Vec<HbaRule>,
    /// Our blocks in pg_hba.conf by role, also of a stopped server.
    pub hba_blocks: BTreeMap<String, Vec<String>>,
    /// Roles that may replicate or are ours, without the superuser.
    pub roles: Vec<ReplicationRole>,
    /// Replication slots.
    pub slots: Vec<Slot>,
    /// Connections that read the log, base backups included.
    pub senders: Vec<Sender>,
    /// Base backups that run.
    pub backups: Vec<RunningBackup>,

    /// `primary_conninfo` in force (password masked); of a stopped server: the one in our drop-in.
    pub conninfo: Option<String>,
    /// The connection to the upstream.
    pub receiver: Option<Receiver>,
    /// Whether replay was paused; `None` on a primary or when not known.
    pub replay_paused: Option<bool>,
    /// What the log of a standby says about its upstream, the last two lines of that sort; not necessarily of now.
    pub upstream_messages: Vec<String>,
    /// The last place received, which proves nothing; see `position` of the instance for what is replayed.
    pub received: Option<Lsn>,

    /// What the control file says; readable of stopped servers too.
    pub control: Option<ControlFile>,
    /// Of standby.signal, recovery.signal, backup_label, tablespace_map: those that exist.
    pub signals: Vec<String>,
    /// What the data directory is where it can't be renamed: `symlink`, `mount`; empty: an ordinary directory.
    pub place: String,
    /// What is missing: `directory` (no data directory), `content` (it is empty), `PG_VERSION` (something else is in it).
    pub missing: Option<String>,
    /// The timeline that the server is on.
    pub timeline: Option<u32>,
    /// Timeline history files. One of them being there doesn't mean that the server follows that timeline.
    pub history: Vec<TimelineSwitch>,
    /// Where the oldest log file that is kept begins.
    pub oldest_wal: Option<Lsn>,
    /// Size of pg_wal.
    pub wal_bytes: Option<Bytes>,
    /// Log written per second, on average since the statistics were reset.
    pub wal_bytes_per_second: Option<f64>,
    /// Whether a checked copy waits beside the data directory.
    pub copy_verified: bool,
    /// Up to where that copy has log: what it goes on with when it is started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy_end: Option<Lsn>,

    /// Databases that accept connections.
    pub databases: Vec<DatabaseFacts>,
    /// Tablespaces besides the two standard ones; of a stopped server: their places only.
    pub tablespaces: Vec<Tablespace>,
    /// What people made; `None` when the server didn't answer.
    pub people: Option<People>,
    /// Collation versions that this host gives, by provider: `c` (C library), `i` (ICU). Only of a server that answered.
    pub collation_versions: BTreeMap<String, String>,
    /// The C library: `glibc 2.36`. Where a database's provider is `c`, its version is this one's number.
    pub libc: String,
    /// Prepared transactions; `None` when not known.
    pub prepared_transactions: Option<u64>,
    /// Logical subscriptions and publications of the database `postgres` (subscriptions: of the whole cluster).
    pub subscriptions: u64,
    /// See `subscriptions`.
    pub publications: u64,
    /// The archiver's counters.
    pub archiver: Option<Archiver>,
    /// The host's clock when the server was asked, seconds since 1970.
    pub server_time: Option<f64>,
    /// When the server started, seconds since 1970.
    pub started_at: Option<f64>,

    /// All signs of other managers.
    pub managers: Vec<Manager>,
    /// PostgreSQL's and ICU's packages with their versions.
    pub packages: BTreeMap<String, String>,
    /// Clusters on this host that were not asked for.
    pub other_clusters: Vec<OtherCluster>,
}

/// A systemd unit's state, in systemd's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Unit {
    /// LoadState.
    pub load: String,
    /// ActiveState. `activating` without a process: a start that failed and hangs; it swallows every further start.
    pub active: String,
    /// SubState.
    pub sub: String,
    /// UnitFileState.
    pub file: String,
}

/// A setting in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Its value in its own unit, as pg_settings has it.
    pub value: String,
    /// The unit: `MB`, `8kB`, `ms`; empty for none.
    pub unit: String,
    /// What a change needs: `sighup` (reload), `postmaster` (restart), …
    pub context: String,
    /// The file that it comes from, else the kind of source: `default`, `override`, `command line`.
    pub source: String,
    /// Whether the files hold another value that waits for a restart.
    pub pending_restart: bool,
}

/// An error in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigError {
    /// The file.
    pub file: String,
    /// Its line; 0 when not known.
    pub line: u32,
    /// The setting.
    pub name: String,
    /// What is wrong.
    pub error: String,
}

/// A rule of pg_hba.conf as the server reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HbaRule {
    /// Its line.
    pub line: u32,
    /// `host`, `hostssl`, `local`, …
    pub kind: String,
    /// Databases, `replication` among them.
    pub databases: Vec<String>,
    /// Users.
    pub users: Vec<String>,
    /// The address, `samehost`, …; empty for `local`.
    pub address: String,
    /// The mask.
    pub netmask: String,
    /// The method: `scram-sha-256`.
    pub method: String,
    /// What is wrong with it; empty for nothing.
    pub error: String,
}

/// A role that may replicate, or that is ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplicationRole {
    /// Its name.
    pub name: String,
    /// Whether it is a superuser.
    pub superuser: bool,
    /// Whether it may replicate.
    pub replication: bool,
    /// Whether it may log in.
    pub login: bool,
    /// How its password is kept: `scram-sha-256`, `md5`, `none`.
    pub password: String,
}

/// A replication slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// `physical` or `logical`.
    pub kind: String,
    /// A logical slot's database.
    pub database: String,
    /// Whether it ends with its session (base backups make such).
    pub temporary: bool,
    /// Whether somebody reads through it now.
    pub active: bool,
    /// From where on it keeps log; `None`: it keeps nothing (never used, or lost).
    pub restart_lsn: Option<Lsn>,
    /// `reserved`, `extended`, `unreserved`, `lost`; empty when it keeps nothing.
    pub wal_status: String,
    /// Bytes that can still be written before it is in danger; `None`: no limit, or lost.
    pub safe_bytes: Option<i64>,
    /// Bytes of log kept for it.
    pub retained: Option<Bytes>,
    /// Whether a logical slot is carried over at a failover (17+).
    pub failover: bool,
}

/// Somebody who reads the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    /// The role that it logged in with.
    pub role: String,
    /// How it calls itself.
    pub application_name: String,
    /// Its address; empty for a local one.
    pub address: String,
    /// `startup`, `catchup`, `streaming`, `backup`, `stopping`.
    pub state: String,
    /// `async`, `sync`, `potential`, `quorum`.
    pub sync_state: String,
    /// The slot that it uses.
    pub slot: Option<String>,
    /// What it has replayed.
    pub replayed: Option<Lsn>,
    /// Seconds since it last answered.
    pub reply_age_seconds: Option<f64>,
    /// Whether its connection is encrypted.
    pub ssl: Option<bool>,
}

/// A base backup that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunningBackup {
    /// The server's word for what it does now.
    pub phase: String,
    /// Bytes sent.
    pub done: Bytes,
    /// Bytes in all, when the server estimated them.
    pub total: Option<Bytes>,
}

/// The connection to the upstream, from pg_stat_wal_receiver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receiver {
    /// `streaming`, `starting`, `waiting`, `restarting`, `stopping`.
    pub status: String,
    /// The upstream's address as connected.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The slot on the upstream.
    pub slot: String,
    /// The timeline received.
    pub timeline: Option<u32>,
    /// The upstream's position as it last said.
    pub latest_end: Option<Lsn>,
    /// Seconds since the upstream last sent anything; up to half of wal_receiver_timeout is normal.
    pub silent_seconds: Option<f64>,
}

/// The control file; what it doesn't say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ControlFile {
    /// The data set's identity. Machines cloned from one image share it.
    pub system_identifier: String,
    /// `in production`, `shut down`, `in archive recovery`, `shut down in recovery`, …
    pub state: String,
    /// The latest checkpoint.
    pub checkpoint: Option<Lsn>,
    /// The latest checkpoint's timeline.
    pub timeline: Option<u32>,
    /// The next object's number. At most 16384 in a cleanly stopped cluster: nobody ever made anything in it.
    pub next_oid: Option<u64>,
    /// What must be replayed before a standby is consistent.
    pub minimum_recovery_end: Option<Lsn>,
    /// wal_level at the last start.
    pub wal_level: String,
    /// wal_log_hints at the last start.
    pub wal_log_hints: Option<bool>,
    /// Whether pages have checksums.
    pub checksums: Option<bool>,
    /// The five settings that a replica needs at least as large, by their names in the configuration.
    pub limits: BTreeMap<String, u64>,
}

/// A line of a timeline history file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimelineSwitch {
    /// The file's timeline.
    pub timeline: u32,
    /// An ancestor of it.
    pub ancestor: u32,
    /// Where that ancestor was left.
    pub left_at: Lsn,
}

/// A database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseFacts {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: Bytes,
    /// Its collation.
    pub collate: String,
    /// Who gives the collation: `c` (C library), `i` (ICU), `b` (the server itself).
    pub provider: String,
    /// Its encoding.
    pub encoding: String,
    /// The collation's version when the database was made; `None`: the collation has none (C, POSIX, C.UTF-8).
    pub collation_version: Option<String>,
    /// The version that this host gives now.
    pub actual_version: Option<String>,
}

/// A tablespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tablespace {
    /// Its name; empty when the server didn't answer.
    pub name: String,
    /// Its directory.
    pub location: String,
    /// Its size; 0 when the server didn't answer.
    pub bytes: Bytes,
}

/// What people made in a cluster, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct People {
    /// Databases besides `postgres` and the templates.
    pub databases: u64,
    /// Roles besides the superuser and ours.
    pub roles: u64,
    /// Tables, views, sequences, functions, schemas and large objects in the database `postgres`.
    pub objects: u64,
}

/// The archiver's counters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Archiver {
    /// Log files archived.
    pub archived: u64,
    /// Failed tries.
    pub failed: u64,
    /// The last that failed.
    pub last_failed: Option<String>,
}

/// A cluster on the host that was not asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OtherCluster {
    /// `13/main`.
    pub cluster: String,
    /// Its port; 0 when not known.
    pub port: u16,
    /// As [`PostgresFacts::process`].
    pub process: String,
    /// Its data directory; empty when not known.
    pub directory: String,
}

impl PostgresFacts {
    /// The facts of an instance that this engine decoded.
    ///
    /// # Errors
    /// When `details` is of another engine or of another version of replform.
    pub fn of(instance: &Instance) -> Result<Arc<Self>, DetailsError> {
        instance.details.read()
    }

    /// The value of a setting in force.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings
            .get(name)
            .map(|setting| setting.value.as_str())
    }

    /// The value of a setting in force; of a stopped server: the one that it would start with.
    pub fn setting_or_configured(&self, name: &str) -> Option<&str> {
        self.setting(name)
            .or_else(|| self.configured.get(name).map(String::as_str))
    }

    /// Settings whose new value waits for a restart, besides those that replform's own drop-in holds.
    pub fn pending_of_others(&self) -> Vec<&str> {
        let ours = |name: &str| {
            self.drop_in.iter().any(|line| {
                line.split_once('=')
                    .is_some_and(|(own, _)| own.trim() == name)
            })
        };
        self.settings
            .iter()
            .filter(|(name, setting)| setting.pending_restart && !ours(name))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// Size of a log file, bytes.
    pub fn segment_bytes(&self) -> u64 {
        self.setting("wal_segment_size")
            .and_then(|value| value.parse().ok())
            .filter(|bytes| *bytes > 0)
            .unwrap_or(16 << 20)
    }

    /// One of the five settings that a replica needs at least as large as its upstream's: in force, else from the control file.
    pub fn limit(&self, name: &str) -> Option<u64> {
        self.setting(name)
            .and_then(|value| value.parse().ok())
            .or_else(|| self.control.as_ref()?.limits.get(name).copied())
    }
}

/// The five settings that must be at least as large on a replica as on its upstream, or replay stops.
pub const REPLICA_LIMITS: [&str; 5] = [
    "max_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_wal_senders",
    "max_worker_processes",
];
