//! A step: what it does, because of what, what it needs, what it costs, how it is undone.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Action;
use crate::topology::{Bytes, MachineId, MemberId, Place};

/// A step's name, unique in its plan: `orders.reader.backup`.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct StepId(pub String);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The words for steps that a person reads, in the order in which a seed goes through them.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Install the server's packages, leave it stopped.
    Provision,
    /// Change settings.
    Configure,
    /// Make the replication account.
    Account,
    /// TLS for the link.
    Secure,
    /// A full copy onto the target's disk, beside the data directory, checked.
    Backup,
    /// Move the copy into place, the old directory set aside.
    Restore,
    /// Make the replica read from its upstream.
    Link,
    /// Prove that it follows.
    Verify,
    /// Write markers for replication that already runs.
    Adopt,
    /// Tell the apps.
    Env,
    /// Make a replica writable.
    Promote,
    /// Make a primary read-only.
    Demote,
    /// Take a replica out.
    Unlink,
    /// Remove half copies, job files, slots and accounts of ours.
    Cleanup,
}

impl StepKind {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Configure => "configure",
            Self::Account => "account",
            Self::Secure => "secure",
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::Link => "link",
            Self::Verify => "verify",
            Self::Adopt => "adopt",
            Self::Env => "env",
            Self::Promote => "promote",
            Self::Demote => "demote",
            Self::Unlink => "unlink",
            Self::Cleanup => "cleanup",
        }
    }
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A node of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Its name.
    pub id: StepId,
    /// Its word.
    pub kind: StepKind,
    /// The replication it belongs to.
    pub replication: String,
    /// The member it is for; `None` for apps.
    pub member: Option<MemberId>,
    /// Where it mainly happens, for people: `eu/db2`.
    pub subject: String,
    /// The same, for programs.
    pub machine: MachineId,
    /// What it does: one line.
    pub what: String,
    /// Why.
    pub because: Because,
    /// Steps that must have succeeded before.
    pub needs: BTreeSet<StepId>,
    /// What it costs.
    pub cost: Cost,
    /// How it is undone.
    pub undo: Undo,
    /// The lines of apps' files that it changes.
    pub env: Vec<EnvDiff>,
    /// What runs, in order.
    pub actions: Vec<Action>,
}

/// The configuration line and the observed fact that make a step necessary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Because {
    /// The configuration line.
    pub place: Place,
    /// `wants a replica here and none is installed`.
    pub fact: String,
}

/// What a step costs; sizes and times are estimates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// A server that it restarts, as people call it, and why.
    pub restarts: Option<String>,
    /// Seconds during which the replication takes no writes.
    pub no_writes_seconds: Option<f64>,
    /// Bytes moved between servers, and from where.
    pub bytes: Option<Bytes>,
    /// The donor's label, when bytes are moved.
    pub from: Option<String>,
    /// Expected seconds.
    pub seconds: f64,
    /// Disk needed on the step's machine while it runs, and what is free there.
    pub disk_needed: Option<Bytes>,
    /// See `disk_needed`.
    pub disk_free: Option<Bytes>,
}

/// How a step is undone, or that it can't be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", content = "how", rename_all = "snake_case")]
pub enum Undo {
    /// It changes nothing.
    Nothing,
    /// By this.
    By(String),
    /// It can't be; what stays.
    Never(String),
}

/// The change of one app's file on one or several hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnvDiff {
    /// The file.
    pub path: String,
    /// The hosts, as people call them.
    pub hosts: Vec<String>,
    /// Our block's lines now; sensitive values masked.
    pub before: Vec<String>,
    /// Our block's lines afterwards; sensitive values masked.
    pub after: Vec<String>,
    /// What runs afterwards.
    pub on_change: Option<String>,
}
