//! The observation of all hosts, as saved by `observe -o` and read by `plan -observed`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Instance;
use crate::topology::{Bytes, MachineId};

/// The format version of saved observations; another major version is refused.
pub const OBSERVATION_FORMAT: &str = "1.0";

/// What was seen on every machine of a topology at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// See [`OBSERVATION_FORMAT`].
    pub format_version: String,
    /// replform's version.
    pub replform: String,
    /// The topology's name.
    pub topology: String,
    /// When the first host was asked: RFC 3339, UTC.
    pub observed_at: String,
    /// Each machine once.
    pub machines: BTreeMap<MachineId, MachineObservation>,
}

/// One machine: what it said, or why it said nothing.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum MachineObservation {
    /// The probe ran to its end.
    Reached(Box<Facts>),
    /// Nothing is known about the machine.
    Unreachable {
        /// A short word for programs: `refused`, `timed_out`, `key_changed`, `probe_cut`, …
        reason: String,
        /// A sentence for people.
        message: String,
    },
}

/// All facts of one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The operating system and the hardware.
    pub host: HostFacts,
    /// Instances of the engines that this machine is asked about, keyed `engine:port`.
    // Boxed: a map of a few large values takes the room of eleven.
    pub instances: BTreeMap<String, Box<Instance>>,
    /// The markers in `/var/lib/replform`, by file name.
    pub markers: BTreeMap<String, MarkerFile>,
    /// replform's jobs on this machine, by their folder's name.
    pub jobs: BTreeMap<String, Job>,
    /// Locks of a running apply.
    pub locks: Vec<LockHolder>,
    /// Whether other members' `address:port` are reached from here.
    pub reach: BTreeMap<String, Reach>,
    /// The apps' environment files on this machine, by path.
    pub env: BTreeMap<String, EnvFile>,
    /// Certificates for replication: replform's own by their folder's name, a user's own by the certificate's path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tls: BTreeMap<String, TlsFiles>,
}

/// The machine itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostFacts {
    /// `ID` and `VERSION_ID` of /etc/os-release: `debian 12`.
    pub os: String,
    /// `uname -m`.
    pub architecture: String,
    /// The C library's version (collations depend on it): `2.36`.
    pub libc: String,
    /// The host's name as it calls itself.
    pub hostname: String,
    /// Memory in all and free for use.
    pub memory_total: Bytes,
    /// `MemAvailable`.
    pub memory_available: Bytes,
    /// Host's clock minus this machine's clock, milliseconds, half a round trip taken off; `None` when unknown.
    pub clock_offset_ms: Option<i64>,
    /// This machine's doubt about `clock_offset_ms`: half the round trip, milliseconds.
    pub clock_doubt_ms: u64,
    /// The boot's id: another one means that the host restarted.
    pub boot_id: String,
    /// Whether systemd is the init.
    pub systemd: bool,
    /// Whether the probe ran as root (directly or by sudo).
    pub root: bool,
    /// How long the probe took on the host, milliseconds.
    pub probe_ms: u64,
    /// Local file systems by mount point.
    pub disks: BTreeMap<String, Disk>,
    /// The addresses that its interfaces have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
}

/// The files that prove a member to the others, as found; no key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TlsFiles {
    /// The host's clock when they were looked at, seconds since 1970.
    pub seen_at: i64,
    /// The authority that stands here with its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<Authority>,
    /// Where the server reads its files; empty: replform has put none there, or they are a user's own.
    pub place: String,
    /// Files that aren't there.
    pub missing: Vec<String>,
    /// The key of the authority that is trusted here: a hash.
    pub trusts: String,
    /// When the certificate ends, seconds since 1970; `None`: there is none that can be read.
    pub expires_at: Option<i64>,
    /// Its common name.
    pub subject: String,
    /// The names that it proves: `IP:10.0.0.1`, `DNS:db1.example.com`.
    pub names: Vec<String>,
    /// Whether that authority signed it.
    pub trusted: bool,
    /// Whether the key beside it is its own.
    pub key_fits: bool,
}

