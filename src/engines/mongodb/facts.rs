//! What only MongoDB's own code reads of an instance: [`MongoFacts`], kept as JSON in an instance's `details`.
//!
//! Comes from the probe by way of `decode`; goes to this folder's relation, requirements and steps. Holds no secret: of a key
//! file only that it is there, of settings only those that hold none. `None` and empty mean what each field says: *not known*
//! is never *absent*.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::observe::{DetailsError, Instance, Manager};
use crate::topology::Bytes;

/// MongoDB's facts of one instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MongoFacts {
    /// The systemd unit that starts it: `mongod.service`; empty where the port has none.
    pub unit: String,
    /// How the unit stands.
    pub unit_state: Unit,
    /// The system user that it runs as.
    pub user: String,
    /// The version of the unit's program; empty when it doesn't say.
    pub binary: String,
    /// The settings of its files and arguments, as mongod reads them; empty when it refuses them.
    pub settings: BTreeMap<String, String>,
    /// Why replform can't write its configuration file; empty: it can.
    pub conf_refused: String,
    /// Its key file: `400 mongodb 35` (mode, owner, size), `missing`; empty where none is named.
    pub key_file: String,
    /// What the data directory is where it can't be renamed: `symlink`, `mount`; empty: an ordinary directory.
    pub place: String,
    /// Whether the data directory carries our mark: it began empty and waits for its set.
    pub begun_empty: bool,
    /// Files with writes that a rollback took out.
    pub rollback_files: u64,
    /// Whether anything on the host listens on the port.
    pub listening: bool,
    /// How long the server took to answer everything, milliseconds; `None` when it was not asked.
    pub answered_ms: Option<u64>,

    /// What it says it is, without a login.
    pub state: State,
    /// The set's name, by its own account; `None` outside a set, or while it waits for one.
    pub set: Option<String>,
    /// What the set's configuration calls it: `10.0.0.11:27017`.
    pub me: Option<String>,
    /// The primary that it sees.
    pub primary: Option<String>,
    /// `net.bindIp` as the running server started with it; `None` when not known.
    pub running_bind: Option<String>,
    /// What the server refused to say, by question, with its reason; `login`: it doesn't take its own key.
    pub refused: BTreeMap<String, String>,
    /// `featureCompatibilityVersion`: `6.0`.
    pub feature_version: Option<String>,
    /// The storage engine in use: `wiredTiger`.
    pub storage_engine: Option<String>,
    /// Databases that people made; `None` when they can't be listed.
    pub databases: Option<Vec<DatabaseFacts>>,
    /// Users and roles; `None` when not known.
    pub users: Option<u64>,
    /// Collections and views that aren't MongoDB's own; `None` when not known.
    pub collections: Option<u64>,
    /// The set as it sees it; `None` outside a set or when not known.
    pub status: Option<SetStatus>,
    /// The set's configuration; `None` outside a set or when not known.
    pub config: Option<SetConfig>,
    /// The oplog.
    pub oplog: Option<Oplog>,
    /// The default write concern: `majority`, `1`; empty when not known.
    pub write_concern: String,

    /// Whether the kernel gives huge pages to all: `always`, `madvise`, `never`.
    pub huge_pages: String,
    /// All signs of other managers.
    pub managers: Vec<Manager>,
    /// MongoDB's packages with their versions.
    pub packages: BTreeMap<String, String>,
    /// The other units on this host that start a mongod, with their ports.
    pub other_units: BTreeMap<String, u16>,
}

/// What a server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It didn't say.
    #[default]
    Unknown,
    /// No set's member.
    Standalone,
    /// It has a set's name and waits for the set's configuration; it takes no writes.
    Waiting,
    /// The set's primary.
    Primary,
    /// A secondary.
    Secondary,
    /// It votes and holds no data.
    Arbiter,
    /// A member that neither takes writes nor is a secondary: it copies, recovers, or was removed.
    Other,
    /// A router of a sharded cluster.
    Router,
}

/// A systemd unit's state, in systemd's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Unit {
    /// ActiveState.
    pub active: String,
    /// SubState.
    pub sub: String,
    /// UnitFileState.
    pub file: String,
    /// Result of its last run.
    pub result: String,
    /// Its main process; 0 for none.
    pub main_pid: u32,
}

