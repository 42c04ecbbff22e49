//! PostgreSQL as an [`Engine`]: hands each question to the file of this folder that answers it.

use std::collections::BTreeMap;

use super::{PROBE, PostgresFacts, checks, decode, relation, settings, steps};
use crate::engines::{DecodeError, Engine, Link, Upstreams};
use crate::observe::{Instance, Role, ServerState};
use crate::plan::{Finding, Relation, SettingChange, Step};

/// The engine.
#[derive(Debug)]
pub struct PostgreSql;

impl Engine for PostgreSql {
    fn name(&self) -> &'static str {
        "postgresql"
    }

    fn title(&self) -> &'static str {
        "PostgreSQL"
    }

    fn default_port(&self) -> u16 {
        settings::DEFAULT_PORT
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

    fn account(&self, replication: &str, replica: &str) -> String {
        settings::account(replication, replica)
    }

    fn describe(&self, instance: &Instance) -> String {
        match (&instance.server, instance.role) {
            (ServerState::NotInstalled, _) => "bare host".to_owned(),
            (ServerState::NoInstance, _) => format!("no cluster on port {}", instance.port),
            (ServerState::Stopped { .. }, _)
                if instance.data.as_ref().is_some_and(|data| data.empty) =>
            {
                "empty server, stopped".to_owned()
            }
            (ServerState::Stopped { .. }, _) => "stopped".to_owned(),
            (ServerState::Starting, _) => "starting".to_owned(),
            (ServerState::Unknown { why }, _) => format!("unknown: {why}"),
            (ServerState::Running, Some(Role::Replica)) => match &instance.upstream {
                Some(upstream) => format!("replica of {}:{}", upstream.host, upstream.port),
                None => "standby without an upstream".to_owned(),
            },
            (ServerState::Running, _) if instance.data.as_ref().is_some_and(|data| data.empty) => {
                "empty server".to_owned()
            }
            (ServerState::Running, _) if !instance.downstreams.is_empty() => "primary".to_owned(),
            (ServerState::Running, _) => "standalone".to_owned(),
        }
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
        PostgresFacts::of(upstreams.instance)
            .map(|facts| settings::as_marker(&settings::upstream_changes(upstreams, &facts)))
            .unwrap_or_default()
    }

    fn prepare(&self, upstreams: &Upstreams<'_>) -> Vec<Step> {
        steps::prepare(upstreams)
    }

    fn seed(&self, link: &Link<'_>) -> Vec<Step> {
        steps::seed(link)
    }

    fn reconnect(&self, link: &Link<'_>) -> Vec<Step> {
        steps::reconnect(link)
    }
}