/// An authority of replform's own on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// A hash of its public key.
    pub key: String,
    /// When its certificate ends, seconds since 1970.
    pub expires_at: i64,
}

/// A file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// Free space for ordinary users.
    pub free: Bytes,
    /// Its size.
    pub size: Bytes,
}

impl HostFacts {
    /// The file system that a path is on, or would be; links aren't followed.
    pub fn disk_of(&self, path: &str) -> Option<Disk> {
        let holds = |mount: &str| {
            mount == "/"
                || path == mount
                || path
                    .strip_prefix(mount)
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        self.disks
            .iter()
            .filter(|(mount, _)| holds(mount))
            .max_by_key(|(mount, _)| mount.len())
            .map(|(_, disk)| *disk)
    }
}

/// A marker file as found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum MarkerFile {
    /// Valid JSON; [`crate::plan::Marker`] reads it.
    Read {
        /// The file's content.
        content: serde_json::Value,
    },
    /// Not JSON, or not readable.
    Damaged {
        /// Why.
        why: String,
    },
}

/// A detached job of ours, found by its folder in `/var/lib/replform/jobs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// `<topology>.<replication>.<replica>.<step>`: the folder's name without its random end.
    pub name: String,
    /// The random end.
    pub id: String,
    /// Hash of its script and arguments; empty when the folder doesn't say.
    pub arguments_hash: String,
    /// Where it is.
    pub state: JobState,
    /// Bytes done and in all, where it says.
    pub done: Option<Bytes>,
    /// See `done`.
    pub total: Option<Bytes>,
    /// Seconds since it began, by the host's clock.
    pub age_seconds: u64,
}

/// How a job stands. A job without a status file and without a unit is unknown, never a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum JobState {
    /// Its unit runs.
    Running,
    /// It ended, and its status file is its own.
    Ended {
        /// Exit code.
        code: i32,
    },
    /// No unit and no status of its own: killed, or the host lost power.
    Unknown,
}

/// Who holds a lock on a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LockHolder {
    /// What is locked: `<topology>.<replication>`, or an instance `engine:port`.
    pub lock: String,
    /// Who: user, host and process of the client, as it said.
    pub holder: String,
    /// Seconds since it was taken.
    pub age_seconds: u64,
}

/// A try to connect from one machine to another's database port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Reach {
    /// A connection was made.
    Open,
    /// The address answers, the port doesn't listen (or a firewall rejects).
    Refused,
    /// No answer within the limit.
    TimedOut,
    /// No route, or the name isn't known.
    Failed {
        /// What the system said.
        why: String,
    },
}

/// An app's environment file: our block and which of our names stand outside it; nothing else was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvFile {
    /// Whether the file is there.
    pub exists: bool,
    /// Whether its directory is there.
    pub directory_exists: bool,
    /// Why nothing is known of what stands in it; never taken for a file without our block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
    /// The lines of our blocks by `topology.replication`, in order; a sensitive value stands as `NAME=(sha256:…)`.
    pub blocks: BTreeMap<String, Vec<String>>,
    /// Names of ours outside any block of ours.
    pub outside: Vec<OutsideName>,
    /// Whether `on_change` is still owed (the pending file stands), by `topology.replication`.
    pub pending: Vec<String>,
}

/// One of our variables' names set outside our block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutsideName {
    /// The variable.
    pub name: String,
    /// The line's number, from 1.
    pub line: u32,
}

impl Observation {
    /// The facts of a machine, where it was reached.
    pub fn facts(&self, id: &MachineId) -> Option<&Facts> {
        match self.machines.get(id) {
            Some(MachineObservation::Reached(facts)) => Some(facts),
            Some(MachineObservation::Unreachable { .. }) | None => None,
        }
    }
}

impl Facts {
    /// The instance of an engine on a port.
    pub fn instance(&self, engine: &str, port: u16) -> Option<&Instance> {
        let instance = self.instances.get(&format!("{engine}:{port}"))?;
        Some(instance)
    }
}