/// A database that people made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseFacts {
    /// Its name.
    pub name: String,
    /// Size of its documents, uncompressed: what a copy of it moves.
    pub bytes: Bytes,
}

/// A set as one of its members sees it (`replSetGetStatus`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SetStatus {
    /// Its own state's number: 1 primary, 2 secondary, 3 recovering, 5 startup2, 9 rollback, 10 removed.
    pub state: u8,
    /// The election's term.
    pub term: i64,
    /// Whom it reads from now; empty for nobody.
    pub source: String,
    /// The members.
    pub members: Vec<SeenMember>,
    /// The copy that runs.
    pub copy: Option<InitialSync>,
}

/// A member as another one sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SeenMember {
    /// What the set's configuration calls it.
    pub host: String,
    /// `PRIMARY`, `SECONDARY`, `STARTUP2`, `(not reachable/healthy)`, …
    pub state: String,
    /// Whether it answers heartbeats.
    pub healthy: bool,
    /// Whether it is the one that says so.
    pub own: bool,
    /// When its last applied write was made, seconds since 1970; `None` when not known.
    pub applied: Option<f64>,
    /// What its last heartbeat said; empty for nothing.
    pub message: String,
}

/// A copy that runs (`initialSyncStatus`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct InitialSync {
    /// Bytes copied.
    pub done: Bytes,
    /// Bytes in all.
    pub total: Bytes,
    /// Tries that failed.
    pub failed: u64,
}

/// A set's configuration (`replSetGetConfig`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SetConfig {
    /// The set's name.
    pub name: String,
    /// Its own id, made when it was initiated: 24 hexadecimal digits.
    pub id: String,
    /// The configuration's version.
    pub version: u64,
    /// Its members.
    pub members: Vec<MemberWish>,
}

/// A member in the set's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MemberWish {
    /// `10.0.0.11:27017`.
    pub host: String,
    /// Its votes.
    pub votes: u64,
    /// Its priority, in thousandths; 0: it never becomes primary.
    pub priority_thousandths: u64,
    /// Whether clients don't see it.
    pub hidden: bool,
    /// Whether it holds no data.
    pub arbiter: bool,
    /// How far behind it is kept, seconds.
    pub delay_seconds: u64,
    /// Whether it carries our tag: it is still coming in and has no vote yet.
    pub joining: bool,
}

/// The oplog: the log that secondaries read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Oplog {
    /// Its size limit.
    pub limit: Bytes,
    /// Its size.
    pub used: Bytes,
    /// Its first entry's time, seconds since 1970; 0 when not known.
    pub first: u64,
    /// Its last entry's time, seconds since 1970; 0 when not known.
    pub last: u64,
}

impl MongoFacts {
    /// The facts of an instance that this engine decoded.
    ///
    /// # Errors
    /// When `details` is of another engine or of another version of replform.
    pub fn of(instance: &Instance) -> Result<Arc<Self>, DetailsError> {
        instance.details.read()
    }

    /// A setting of its files: `net.bindIp`; empty when it isn't set.
    pub fn setting(&self, name: &str) -> &str {
        self.settings.get(name).map_or("", String::as_str)
    }

    /// The addresses that it listens on: as the running server started, else as its files say.
    pub fn bind(&self) -> &str {
        match &self.running_bind {
            Some(running) => running,
            None => self.setting("net.bindIp"),
        }
    }

    /// Whether clients must log in: a key file makes it so too.
    pub fn authenticates(&self) -> bool {
        (self.setting("security.authorization") == "enabled"
            || !self.setting("security.keyFile").is_empty())
            && self.setting("security.transitionToAuth") != "true"
    }

    /// The key file's path; `None` where members don't log in to one another.
    pub fn key_path(&self) -> Option<&str> {
        Some(self.setting("security.keyFile")).filter(|path| !path.is_empty())
    }

    /// The entry of a member in the set's configuration.
    pub fn configured(&self, host: &str) -> Option<&MemberWish> {
        let config = self.config.as_ref()?;
        config.members.iter().find(|member| member.host == host)
    }
}
