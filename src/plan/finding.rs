//! What the planner found: relations, errors, warnings and hazards, each with what to write or type.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostics::Code;
use crate::topology::{Hazard, Place};

/// How a desired link stands in what was observed (DESIGN, "Planning").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", content = "why", rename_all = "snake_case")]
pub enum Relation {
    /// Replicates as wanted and its marker says so.
    Linked,
    /// Replicates as wanted, but the marker is missing or another.
    Unmanaged,
    /// Replicates as wanted, but something that replform made for it is gone or was changed: the next cut would be for long.
    Worn(String),
    /// No server, or one that holds nothing.
    Absent,
    /// A database that isn't this one.
    ForeignData(String),
    /// Reads from another upstream.
    Elsewhere(String),
    /// The right upstream, not connected now, and able to go on without a copy.
    Disconnected(String),
    /// The right upstream, but it can't go on.
    Broken(String),
    /// Has writes that its upstream never had.
    Diverged(String),
    /// Nothing is known.
    Unreachable(String),
}

impl Relation {
    /// Whether the replica follows its upstream now.
    pub fn stands(&self) -> bool {
        matches!(self, Self::Linked | Self::Unmanaged | Self::Worn(_))
    }

    /// Whether only a full copy makes this link.
    pub fn needs_copy(&self) -> bool {
        matches!(self, Self::Absent | Self::Broken(_)) || self.sets_data_aside()
    }

    /// Whether what it holds is in no other place: a copy sets it aside only where the reviewers allow that.
    pub fn sets_data_aside(&self) -> bool {
        matches!(self, Self::ForeignData(_) | Self::Diverged(_))
    }
}

/// How bad a finding is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Severity {
    /// To know.
    Warning,
    /// A hazard that must be allowed.
    Hazard {
        /// Which.
        hazard: Hazard,
        /// Where it is allowed; `None` blocks the plan.
        allowed: Option<Place>,
    },
    /// A rule or a requirement that blocks the whole apply.
    Blocked,
    /// A machine that can't be reached: blocks only what depends on it.
    Unknown,
}

/// One thing that the planner found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Its code: `RF0614`.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about, as people call it: `eu/db2`.
    pub subject: String,
    /// The replication.
    pub replication: String,
    /// What was found: one sentence.
    pub what: String,
    /// The configuration line it is about.
    pub place: Place,
    /// Ways on, safest first.
    pub choices: Vec<Choice>,
}

/// A way on: a short name and what to write or type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// `keep them`.
    pub title: String,
    /// What to write or type.
    pub how: String,
}

impl Finding {
    /// Whether the whole apply is blocked by it.
    pub fn blocks(&self) -> bool {
        match &self.severity {
            Severity::Blocked | Severity::Hazard { allowed: None, .. } => true,
            Severity::Warning
            | Severity::Unknown
            | Severity::Hazard {
                allowed: Some(_), ..
            } => false,
        }
    }
}
