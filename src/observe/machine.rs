//! How one machine of a saved observation is read: in one go, so that an error names its field.
//!
//! serde's own way for an enum with its tag inside reads all of it into values first, and loses the field on the way.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::{
    EnvFile, Facts, HostFacts, Instance, Job, LockHolder, MachineObservation, MarkerFile, Reach,
    TlsFiles,
};

/// A machine's fields, whatever its state.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    state: State,
    reason: Option<String>,
    message: Option<String>,
    host: Option<HostFacts>,
    instances: Option<BTreeMap<String, Box<Instance>>>,
    markers: Option<BTreeMap<String, MarkerFile>>,
    jobs: Option<BTreeMap<String, Job>>,
    locks: Option<Vec<LockHolder>>,
    reach: Option<BTreeMap<String, Reach>>,
    env: Option<BTreeMap<String, EnvFile>>,
    tls: Option<BTreeMap<String, TlsFiles>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Reached,
    Unreachable,
}

impl<'de> Deserialize<'de> for MachineObservation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let saved = Saved::deserialize(deserializer)?;
        Ok(match saved.state {
            State::Reached => Self::Reached(Box::new(Facts {
                host: there(saved.host, "host")?,
                instances: there(saved.instances, "instances")?,
                markers: there(saved.markers, "markers")?,
                jobs: there(saved.jobs, "jobs")?,
                locks: there(saved.locks, "locks")?,
                reach: there(saved.reach, "reach")?,
                env: there(saved.env, "env")?,
                tls: saved.tls.unwrap_or_default(),
            })),
            State::Unreachable => Self::Unreachable {
                reason: there(saved.reason, "reason")?,
                message: there(saved.message, "message")?,
            },
        })
    }
}

fn there<T, E: Error>(field: Option<T>, name: &'static str) -> Result<T, E> {
    field.ok_or_else(|| E::missing_field(name))
}
