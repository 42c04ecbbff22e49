//! PostgreSQL as an [`Engine`]: hands each question to the file of this folder that answers it.

use std::collections::BTreeMap;

use super::{PROBE, PostgresFacts, checks, copied, decode, relation, scram, settings, steps, tls};
use crate::engines::checks::Checks;
use crate::engines::registry::{self, Description};
use crate::engines::settings::as_marker;
use crate::engines::steps::Retirement;
use crate::engines::{DecodeError, Engine, Link, Parting, ProofError, SALT_BYTES, Upstreams};
use crate::observe::Instance;
use crate::plan::{Finding, Relation, SettingChange, Step};
use crate::secret::Secret;
use crate::topology::Member;

/// The engine.
#[derive(Debug)]
pub struct PostgreSql;

impl Engine for PostgreSql {
    fn description(&self) -> &'static Description {
        &registry::POSTGRESQL
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

    fn noun(&self) -> &'static str {
        settings::NOUN
    }

    fn release(&self, version: &str) -> String {
        settings::major(Some(version)).map_or_else(String::new, |major| major.to_string())
    }

    fn data_directory(&self, link: &Link<'_>) -> String {
        format!("/var/lib/postgresql/{}", settings::cluster_of(link))
    }

    fn log_rate(&self, instance: &Instance) -> Option<f64> {
        PostgresFacts::of(instance).ok()?.wal_bytes_per_second
    }

    fn proof(&self, password: &Secret, salt: &[u8; SALT_BYTES]) -> Result<Secret, ProofError> {
        Ok(scram::verifier(password, &salt[..scram::SALT])?)
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
            .map(|facts| as_marker(&settings::upstream_changes(upstreams, &facts)))
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

    fn cascade_refused(&self) -> Option<&'static str> {
        None
    }

    fn copied(&self, link: &Link<'_>) -> Option<Instance> {
        copied::copied(link)
    }

    fn sweep(&self, link: &Link<'_>, holders: &[(&Member, &Instance)]) -> Option<Step> {
        steps::sweep(link, holders)
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

    fn verify(&self, link: &Link<'_>) -> Option<Step> {
        steps::verify(link)
    }
}
