//! MariaDB as an [`Engine`]: hands each question to the file of this folder that answers it.

use std::collections::BTreeMap;

use openssl::sha::sha1;

use super::{MariaFacts, PROBE, checks, decode, relation, settings, steps, summary, tls};
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
pub struct MariaDb;

impl Engine for MariaDb {
    fn description(&self) -> &'static Description {
        &registry::MARIADB
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
        summary::release(version)
    }

    fn data_directory(&self, _link: &Link<'_>) -> String {
        settings::DATA_DIRECTORY.to_owned()
    }

    fn log_rate(&self, instance: &Instance) -> Option<f64> {
        MariaFacts::of(instance).ok()?.log_rate()
    }

    fn proof(&self, password: &Secret, _salt: &[u8; SALT_BYTES]) -> Result<Secret, ProofError> {
        Ok(native_hash(password))
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
        MariaFacts::of(upstreams.instance)
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

    fn verify(&self, link: &Link<'_>) -> Option<Step> {
        steps::verify(link)
    }
}

/// `*` and SHA1(SHA1(password)), hexadecimal: what mysql_native_password keeps (MariaDB Knowledge Base, "Authentication Plugin -
/// mysql_native_password"). Unsalted, so only for random passwords, as ours are.
fn native_hash(password: &Secret) -> Secret {
    let digest = sha1(&sha1(password.expose().as_bytes()));
    let mut hash = String::from("*");
    for byte in digest {
        hash.push_str(&format!("{byte:02X}"));
    }
    Secret::new(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SELECT PASSWORD('mariadb') of MariaDB 10.11.
    #[test]
    fn the_hash_is_the_servers_own() {
        let hash = native_hash(&Secret::new("mariadb"));
        assert_eq!(hash.expose(), "*54958E764CE10E50764C2EECBB71D01F08549980");
    }
}
