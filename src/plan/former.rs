//! What the configuration wanted once: members, replications and files that markers on hosts name and it no longer does.
//!
//! The hosts are the state: a replica that left the files is found by its own marker or by its primary's, a replication by
//! its members' markers. A member is known by its machine, engine and port, so a new label or name makes nobody former.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Marker, MarkerMember, MarkerRole};
use crate::engines::{self, account_of};
use crate::observe::{MachineObservation, MarkerFile, Observation};
use crate::topology::{
    Engine, Former, InstanceWish, Lag, Machine, MachineId, Member, Place, Replica, Replication,
    ServerId, Ssh, Topology, Upstream,
};

/// Limit of lag of a replication that nothing says more of, milliseconds.
const USUAL_LAG: u64 = 60_000;

/// The topology with what markers name besides; itself where they name nothing. What it had of that before is worked out anew.
pub fn extended<'a>(topology: &'a Topology, observation: &Observation) -> Cow<'a, Topology> {
    let found = Search::new(topology, observation).done();
    let same = |one: &Former| one.replicas.is_empty() && one.files.is_empty();
    let named = |replication: &Replication| {
        let replicas = replication.replicas.iter();
        replicas
            .zip(found.accounts(replication))
            .all(|(replica, account)| replica.account == account)
    };
    if same(&found.former) && same(&topology.former) && topology.replications.iter().all(named) {
        return Cow::Borrowed(topology);
    }
    let mut extended = topology.clone();
    for replication in &mut extended.replications {
        let accounts = found.accounts(replication);
        for (replica, account) in replication.replicas.iter_mut().zip(accounts) {
            replica.account = account;
        }
    }
    extended.former = found.former;
    for id in found.machines {
        let ssh = login(&topology.ssh, &id);
        extended
            .machines
            .entry(id.clone())
            .or_insert_with(|| Machine {
                label: id.0.clone(),
                id,
                ssh,
            });
    }
    Cow::Owned(extended)
}

/// How to log in to a machine of which only its identity is known: as the top `ssh` block says.
fn login(top: &Ssh, id: &MachineId) -> Ssh {
    let (host, port) = id.parts();
    Ssh {
        host,
        port,
        ..top.clone()
    }
}

/// An instance: machine, engine, port.
type Key = (MachineId, String, u16);

/// What markers tell besides the configuration.
struct Found {
    former: Former,
    /// Machines of former members and files.
    machines: BTreeSet<MachineId>,
    /// The accounts of wanted replicas, as their own markers have them.
    accounts: BTreeMap<Key, String>,
}

impl Found {
    /// The account of each replica of a replication, where it isn't the one that follows from its labels: a replica keeps the one
    /// that it has, and one whose name another replica still has gets another.
    fn accounts(&self, replication: &Replication) -> Vec<Option<String>> {
        let usual = |replica: &Replica| {
            let unnamed = Replica {
                account: None,
                ..replica.clone()
            };
            account_of(replication, &unnamed)
        };
        let former = self.former.replicas.get(&replication.name);
        let taken: BTreeSet<String> = former
            .into_iter()
            .flatten()
            .map(|replica| account_of(replication, replica))
            .collect();
        let of = |replica: &Replica| {
            let member = &replica.member;
            let engine = replication.engine.0.clone();
            let key = (member.machine.clone(), engine, member.instance.port);
            let usual = usual(replica);
            match self.accounts.get(&key) {
                Some(kept) if *kept == usual => None,
                Some(kept) => Some(kept.clone()),
                None if !usual.is_empty() && taken.contains(&usual) => {
                    let apart = format!("{}\0{}", replica.name, member.machine);
                    let engine = engines::engine(&replication.engine.0)?;
                    Some(engine.account(&replication.name, &apart))
                }
                None => None,
            }
        };
        if self.accounts.is_empty() && taken.is_empty() {
            return vec![None; replication.replicas.len()];
        }
        replication.replicas.iter().map(of).collect()
    }
}

struct Search<'a> {
    topology: &'a Topology,
    /// Every marker of this topology with the machine that carries it.
    markers: Vec<(&'a MachineId, Marker)>,
    /// The instances that the configuration wants.
    wanted: BTreeSet<Key>,
    replications: BTreeMap<String, Replication>,
    replicas: BTreeMap<String, BTreeMap<Key, Replica>>,
    machines: BTreeSet<MachineId>,
    accounts: BTreeMap<Key, String>,
}

impl<'a> Search<'a> {
    fn new(topology: &'a Topology, observation: &'a Observation) -> Self {
        let wanted = topology.replications.iter().flat_map(|replication| {
            replication.members().map(|(_, member)| {
                let engine = replication.engine.0.clone();
                (member.machine.clone(), engine, member.instance.port)
            })
        });
        let markers = observation.machines.iter().flat_map(|(id, machine)| {
            let files = match machine {
                MachineObservation::Reached(facts) => Some(facts.markers.values()),
                MachineObservation::Unreachable { .. } => None,
            };
            files.into_iter().flatten().map(move |file| (id, file))
        });
        Self {
            topology,
            wanted: wanted.collect(),
            markers: markers
                .filter_map(|(id, file)| match file {
                    MarkerFile::Read { content } => {
                        // Most markers are of members that stay: only what may be ours is read.
                        let ours = content.get("topology")?.as_str()? == topology.name;
                        let marker = ours.then(|| Marker::deserialize(content).ok());
                        Some((id, marker.flatten()?))
                    }
                    MarkerFile::Damaged { .. } => None,
                })
                .collect(),
            replications: BTreeMap::new(),
            replicas: BTreeMap::new(),
            machines: BTreeSet::new(),
            accounts: BTreeMap::new(),
        }
    }

