//! The database engines: one folder each, the same file names in every folder, and this one registry.
//!
//! Outside an engine's folder nothing knows its name. The planner decides *what* happens to a link (an
//! intent); the engine says *how*: which facts make which relation, which requirements hold, which steps and
//! scripts carry an intent out. Everything here is pure but for the scripts' text, which only hosts run.

pub mod checks;
pub mod describe;
mod link;
pub mod mariadb;
pub mod mongodb;
pub mod mysql;
pub mod postgresql;
pub mod redis;
pub mod registry;
pub mod secure;
#[cfg(test)]
mod secure_tests;
pub mod settings;
pub mod steps;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use link::{Link, Parting, Upstreams};
use registry::Description;

use crate::observe::Instance;
use crate::plan::{Finding, Relation, SettingChange, Step, StepId};
use crate::secret::Secret;
use crate::topology::{Member, Names, Replica, Replication};

/// Why a probe's output can't be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The section stops before its end line: the connection or the script was cut.
    #[error("the probe's output ends before its end line")]
    Cut,
    /// A line that the decoder needs isn't as it must be.
    #[error("line {line} of the probe's output isn't understood: {what}")]
    Line {
        /// From 1, within the engine's section.
        line: usize,
        /// What was expected.
        what: String,
    },
}

/// Random bytes that a proof of a password may use.
pub const SALT_BYTES: usize = 20;

