//! The typed configuration: what [`crate::config`] makes of the HCL and everything else reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bytes, Lag, MachineId, Place, Rate, ServerId};
use crate::secret::Secret;

/// Everything that the files of one directory want.
#[derive(Clone, Debug)]
pub struct Topology {
    /// `replform { topology = … }`: the name in markers.
    pub name: String,
    /// Every machine that SSH goes to, once, whatever lives on it.
    pub machines: BTreeMap<MachineId, Machine>,
    /// All servers, in the configuration's order.
    pub servers: Vec<Server>,
    /// All apps, in the configuration's order.
    pub apps: Vec<App>,
    /// All replications, in the configuration's order.
    pub replications: Vec<Replication>,
    /// The top `ssh` block: how to log in to machines that only a marker names.
    pub ssh: Ssh,
    /// Replicas that are gone for ever, by their addresses: `replication.orders.replica.standby`.
    pub removed: BTreeSet<String>,
    /// What was wanted once; empty as it comes from the configuration.
    pub former: Former,
}

/// What members' markers name and the configuration no longer does.
#[derive(Clone, Debug, Default)]
pub struct Former {
    /// Replications that left the configuration, with no replica of their own: those are in `replicas`.
    pub replications: Vec<Replication>,
    /// Replicas that left, by the replication that they are taken out of.
    pub replicas: BTreeMap<String, Vec<Replica>>,
    /// Environment files of apps that left: host and path.
    pub files: BTreeSet<(MachineId, String)>,
}

/// One SSH endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its identity.
    pub id: MachineId,
    /// How people call it: the server's or the app's name (`eu/db1`, `eu/web`).
    pub label: String,
    /// How to log in.
    pub ssh: Ssh,
}

/// How to log in to a machine, the host's `ssh` block merged over the top one. `None`: as `~/.ssh/config` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ssh {
    /// Name or address that SSH connects to.
    pub host: String,
    /// SSH port.
    pub port: Option<u16>,
    /// Login user.
    pub user: Option<String>,
    /// Private key file.
    pub identity_file: Option<String>,
    /// known_hosts file.
    pub known_hosts: Option<String>,
    /// Jump hosts in ProxyJump's notation.
    pub jump: Option<String>,
    /// Whether commands run through passwordless sudo.
    pub sudo: bool,
}

/// A database server's machine and its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Stack and label.
    pub id: ServerId,
    /// The machine it is.
    pub machine: MachineId,
    /// What databases and apps of the same stack use.
    pub address: String,
    /// What other stacks use.
    pub public_address: String,
    /// Its block.
    pub place: Place,
}

/// Stack and label of an app: `eu/web`.
pub type AppId = ServerId;

/// An app's hosts and its environment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Stack and label.
    pub id: AppId,
    /// Its machines, in the configuration's order.
    pub machines: Vec<MachineId>,
    /// The environment file that replform keeps a block in.
    pub env_file: String,
    /// What runs on the host after the file changed.
    pub on_change: Option<String>,
    /// Its block.
    pub place: Place,
}

/// A database engine by the name of its folder; [`crate::engines`] knows what it can do.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Engine(pub String);

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A primary and its replicas.
#[derive(Clone, Debug)]
pub struct Replication {
    /// The block's label (with its `for_each` key: `orders["a"]`).
    pub name: String,
    /// Which engine.
    pub engine: Engine,
    /// The major version to require.
    pub version: Option<String>,
    /// The member that takes writes.
    pub primary: Member,
    /// The others, in the configuration's order.
    pub replicas: Vec<Replica>,
    /// TLS between members of one stack and between stacks; `None` is the default (off inside, verify between).
    pub tls: Option<Tls>,
    /// The user's own certificates; `None`: replform makes an authority.
    pub certificates: Option<Certificates>,
    /// The most that a dead replica may make its upstream keep; `None` is the engine's default.
    pub retain: Option<Bytes>,
    /// Above it a member is unhealthy.
    pub max_lag: Lag,
    /// The accepted hazards, each with the place that accepts it.
    pub allow: BTreeMap<Hazard, Place>,
    /// A server that votes and holds no data, with the place that names it.
    pub arbiter: Option<(ServerId, Place)>,
    /// What apps must know.
    pub env: Option<Env>,
    /// The replication's block.
    pub place: Place,
    /// The value of `primary`.
    pub primary_place: Place,
    /// Where `allow` stands, or where it would.
    pub allow_place: Place,
}

/// Which member of a replication: `primary`, or a replica's label.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MemberId {
    /// The primary.
    Primary,
    /// The replica of this label.
    Replica(String),
}

impl From<&Upstream> for MemberId {
    fn from(upstream: &Upstream) -> Self {
        match upstream {
            Upstream::Primary => Self::Primary,
            Upstream::Replica(name) => Self::Replica(name.clone()),
        }
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Primary => f.write_str("primary"),
            Self::Replica(name) => write!(f, "replica.{name}"),
        }
    }
}

/// A server in its part as a member of a replication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The server.
    pub server: ServerId,
    /// Its machine.
    pub machine: MachineId,
    /// Address inside its stack.
    pub address: String,
    /// Address for other stacks.
    pub public_address: String,
    /// Which instance on it is meant.
    pub instance: InstanceWish,
    /// The line that makes it a member (`primary = …`, `server = …`).
    pub place: Place,
}

/// Which instance of the engine is meant: the engine's own block of the replication, the replica's merged over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceWish {
    /// The database's port.
    pub port: u16,
    /// The data directory, where it isn't the distribution's default.
    pub data_directory: Option<String>,
    /// The account to use where root isn't let in.
    pub admin: Option<Admin>,
}

