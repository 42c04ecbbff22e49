//! Redis as an [`Engine`]: hands each question to the file of this folder that answers it.

use std::collections::BTreeMap;

use super::{PROBE, RedisFacts, checks, decode, relation, release, settings, steps, tls};
use crate::engines::checks::Checks;
use crate::engines::registry::{self, Description};
use crate::engines::settings::as_marker;
use crate::engines::steps::Retirement;
use crate::engines::{DecodeError, Engine, Link, Parting, ProofError, SALT_BYTES, Upstreams};
use crate::observe::Instance;
use crate::plan::{Finding, Relation, SettingChange, Step, names};
use crate::secret::Secret;

/// The engine.
#[derive(Debug)]
pub struct Redis;

impl Engine for Redis {
    fn description(&self) -> &'static Description {
        &registry::REDIS
    }

    fn product(&self, instance: &Instance) -> &'static str {
        let facts = RedisFacts::of(instance).ok();
        facts
            .and_then(|facts| facts.kind)
            .unwrap_or_default()
            .title()
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
        release::release(version).unwrap_or_default()
    }

    fn candidate<'a>(&self, link: &Link<'a>) -> Option<&'a str> {
        let (_, version) = checks::candidate(link)?;
        Some(version)
    }

    fn data_directory(&self, link: &Link<'_>) -> String {
        settings::kind_of(link).default_directory()
    }

    /// SHA-256, as `ACL SETUSER … #hash` takes it.
    fn proof(&self, password: &Secret, _salt: &[u8; SALT_BYTES]) -> Result<Secret, ProofError> {
        Ok(Secret::new(names::digest(password.expose().as_bytes())))
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
        RedisFacts::of(upstreams.instance)
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

    fn reconnect(&self, link: &Link<'_>) -> Vec<Step> {
        steps::reconnect(link)
    }

    fn part(&self, parting: &Parting<'_>) -> Option<Vec<Step>> {
        Some(steps::part(parting))
    }

    fn retire(&self, upstreams: &Upstreams<'_>, keep_address: bool) -> Option<Retirement> {
        steps::retire(upstreams, keep_address)
    }
}