/// Why a password has no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// A script asks for what its engine doesn't have: a fault of replform.
    #[error("{0} has no proof of a password")]
    None(&'static str),
    /// Cryptography failed.
    #[error(transparent)]
    Crypto(#[from] openssl::error::ErrorStack),
}

/// A database engine.
pub trait Engine: Sync {
    /// What the language knows of it.
    fn description(&self) -> &'static Description;
    /// Its name in `engine = "…"`.
    fn name(&self) -> &'static str {
        self.description().name
    }
    /// Its name for people.
    fn title(&self) -> &'static str {
        self.description().title
    }
    /// Its port where none is written.
    fn default_port(&self) -> u16 {
        self.description().default_port
    }
    /// Its scripts by name (`postgresql/account.sh`) and text.
    fn scripts(&self) -> &'static [(&'static str, &'static str)];
    /// Its part of the one probe of a host; the variable `ports` holds the ports of interest, one a line.
    fn probe_script(&self) -> &'static str;
    /// Decodes what [`Engine::probe_script`] printed into one instance a port, keyed `name:port`.
    ///
    /// # Errors
    /// When the text was cut or isn't what the probe prints.
    fn decode(
        &self,
        section: &str,
        ports: &[u16],
    ) -> Result<BTreeMap<String, Instance>, DecodeError>;

    /// The name of the account (and slot) that replform makes for a replica; empty where it makes none.
    fn account(&self, replication: &str, replica: &str) -> String;
    /// What it calls one instance: `cluster`, `server`.
    fn noun(&self) -> &'static str {
        "server"
    }
    /// The part of a full version that replicas share with their primary and that names a package: 15 of `15.18`.
    fn release(&self, version: &str) -> String;
    /// The name for people of what an instance is: an engine may be several products.
    fn product(&self, _instance: &Instance) -> &'static str {
        self.title()
    }
    /// The full version that the replica's package sources would install for the upstream's release, where they have one.
    fn candidate<'a>(&self, link: &Link<'a>) -> Option<&'a str> {
        let release = self.release(link.upstream_instance.version.as_deref()?);
        let mut known = link.instance.installable.iter();
        let (_, version) = known.find(|(known, _)| *known == release)?;
        Some(version)
    }
    /// Where the data of an instance will lie that isn't there yet and has no `data_directory`.
    fn data_directory(&self, link: &Link<'_>) -> String;
    /// Log bytes a second that an instance writes, where it says.
    fn log_rate(&self, _instance: &Instance) -> Option<f64> {
        None
    }
    /// What proves a password to the server without being it, made by replform: a verifier or a hash, as the server keeps it.
    ///
    /// # Errors
    /// When the engine has none, or the cryptography fails.
    fn proof(&self, _password: &Secret, _salt: &[u8; SALT_BYTES]) -> Result<Secret, ProofError> {
        Err(ProofError::None(self.name()))
    }
    /// What an instance is now, for the picture: `bare host`, `primary`, `stopped`.
    fn describe(&self, instance: &Instance) -> String {
        describe::describe(instance, self.noun())
    }
    /// A server that is to be the primary and follows another: whether its own system chose so, and planning goes on with it.
    /// What to tell; `None` where a primary that follows stops the plan.
    fn elected(&self, _replication: &Replication, _instance: &Instance) -> Option<Finding> {
        None
    }
    /// The standard variables of an app's file after the prefix, where they aren't those of every engine.
    fn env_names(&self, _names: Names) -> Option<&'static [&'static str]> {
        None
    }
    /// Their values, in the same order. `members`: those that the app may be told of, as it sees them, the primary first;
    /// `instance`: the primary's, where it was seen.
    fn env_values(
        &self,
        _replication: &Replication,
        _instance: Option<&Instance>,
        _members: &[(String, u16)],
    ) -> Vec<String> {
        Vec::new()
    }
    /// How a link stands.
    fn relation(&self, link: &Link<'_>) -> Relation;
    /// Requirements of the upstream (the primary) as a whole: what blocks, and what to know.
    fn check_upstream(&self, upstreams: &Upstreams<'_>) -> Vec<Finding>;
    /// Requirements of one link for what is planned with it.
    fn check_link(&self, link: &Link<'_>) -> Vec<Finding>;
    /// The settings that [`Engine::prepare`] would change on the upstream, with the values they have now.
    fn setting_changes(&self, upstreams: &Upstreams<'_>) -> BTreeMap<String, SettingChange>;
    /// What the upstream needs before the links in `upstreams` can be made: settings that are wanted and not there.
    fn prepare(&self, upstreams: &Upstreams<'_>) -> Vec<Step>;
    /// A full copy, moved into place and linked: provision, account, backup, restore, link, verify.
    fn seed(&self, link: &Link<'_>) -> Vec<Step>;
    /// What remains on the upstream when all links that are made now are proved; `needs`: their last steps. Apps are told after it.
    fn finish(&self, _upstreams: &Upstreams<'_>, _needs: &BTreeSet<StepId>) -> Vec<Step> {
        Vec::new()
    }
    /// A link made or mended without a copy: account, link, verify.
    fn reconnect(&self, link: &Link<'_>) -> Vec<Step>;
    /// Why it can't link members of two stacks, nor prove both ends of a link; `None`: it can.
    fn across_refused(&self) -> Option<&'static str> {
        Some("replication between stacks, and TLS, aren't built for this engine in this version")
    }
    /// Why its replicas can't read from one another; `None`: they can.
    fn cascade_refused(&self) -> Option<&'static str> {
        Some("cascades aren't built for this engine in this version")
    }
    /// A replica's instance as it will be when [`Engine::seed`] or [`Engine::reconnect`] is done, where it isn't so now (no copy yet,
    /// or stopped): what others that read from it are planned with.
    fn copied(&self, _link: &Link<'_>) -> Option<Instance> {
        None
    }
    /// What members that a link's replica doesn't read from keep for it still is taken away. `holders`: those members, as seen.
    fn sweep(&self, _link: &Link<'_>, _holders: &[(&Member, &Instance)]) -> Option<Step> {
        None
    }
    /// Requirements of a link that stands and is left as it is.
    fn check_standing(&self, _link: &Link<'_>) -> Vec<Finding> {
        Vec::new()
    }
    /// What a link that stands needs so that it goes on to stand: its replica's certificate.
    fn keep(&self, _link: &Link<'_>) -> Vec<Step> {
        Vec::new()
    }
    /// A replica that is no longer wanted becomes a standalone server with its data ([`LinkSteps::unlink`](steps::LinkSteps::unlink)),
    /// then its upstream forgets it ([`LinkSteps::cleanup`](steps::LinkSteps::cleanup)). `None`: not built.
    fn part(&self, _parting: &Parting<'_>) -> Option<Vec<Step>> {
        None
    }
    /// No replica is left: what was set on the primary for them goes back. `keep_address`: apps were told its address, so what it
    /// listens on stays. `None`: there is nothing to put back.
    fn retire(&self, _upstreams: &Upstreams<'_>, _keep_address: bool) -> Option<steps::Retirement> {
        None
    }
    /// The proof that a link which stands follows, where replform's own account can ask for it; `None`: it can't.
    fn verify(&self, _link: &Link<'_>) -> Option<Step> {
        None
    }
}

/// Every engine that can be planned; a new one is a folder and a line here.
pub const ENGINES: &[&dyn Engine] = &[
    &postgresql::PostgreSql,
    &mysql::MySql,
    &mariadb::MariaDb,
    &mongodb::MongoDb,
    &redis::Redis,
];

/// The engine of this name.
pub fn engine(name: &str) -> Option<&'static dyn Engine> {
    ENGINES.iter().copied().find(|engine| engine.name() == name)
}

/// The account and slot that a replica has, or is to have; empty where its engine makes none.
pub fn account_of(replication: &Replication, replica: &Replica) -> String {
    let usual = || {
        let engine = engine(&replication.engine.0);
        engine.map_or_else(String::new, |engine| {
            engine.account(&replication.name, &replica.name)
        })
    };
    replica.account.clone().unwrap_or_else(usual)
}

/// An engine with an instance's version, for people: `PostgreSQL 15.18`.
pub fn title(engine: &dyn Engine, instance: &Instance) -> String {
    match &instance.version {
        Some(version) => format!("{} {version}", engine.product(instance)),
        None => engine.product(instance).to_owned(),
    }
}

/// The text of a script, by its name in a plan.
pub fn script(name: &str) -> Option<&'static str> {
    ENGINES
        .iter()
        .flat_map(|engine| engine.scripts())
        .find(|(script, _)| *script == name)
        .map(|(_, text)| *text)
}
