//! The plan as a whole: what people and programs read, and what apply runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finding, Relation, Step};
use crate::topology::{Bytes, MemberId, Place};

/// The format version of `plan -json` and of saved plans.
pub const PLAN_FORMAT: &str = "1.0";

/// A plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// See [`PLAN_FORMAT`].
    pub format_version: String,
    /// replform's version.
    pub replform: String,
    /// The topology's name.
    pub topology: String,
    /// SHA-256 over all that makes this plan this plan: steps, scripts, arguments, findings; not sizes, lag, times.
    pub hash: String,
    /// When the hosts were observed: RFC 3339, UTC.
    pub observed_at: String,
    /// The replications, in the configuration's order.
    pub replications: Vec<PlannedReplication>,
    /// What stands in the way or must be known.
    pub findings: Vec<Finding>,
    /// Links and servers made, changed, taken away.
    pub counts: Counts,
    /// The answers to the five questions.
    pub outlook: Outlook,
    /// The steps, each after all that it needs.
    pub steps: Vec<Step>,
}

/// One replication in a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedReplication {
    /// Its name.
    pub name: String,
    /// The engine and version, for people: `PostgreSQL 15.18`.
    pub engine: String,
    /// The picture: each member before and after.
    pub picture: Vec<PictureRow>,
    /// Its block.
    pub place: Place,
}

/// A member in the picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PictureRow {
    /// Which member.
    pub member: MemberId,
    /// Its server: `eu/db2`.
    pub subject: String,
    /// Its upstream in the wish: `None` for the primary.
    pub upstream: Option<MemberId>,
    /// What it is now: `bare host`.
    pub before: String,
    /// What it will be: `replica "reader", streaming`.
    pub after: String,
    /// How the link stands; `None` for the primary.
    pub relation: Option<Relation>,
}

/// How much a plan changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Links that come.
    pub add: u32,
    /// Servers, links and apps that change.
    pub change: u32,
    /// Links that go.
    pub destroy: u32,
}

/// The five answers: restarts, no writes, lost, copied, for good.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outlook {
    /// Servers that restart.
    pub restarts: Vec<RestartOutlook>,
    /// Replications that take no writes for a while.
    pub no_writes: Vec<WritesOutlook>,
    /// What could be lost; empty: nothing.
    pub lost: Vec<String>,
    /// Copies: from, to, bytes, seconds, disk needed and free.
    pub copied: Vec<String>,
    /// All bytes copied.
    pub copied_bytes: Bytes,
    /// What can't be undone; empty: nothing.
    pub for_good: Vec<String>,
    /// Expected seconds of the whole apply.
    pub seconds: f64,
}

/// A server that restarts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RestartOutlook {
    /// `postgresql on eu/db1, once (listen_addresses is "localhost")`.
    pub what: String,
    /// Where it is allowed; `None`: not.
    pub allowed: Option<Place>,
}

/// A replication that takes no writes for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WritesOutlook {
    /// The replication.
    pub replication: String,
    /// Expected seconds.
    pub seconds: f64,
    /// The step's number, from 1.
    pub step: usize,
}

impl Plan {
    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether a rule or a hazard that isn't allowed stands in the way.
    pub fn is_blocked(&self) -> bool {
        self.findings.iter().any(Finding::blocks)
    }
}