    fn done(mut self) -> Found {
        let markers = std::mem::take(&mut self.markers);
        let mut files = BTreeSet::new();
        for (machine, marker) in &markers {
            if marker.role == MarkerRole::Replica {
                self.account(machine, marker);
            }
        }
        // A primary's marker first: it names all.
        for of_primary in [true, false] {
            for (machine, marker) in &markers {
                if (marker.role == MarkerRole::Primary) == of_primary {
                    self.marker(machine, marker);
                }
                if of_primary && marker.role == MarkerRole::Primary {
                    files.extend(self.files(marker));
                }
            }
        }
        self.machines
            .extend(files.iter().map(|(machine, _)| machine.clone()));
        let replicas = self.replicas.into_iter();
        let former = Former {
            replications: self.replications.into_values().collect(),
            replicas: replicas
                .map(|(name, all)| (name, all.into_values().collect()))
                .collect(),
            files,
        };
        Found {
            former,
            machines: self.machines,
            accounts: self.accounts,
        }
    }

    fn is_wanted(&self, marker: &Marker, entry: &MarkerMember) -> bool {
        self.wanted.contains(&key(marker, entry))
    }

    fn marker(&mut self, machine: &MachineId, marker: &Marker) {
        let Some((primary, replicas)) = marker.members.split_first() else {
            return;
        };
        let living = self.living(marker, primary);
        let own = (machine.clone(), marker.engine.clone(), marker.port);
        match (&marker.role, living) {
            // The old primary of a replication that wants another: a switchover, no parting.
            (MarkerRole::Primary, Some(replication)) if !self.is_primary(replication, &own) => {}
            // A copy of another host's disk carries its marker too.
            (MarkerRole::Primary, _) if primary.machine != machine.0 => {}
            (MarkerRole::Primary, None) if self.is_wanted(marker, primary) => {}
            (_, home) => {
                let former = |entry: &&MarkerMember| {
                    !self.is_wanted(marker, entry)
                        && !self.is_wanted_elsewhere(marker, entry)
                        && (marker.role == MarkerRole::Primary || entry.machine == machine.0)
                };
                let gone: Vec<MarkerMember> = replicas.iter().filter(former).cloned().collect();
                if gone.is_empty() && (home.is_some() || marker.role == MarkerRole::Replica) {
                    return;
                }
                let home = home.map(|home| (home.name.clone(), home.place.clone()));
                let (name, place) = home.unwrap_or_else(|| self.revive(marker, primary));
                for entry in gone {
                    self.replica(&name, &place, marker, primary, &entry);
                }
            }
        }
    }

    /// A wanted replica's account is the one of the labels that it was linked under.
    fn account(&mut self, machine: &MachineId, marker: &Marker) {
        let own = (machine.clone(), marker.engine.clone(), marker.port);
        // A replica's marker names its primary and itself, whatever its host was called when it was written.
        let (Some(entry), true) = (marker.members.get(1), self.wanted.contains(&own)) else {
            return;
        };
        if let Some(account) = account_in(marker, entry) {
            self.accounts.insert(own, account);
        }
    }

    /// Whether a wanted replica is what a marker names by another address: its host has a new name, or a new address.
    fn is_wanted_elsewhere(&self, marker: &Marker, entry: &MarkerMember) -> bool {
        let account = account_in(marker, entry).filter(|account| !account.is_empty());
        let own = |of: &Key| of.1 == marker.engine;
        let mut accounts = self.accounts.iter().filter(|(key, _)| own(key));
        if account.is_some_and(|account| accounts.any(|(_, one)| *one == account)) {
            return true;
        }
        let same = |member: &Member| {
            (&member.address, member.instance.port) == (&entry.address, entry.port)
        };
        self.topology
            .replications
            .iter()
            .filter(|one| one.name == marker.replication && one.engine.0 == marker.engine)
            .any(|one| one.replicas.iter().any(|replica| same(&replica.member)))
    }

