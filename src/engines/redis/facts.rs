//! What only Redis' own code reads of an instance: [`RedisFacts`], kept as JSON in an instance's `details`.
//!
//! Comes from the probe by way of `decode`; goes to this folder's relation, requirements and steps. Holds no secret: the
//! probe masks passwords and their hashes, and prints nothing of the data. `None` and empty mean what each field says: *not
//! known* is never *absent*.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::release::Kind;
use crate::observe::{DetailsError, Instance, Manager};

/// Redis' or Valkey's facts of one instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RedisFacts {
    /// The product; of a bare host: `None`.
    pub kind: Option<Kind>,
    /// Its configuration file; empty where the port has no instance.
    pub conf: String,
    /// The systemd unit that runs it.
    pub unit_name: String,
    /// How that unit stands.
    pub unit: Unit,
    /// Whether anything on the host listens on the port.
    pub listening: bool,
    /// How long the server took to answer everything, milliseconds; `None` when it was not asked.
    pub answered_ms: Option<u64>,
    /// What it said to PING, line by line; empty: nothing within 4 s.
    pub ping: Vec<String>,
    /// Whether everything was answered.
    pub complete: bool,

    /// INFO's fields, by name; empty when the server didn't answer.
    pub info: BTreeMap<String, String>,
    /// Settings in force, by name; passwords are `(set)` or empty.
    pub settings: BTreeMap<String, String>,
    /// What it said instead of its settings.
    pub settings_error: Option<String>,
    /// Directives of the configuration file, by name, the last of each; passwords are `(set)`.
    pub directives: BTreeMap<String, String>,
    /// Commands that the configuration renames.
    pub renamed: Vec<String>,
    /// Whether the configuration includes other files.
    pub includes: bool,
    /// Lines of our part of the configuration.
    pub block: Vec<String>,
    /// Users of the running server.
    pub users: Vec<User>,
    /// Replicas' connections: address and user.
    pub connections: Vec<(String, String)>,

    /// The dump in the data directory.
    pub dump: Option<Dump>,
    /// Dumps of other names there.
    pub other_dumps: Vec<String>,
    /// Whether there is an append-only file.
    pub append_only_file: bool,
    /// What the data directory is where it can't be renamed: `symlink`, `mount`; empty: an ordinary directory.
    pub place: String,
    /// What is missing: `directory`, `content`.
    pub missing: Option<String>,
    /// Whether a checked copy waits beside the data directory.
    pub copy_verified: bool,
    /// The history that this copy is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_id: Option<String>,
    /// Its place in that history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_offset: Option<u64>,
    /// Whether a replica's password waits beside the configuration.
    pub secret: bool,
    /// What the log of a replica says about its upstream, the last line of that sort; not necessarily of now.
    pub upstream_message: Option<String>,

    /// Transparent huge pages: `always`, `madvise`, `never`.
    pub huge_pages: String,
    /// vm.overcommit_memory.
    pub overcommit: String,
    /// All signs of other managers.
    pub managers: Vec<Manager>,
    /// Packages with their versions.
    pub packages: BTreeMap<String, String>,
    /// The product whose installation by replform was cut off, and the port it was for.
    pub making: Option<(Kind, u16)>,
    /// Instances on this host that were not asked for.
    pub others: Vec<OtherInstance>,
}

/// A systemd unit's state, in systemd's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Unit {
    /// LoadState.
    pub load: String,
    /// ActiveState.
    pub active: String,
    /// SubState; `auto-restart`: it failed and is tried again.
    pub sub: String,
    /// UnitFileState.
    pub file: String,
    /// Process; 0: none.
    pub pid: u32,
    /// Restarts by systemd since it was started.
    pub restarts: u32,
}

/// A user of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Whether it may log in.
    pub enabled: bool,
    /// Whether any password, or none, lets it in.
    pub without_password: bool,
    /// Its rules, as the server lists them, without passwords.
    pub rules: String,
}

/// The head of a dump.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Dump {
    /// Its size.
    pub bytes: u64,
    /// When it was written, seconds since 1970.
    pub modified: i64,
    /// Its format; 0: it is no dump.
    pub format: u32,
    /// The memory that its data took.
    pub used_memory: Option<u64>,
    /// The history that it belongs to; `None`: it was written by a server without replicas.
    pub replication_id: Option<String>,
    /// Its place there.
    pub offset: Option<u64>,
    /// Whether it holds nothing; `None`: its head isn't understood.
    pub empty: Option<bool>,
}

/// An instance that was not asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OtherInstance {
    /// Its configuration file.
    pub conf: String,
    /// Its port.
    pub port: u16,
    /// Its unit's ActiveState.
    pub active: String,
}

impl RedisFacts {
    /// The facts of an instance.
    ///
    /// # Errors
    /// When they are of another engine or of another version of replform.
    pub fn of(instance: &Instance) -> Result<Arc<Self>, DetailsError> {
        instance.details.read()
    }

    /// A setting in force; of a server that doesn't run: what its configuration says.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings
            .get(name)
            .or_else(|| self.directives.get(name))
            .map(String::as_str)
    }

    /// A field of INFO.
    pub fn info(&self, name: &str) -> Option<&str> {
        self.info.get(name).map(String::as_str)
    }

    /// A number of INFO.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.info(name)?.parse().ok()
    }

    /// Keys and libraries of functions; `None` when the server didn't answer.
    pub fn keys(&self) -> Option<u64> {
        if !self.complete {
            return None;
        }
        let keys: u64 = self.databases().map(|(_, keys)| keys).sum();
        Some(keys + self.number("number_of_libraries").unwrap_or(0))
    }

    /// Databases that hold keys: `db0` and how many.
    pub fn databases(&self) -> impl Iterator<Item = (&str, u64)> {
        self.info.iter().filter_map(|(name, value)| {
            name.strip_prefix("db")?.parse::<u32>().ok()?;
            let keys = value.strip_prefix("keys=")?.split(',').next()?;
            Some((name.as_str(), keys.parse().ok()?))
        })
    }

    /// Whether whoever reaches the server is let in without a password.
    pub fn is_open(&self) -> bool {
        match self.users.iter().find(|user| user.name == "default") {
            Some(user) => user.enabled && user.without_password,
            // A server that doesn't run: its configuration says so.
            None => {
                self.directives
                    .get("requirepass")
                    .is_none_or(|value| value.is_empty())
                    && !self.directives.contains_key("user/default")
            }
        }
    }

    /// Whether it saves its data: at intervals, or every write.
    pub fn persists(&self) -> bool {
        self.setting("appendonly") == Some("yes")
            || self
                .setting("save")
                .is_some_and(|points| !points.trim_matches(['"', ' ']).is_empty())
    }

    /// The replication ids of its history: its own, and the one it came from with the offset up to which that holds.
    pub fn histories(&self) -> Vec<(&str, Option<u64>)> {
        let own = self.info("master_replid").map(|id| (id, None));
        let before = self
            .info("master_replid2")
            .filter(|id| id.bytes().any(|byte| byte != b'0'))
            .map(|id| (id, self.number("second_repl_offset")));
        own.into_iter().chain(before).collect()
    }
}