/// An administrative account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Its name.
    pub user: String,
    /// Its password.
    pub password: Option<Secret>,
}

/// A replica of a replication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Its label (with its `for_each` key: `r["a"]`).
    pub name: String,
    /// Where it is.
    pub member: Member,
    /// Whom it reads from.
    pub upstream: Upstream,
    /// The copy's rate limit.
    pub max_rate: Option<Rate>,
    /// Its own limit of lag, else the replication's.
    pub max_lag: Option<Lag>,
    /// Its block.
    pub place: Place,
    /// The name of its account and slot, where it isn't the one that follows from its labels: it had other labels once, or
    /// another replica still has that name. The markers know.
    pub account: Option<String>,
}

/// Whom a replica reads from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Upstream {
    /// The primary.
    Primary,
    /// Another replica, by its label (a cascade).
    Replica(String),
}

/// What a link proves about its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// Both ends prove themselves.
    Verify,
    /// Plain text.
    Off,
}

/// Files on each member's host that stand for certificates of replform's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificates {
    /// The authority's certificate.
    pub ca_file: String,
    /// The member's certificate.
    pub cert_file: String,
    /// The member's key.
    pub key_file: String,
    /// The block.
    pub place: Place,
}

/// What reviewers can accept in `allow`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Hazard {
    /// A database server restarts.
    Restart,
    /// Data that is no copy of the upstream is set aside.
    ReplaceData,
    /// Acknowledged writes may be lost.
    LoseWrites,
    /// A database becomes reachable by more than its replicas.
    Expose,
}

impl Hazard {
    /// All of them, in the order they are listed to people.
    pub const ALL: [Self; 4] = [
        Self::Restart,
        Self::ReplaceData,
        Self::LoseWrites,
        Self::Expose,
    ];

    /// The word in `allow`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::ReplaceData => "replace_data",
            Self::LoseWrites => "lose_writes",
            Self::Expose => "expose",
        }
    }

    /// Reads the word in `allow`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hazard| hazard.word() == word)
    }
}

impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What the `env` block of a replication keeps in its apps' files.
#[derive(Clone, Debug)]
pub struct Env {
    /// The apps, in the configuration's order.
    pub targets: Vec<AppId>,
    /// The variables' prefix.
    pub prefix: String,
    /// Which names are written.
    pub names: Names,
    /// The extra variables of each app, evaluated as that app sees the members; in the order of their names.
    pub variables: BTreeMap<AppId, BTreeMap<String, WishedVariable>>,
    /// The block.
    pub place: Place,
}

/// A family of variable names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// `<P>_REPLICA_ADDRESSES_INT` and so on.
    Replica,
    /// `<P>_SLAVE_ADDRESSES_INT` and so on.
    Cloud66,
}

/// The value of an extra variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WishedVariable {
    /// May be shown.
    Plain(String),
    /// Comes from a sensitive value.
    Sensitive(Secret),
}

impl Topology {
    /// The server of this name.
    pub fn server(&self, id: &ServerId) -> Option<&Server> {
        self.servers.iter().find(|server| server.id == *id)
    }

    /// The app of this name.
    pub fn app(&self, id: &AppId) -> Option<&App> {
        self.apps.iter().find(|app| app.id == *id)
    }

    /// All replications, those that left the configuration last.
    pub fn all_replications(&self) -> impl Iterator<Item = &Replication> {
        self.replications.iter().chain(&self.former.replications)
    }

    /// The replicas that left a replication.
    pub fn former_replicas(&self, replication: &str) -> &[Replica] {
        self.former
            .replicas
            .get(replication)
            .map_or(&[], Vec::as_slice)
    }

    /// How people call a machine.
    pub fn label<'a>(&'a self, id: &'a MachineId) -> &'a str {
        self.machines
            .get(id)
            .map_or(id.0.as_str(), |machine| machine.label.as_str())
    }
}

impl Replication {
    /// The member of this part.
    pub fn member(&self, id: &MemberId) -> Option<&Member> {
        match id {
            MemberId::Primary => Some(&self.primary),
            MemberId::Replica(name) => self.replica(name).map(|replica| &replica.member),
        }
    }

    /// The replica of this label.
    pub fn replica(&self, name: &str) -> Option<&Replica> {
        self.replicas.iter().find(|replica| replica.name == name)
    }

    /// The member that a replica reads from.
    pub fn upstream(&self, replica: &Replica) -> &Member {
        match &replica.upstream {
            Upstream::Primary => &self.primary,
            Upstream::Replica(name) => self
                .replica(name)
                .map_or(&self.primary, |replica| &replica.member),
        }
    }

    /// Whether both ends of a replica's link prove themselves: as written, else between stacks.
    pub fn verifies(&self, replica: &Replica) -> bool {
        match self.tls {
            Some(tls) => tls == Tls::Verify,
            None => self.crosses_stacks(replica),
        }
    }

    /// Whether a replica stands in another stack than the member it reads from.
    pub fn crosses_stacks(&self, replica: &Replica) -> bool {
        replica.member.server.stack != self.upstream(replica).server.stack
    }

    /// Every member, the primary first.
    pub fn members(&self) -> impl Iterator<Item = (MemberId, &Member)> {
        std::iter::once((MemberId::Primary, &self.primary)).chain(
            self.replicas
                .iter()
                .map(|replica| (MemberId::Replica(replica.name.clone()), &replica.member)),
        )
    }
}