    /// The replication of the configuration that a marker speaks of: by name, or by its primary where the name changed.
    fn living(&self, marker: &Marker, primary: &MarkerMember) -> Option<&'a Replication> {
        let mut all = self.topology.replications.iter();
        let named = all.find(|one| one.name == marker.replication && one.engine.0 == marker.engine);
        let key = key(marker, primary);
        named.or_else(|| {
            let mut all = self.topology.replications.iter();
            all.find(|one| self.is_primary(one, &key))
        })
    }

    fn is_primary(&self, replication: &Replication, key: &Key) -> bool {
        let primary = &replication.primary;
        (
            &primary.machine,
            &replication.engine.0,
            primary.instance.port,
        ) == (&key.0, &key.1, key.2)
    }

    /// The replication that left the configuration, as a marker of it tells.
    fn revive(&mut self, marker: &Marker, primary: &MarkerMember) -> (String, Place) {
        let member = self.member(primary, None);
        let place = member.place.clone();
        self.machines.insert(member.machine.clone());
        self.replicas.entry(marker.replication.clone()).or_default();
        self.replications
            .entry(marker.replication.clone())
            .or_insert_with(|| Replication {
                name: marker.replication.clone(),
                engine: Engine(marker.engine.clone()),
                version: None,
                primary: member,
                replicas: Vec::new(),
                tls: None,
                retain: None,
                max_lag: Lag::Time(USUAL_LAG),
                allow: BTreeMap::new(),
                arbiter: None,
                certificates: None,
                env: None,
                place: place.clone(),
                primary_place: place.clone(),
                allow_place: place.clone(),
            });
        (marker.replication.clone(), place)
    }

    fn replica(
        &mut self,
        replication: &str,
        place: &Place,
        marker: &Marker,
        primary: &MarkerMember,
        entry: &MarkerMember,
    ) {
        let near = self.server(&primary.machine).map(|id| id.stack.clone());
        let mut member = self.member(entry, near);
        let living = self.topology.replications.iter();
        let admin = living
            .filter(|one| one.name == replication)
            .find_map(|one| one.primary.instance.admin.clone());
        member.instance.admin = admin;
        member.place = place.clone();
        // The others forget one that is given up without asking it.
        let address = format!("replication.{replication}.replica.{}", label(&entry.name));
        if !self.topology.removed.contains(&address) {
            self.machines.insert(member.machine.clone());
        }
        let upstream = match entry.upstream.strip_prefix("replica.") {
            Some(name) => Upstream::Replica(name.to_owned()),
            None => Upstream::Primary,
        };
        let replica = Replica {
            name: label(&entry.name).to_owned(),
            place: place.clone(),
            member,
            upstream,
            max_rate: None,
            max_lag: None,
            account: account_in(marker, entry),
        };
        self.replicas
            .entry(replication.to_owned())
            .or_default()
            .entry(key(marker, entry))
            .or_insert(replica);
    }

    fn server(&self, machine: &str) -> Option<&'a ServerId> {
        let mut servers = self.topology.servers.iter();
        let server = servers.find(|server| server.machine.0 == machine)?;
        Some(&server.id)
    }

    /// A member as a marker names it; what the configuration says of its server goes before. `near`: the stack to count it to
    /// where its server left the configuration too.
    fn member(&self, entry: &MarkerMember, near: Option<String>) -> Member {
        let mut servers = self.topology.servers.iter();
        let server = servers.find(|server| server.machine.0 == entry.machine);
        let stack = || near.unwrap_or_else(|| "former".to_owned());
        Member {
            server: server.map_or_else(
                || ServerId {
                    stack: stack(),
                    name: entry.machine.clone(),
                },
                |server| server.id.clone(),
            ),
            machine: MachineId(entry.machine.clone()),
            address: entry.address.clone(),
            public_address: server.map_or_else(
                || entry.address.clone(),
                |server| server.public_address.clone(),
            ),
            instance: InstanceWish {
                port: entry.port,
                data_directory: None,
                admin: None,
            },
            place: server.map_or_else(|| self.somewhere(), |server| server.place.clone()),
        }
    }

    /// A line of the configuration for what no line speaks of any more.
    fn somewhere(&self) -> Place {
        let servers = self.topology.servers.iter().map(|server| &server.place);
        let replications = self.topology.replications.iter().map(|one| &one.place);
        replications
            .chain(servers)
            .next()
            .cloned()
            .unwrap_or_default()
    }

    /// The files that a primary's marker names and no app of the configuration has.
    fn files(&self, marker: &Marker) -> Vec<(MachineId, String)> {
        let known = |machine: &str, path: &str| {
            self.topology
                .apps
                .iter()
                .any(|app| app.env_file == path && app.machines.iter().any(|id| id.0 == machine))
        };
        let targets = marker.env_targets.iter();
        targets
            .filter_map(|target| target.split_once(' '))
            .filter(|(machine, path)| !known(machine, path))
            .map(|(machine, path)| (MachineId(machine.to_owned()), path.to_owned()))
            .collect()
    }
}

fn key(marker: &Marker, entry: &MarkerMember) -> Key {
    (
        MachineId(entry.machine.clone()),
        marker.engine.clone(),
        entry.port,
    )
}

/// The account of a replica as a marker tells it.
fn account_in(marker: &Marker, entry: &MarkerMember) -> Option<String> {
    let written = Some(entry.account.clone()).filter(|account| !account.is_empty());
    written.or_else(|| {
        let engine = engines::engine(&marker.engine)?;
        Some(engine.account(&marker.replication, label(&entry.name)))
    })
}

/// A member's label in a marker: `replica.reader` is `reader`.
fn label(name: &str) -> &str {
    name.strip_prefix("replica.").unwrap_or(name)
}
