//! What the command line adds to the configuration for one plan.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::topology::{Hazard, Replication, Topology};

/// Options of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// `-allow`: hazards accepted for this run.
    pub allow: BTreeSet<Hazard>,
    /// `-target`: only these addresses; empty: all.
    pub targets: Vec<String>,
    /// `-exclude`: all but these.
    pub excludes: Vec<String>,
    /// `-replace`: replicas that get a full copy, however well they follow.
    #[serde(default)]
    pub replaces: Vec<String>,
}

impl Options {
    /// The options as a person types them after `replform apply`, each with a blank before it.
    pub fn typed(&self) -> String {
        let targets = self.targets.iter().map(|address| ("target", &**address));
        let excludes = self.excludes.iter().map(|address| ("exclude", &**address));
        let replaces = self.replaces.iter().map(|address| ("replace", &**address));
        let allowed = self.allow.iter().map(|hazard| ("allow", hazard.word()));
        targets
            .chain(excludes)
            .chain(replaces)
            .chain(allowed)
            .map(|(name, value)| format!(" -{name}={value}"))
            .collect()
    }

    /// Whether the replica is to be planned.
    pub fn includes(&self, replication: &str, replica: &str) -> bool {
        let names = |address: &String| {
            *address == format!("replication.{replication}")
                || *address == format!("replication.{replication}.replica.{replica}")
        };
        (self.targets.is_empty() || self.targets.iter().any(names))
            && !self.excludes.iter().any(names)
    }

    /// Whether a replica is to be copied anew, however well it follows.
    pub fn replaced(&self, replication: &str, replica: &str) -> bool {
        let address = |one: &String| *one == format!("replication.{replication}.replica.{replica}");
        self.replaces.iter().any(address)
    }

    /// Whether a replication is to be planned with all that is in it.
    pub fn includes_whole(&self, replication: &str) -> bool {
        let whole = format!("replication.{replication}");
        self.targets.is_empty() || self.targets.contains(&whole)
    }

    /// Whether anything of the replication is to be planned; apps go with the replication as a whole.
    pub fn includes_replication(&self, replication: &Replication) -> bool {
        let whole = format!("replication.{}", replication.name);
        if self.excludes.contains(&whole) {
            return false;
        }
        self.targets.is_empty()
            || self.targets.contains(&whole)
            || replication
                .replicas
                .iter()
                .any(|replica| self.includes(&replication.name, &replica.name))
    }

    /// Targets and excludes that name nothing, with the addresses there are: each is an error.
    pub fn unknown(&self, topology: &Topology) -> Vec<String> {
        if self.targets.is_empty() && self.excludes.is_empty() && self.replaces.is_empty() {
            return Vec::new();
        }
        let known = addresses(topology);
        let is_replica = |address: &String| address.contains(".replica.");
        let named = self.targets.iter().chain(&self.excludes);
        let wrong = named.filter(|address| !known.contains(*address));
        let replaces = self.replaces.iter();
        wrong
            .chain(replaces.filter(|one| !known.contains(*one) || !is_replica(one)))
            .cloned()
            .collect()
    }
}

/// Every address that a target can name.
pub fn addresses(topology: &Topology) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for replication in &topology.replications {
        all.insert(format!("replication.{}", replication.name));
        for replica in &replication.replicas {
            all.insert(format!(
                "replication.{}.replica.{}",
                replication.name, replica.name
            ));
        }
    }
    all
}
