//! MongoDB as an [`Engine`]: hands each question to the file of this folder that answers it.

use std::collections::{BTreeMap, BTreeSet};

use super::{MongoFacts, PROBE, checks, decode, relation, settings, steps, summary};
use crate::engines::registry::{self, Description};
use crate::engines::{DecodeError, Engine, Link, Upstreams, describe, settings::as_marker};
use crate::observe::{Instance, Role, ServerState, reach_key};
use crate::plan::{Finding, Relation, SettingChange, Step, StepId};
use crate::topology::{Names, Replication};

/// The engine.
#[derive(Debug)]
pub struct MongoDb;

impl Engine for MongoDb {
    fn description(&self) -> &'static Description {
        &registry::MONGODB
    }

    fn scripts(&self) -> &'static [(&'static str, &'static str)] {
        super::scripts::SCRIPTS
    }

    fn probe_script(&self) -> &'static str {
        PROBE
    }

    fn decode(
        &self,
        section: &str,
        ports: &[u16],
    ) -> Result<BTreeMap<String, Instance>, DecodeError> {
        decode(section, ports)
    }

    fn account(&self, _replication: &str, _replica: &str) -> String {
        // Members log in by the set's key: there is no account of one member.
        String::new()
    }

    fn describe(&self, instance: &Instance) -> String {
        let follows =
            instance.server == ServerState::Running && instance.role == Some(Role::Replica);
        if follows && instance.upstream.is_none() {
            return "member without a primary".to_owned();
        }
        describe::describe(instance, self.noun())
    }

    fn release(&self, version: &str) -> String {
        summary::release(version)
    }

    fn data_directory(&self, _link: &Link<'_>) -> String {
        settings::DEFAULT_DIRECTORY.to_owned()
    }

    fn elected(&self, replication: &Replication, instance: &Instance) -> Option<Finding> {
        checks::elected(replication, instance)
    }

    fn env_names(&self, names: Names) -> Option<&'static [&'static str]> {
        Some(match names {
            Names::Replica => &["ADDRESSES", "REPLICA_SET"],
            Names::Cloud66 => &["ADDRESSES"],
        })
    }

    fn env_values(
        &self,
        replication: &Replication,
        instance: Option<&Instance>,
        members: &[(String, u16)],
    ) -> Vec<String> {
        let addresses: Vec<String> = members
            .iter()
            .map(|(address, port)| match *port {
                // As a connection string has it: the usual port needs no word.
                settings::DEFAULT_PORT => address.clone(),
                port => reach_key(address, port),
            })
            .collect();
        let facts = instance.and_then(|instance| MongoFacts::of(instance).ok());
        let set = facts.map_or_else(
            || settings::new_set_name(replication),
            |facts| settings::set_name(replication, &facts),
        );
        vec![addresses.join(","), set]
    }

    fn across_refused(&self) -> Option<&'static str> {
        Some(
            "a set's members vote over every link and elect by themselves, so they stand in one stack, and prove themselves by its key file",
        )
    }

    fn relation(&self, link: &Link<'_>) -> Relation {
        relation::relation(link)
    }

    fn check_upstream(&self, upstreams: &Upstreams<'_>) -> Vec<Finding> {
        checks::upstream(upstreams)
    }

    fn check_link(&self, link: &Link<'_>) -> Vec<Finding> {
        checks::link(link)
    }

    fn setting_changes(&self, upstreams: &Upstreams<'_>) -> BTreeMap<String, SettingChange> {
        MongoFacts::of(upstreams.instance)
            .map(|facts| {
                let changes = settings::upstream_changes(upstreams, &facts);
                as_marker(&settings::in_files(&changes))
            })
            .unwrap_or_default()
    }

    fn prepare(&self, upstreams: &Upstreams<'_>) -> Vec<Step> {
        steps::prepare(upstreams)
    }

    fn seed(&self, link: &Link<'_>) -> Vec<Step> {
        steps::seed(link)
    }

    fn verify(&self, link: &Link<'_>) -> Option<Step> {
        steps::verify(link)
    }

    fn finish(&self, upstreams: &Upstreams<'_>, needs: &BTreeSet<StepId>) -> Vec<Step> {
        steps::finish(upstreams, needs).into_iter().collect()
    }

    fn reconnect(&self, link: &Link<'_>) -> Vec<Step> {
        steps::reconnect(link)
    }
}
