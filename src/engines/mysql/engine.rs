//! MySQL as an [`Engine`]: hands each question to the file of this folder that answers it.

use std::collections::BTreeMap;

use super::{MysqlFacts, PROBE, checks, decode, relation, settings, sha2, steps, tls};
use crate::engines::checks::Checks;
use crate::engines::registry::{self, Description};
use crate::engines::settings::as_marker;
use crate::engines::steps::Retirement;
use crate::engines::{DecodeError, Engine, Link, Parting, ProofError, SALT_BYTES, Upstreams};
use crate::observe::Instance;
use crate::plan::{Finding, Relation, SettingChange, Step};
use crate::secret::Secret;

/// The engine.
#[derive(Debug)]
pub struct MySql;

impl Engine for MySql {
    fn description(&self) -> &'static Description {
        &registry::MYSQL
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

    fn release(&self, version: &str) -> String {
        settings::series(version)
    }

    fn data_directory(&self, _link: &Link<'_>) -> String {
        settings::DATA_DIRECTORY.to_owned()
    }

    fn log_rate(&self, instance: &Instance) -> Option<f64> {
        MysqlFacts::of(instance).ok()?.binlog_bytes_per_second
    }

    fn proof(&self, password: &Secret, salt: &[u8; SALT_BYTES]) -> Result<Secret, ProofError> {
        Ok(sha2::hash(password, salt))
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
        MysqlFacts::of(upstreams.instance)
            .map(|facts| as_marker(&settings::upstream_changes(upstreams, &facts)))
            .unwrap_or_default()
    }

    fn prepare(&self, upstreams: &Upstreams<'_>) -> Vec<Step> {
        steps::prepare(upstreams)
    }

    fn seed(&self, link: &Link<'_>) -> Vec<Step> {
        steps::seed(link)
    }

    fn across_refused(&self) -> Option<&'static str> {
        None
    }

    fn check_standing(&self, link: &Link<'_>) -> Vec<Finding> {
        let mut checks = Checks::of_link(link);
        tls::check_link(link, &mut checks);
        checks.done()
    }

    fn keep(&self, link: &Link<'_>) -> Vec<Step> {
        steps::keep(link)
    }

    fn part(&self, parting: &Parting<'_>) -> Option<Vec<Step>> {
        Some(steps::part(parting))
    }

    fn retire(&self, upstreams: &Upstreams<'_>, keep_address: bool) -> Option<Retirement> {
        steps::retire(upstreams, keep_address)
    }

    fn reconnect(&self, link: &Link<'_>) -> Vec<Step> {
        steps::reconnect(link)
    }
}
