//! A model of MongoDB hosts: what each mongod holds and runs with, and sets, which elect and copy by themselves.
//!
//! It stands for real hosts in tests of the planner only; nothing that touches a host is claimed by it. What all engines
//! share of a host (markers, jobs, environment files, closed ways) is the common model's.

use std::collections::BTreeMap;

use super::super::world::World as Common;

/// Every mongod's port here.
pub const PORT: u16 = 27017;

/// All hosts and sets.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// What all engines share.
    pub common: Common,
    /// The mongod of a machine, where its package is installed.
    pub servers: BTreeMap<String, Server>,
    /// Sets, by their own id.
    pub sets: BTreeMap<u64, Set>,
    /// Keys that one apply handed on, by name.
    pub keys: BTreeMap<String, u64>,
}

/// One mongod.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Server {
    /// What its file says.
    pub file: BTreeMap<String, String>,
    /// What it started with.
    pub in_force: BTreeMap<String, String>,
    /// The key in its key file, and the one that it started with.
    pub key: Option<u64>,
    /// See `key`.
    pub key_in_force: Option<u64>,
    /// Whether it runs.
    pub running: bool,
    /// Whether it starts at boot.
    pub enabled: bool,
    /// Its data directory.
    pub data: Directory,
    /// What was set aside.
    pub aside: Vec<Directory>,
    /// How often it was stopped or restarted while it held something.
    pub stops: u32,
}

/// A data directory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Directory {
    /// Which one it is, wherever it was moved.
    pub id: u64,
    /// Whether a person's data is in it that no other directory has.
    pub precious: bool,
    /// Whether databases are in it.
    pub databases: bool,
    /// Whether no mongod ever started in it.
    pub bare: bool,
    /// Our mark: it began empty.
    pub mark: bool,
    /// The set whose member it was made.
    pub set: Option<u64>,
    /// Whether the member has its copy.
    pub whole: bool,
    /// The last write that it has.
    pub position: u64,
}

/// A set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Set {
    /// Its name.
    pub name: String,
    /// Its members, by their hosts.
    pub members: BTreeMap<String, Wish>,
    /// Who is primary.
    pub primary: Option<String>,
    /// Changes of its configuration.
    pub version: u64,
    /// The last write, and the first one in its oplog.
    pub position: u64,
    /// See `position`.
    pub oldest: u64,
}

/// A member in a set's configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wish {
    /// Votes.
    pub votes: u64,
    /// Priority.
    pub priority: u64,
    /// Hidden from clients.
    pub hidden: bool,
    /// Our tag.
    pub joining: bool,
}

impl Server {
    /// As the package leaves it.
    pub fn packaged(id: u64) -> Self {
        Self {
            file: BTreeMap::from([("net.bindIp".to_owned(), "127.0.0.1".to_owned())]),
            data: Directory {
                id,
                bare: true,
                ..Directory::default()
            },
            ..Self::default()
        }
    }

    /// Starts it with what its file says.
    pub fn start(&mut self) {
        self.running = true;
        self.in_force = self.file.clone();
        self.key_in_force = self
            .key
            .filter(|_| self.file.contains_key("security.keyFile"));
        self.data.bare = false;
    }

    /// Stops it.
    pub fn stop(&mut self) {
        if self.running && (self.data.databases || self.data.precious) {
            self.stops += 1;
        }
        self.running = false;
    }

    /// The set's name that it started with; nothing for a standalone.
    pub fn set_name(&self) -> Option<&String> {
        self.in_force.get("replication.replSetName")
    }

    /// Whether it listens on an address.
    pub fn listens(&self, address: &str) -> bool {
        let bind = self
            .in_force
            .get("net.bindIp")
            .map_or("127.0.0.1", String::as_str);
        self.running
            && bind
                .split(',')
                .any(|one| one == address || one == "0.0.0.0")
    }

    /// Whether it takes no commands without a login.
    pub fn logins(&self) -> bool {
        self.in_force
            .get("security.authorization")
            .is_some_and(|word| word == "enabled")
            || self.key_in_force.is_some()
    }
}

impl World {
    /// A machine's mongod.
    pub fn server(&mut self, machine: &str) -> &mut Server {
        self.servers.get_mut(machine).expect("it is installed")
    }

    /// Whether a member takes part in its set: it runs with the set's name and key, and packets get through.
    pub fn alive(&self, id: u64, host: &str) -> bool {
        let (Some(set), Some(server)) = (self.sets.get(&id), self.servers.get(host)) else {
            return false;
        };
        let others = set.members.keys().filter(|other| *other != host);
        server.running
            && server.set_name() == Some(&set.name)
            && server.data.set == Some(id)
            && set.members.contains_key(host)
            && server.listens(host)
            && self.key_fits(set, server)
            && others
                .clone()
                .filter(|one| self.servers.get(*one).is_some_and(|one| one.running))
                .all(|one| self.open(host, one))
    }

    fn key_fits(&self, set: &Set, server: &Server) -> bool {
        let primary = set.members.keys().find_map(|host| {
            let server = self.servers.get(host)?;
            (server.data.set.is_some() && server.data.whole).then_some(server.key_in_force)
        });
        primary.is_none_or(|key| key == server.key_in_force)
    }

    /// Whether packets get from one machine to another.
    pub fn open(&self, from: &str, to: &str) -> bool {
        from == to || (self.common.open(from, to) && self.common.open(to, from))
    }

    /// The set that a member belongs to by its own directory.
    pub fn set_of(&self, host: &str) -> Option<u64> {
        self.servers.get(host)?.data.set
    }

    /// Whether it takes writes.
    pub fn writable(&self, host: &str) -> bool {
        let Some(server) = self.servers.get(host).filter(|server| server.running) else {
            return false;
        };
        match server.set_name() {
            None => true,
            Some(_) => self.set_of(host).is_some_and(|id| {
                self.sets[&id].primary.as_deref() == Some(host) && self.alive(id, host)
            }),
        }
    }

    /// Whether a secondary has all that its set's primary has.
    pub fn follows(&self, host: &str, set: u64) -> Result<(), String> {
        let server = self.servers.get(host).ok_or("nothing is installed")?;
        let found = self.sets.get(&set).ok_or("no such set")?;
        if !self.alive(set, host) {
            return Err("it takes no part in the set".into());
        }
        if found.primary.is_none() {
            return Err("the set has no primary".into());
        }
        if !server.data.whole {
            return Err("it copies".into());
        }
        match server.data.position < found.oldest {
            true => Err("too stale".into()),
            false => Ok(()),
        }
    }

    /// Members with a vote: (all, those that take part).
    pub fn voters(&self, id: u64) -> (usize, usize) {
        let voting = self.sets[&id]
            .members
            .iter()
            .filter(|(_, one)| one.votes > 0);
        let hosts: Vec<&String> = voting.map(|(host, _)| host).collect();
        (
            hosts.len(),
            hosts.iter().filter(|host| self.alive(id, host)).count(),
        )
    }

    /// Time passes: members hear of their set, sets elect, secondaries follow, primaries are written to.
    pub fn settle(&mut self) {
        let ids: Vec<u64> = self.sets.keys().copied().collect();
        for id in ids {
            self.join(id);
            self.elect(id);
            let Some(primary) = self.sets[&id].primary.clone() else {
                continue;
            };
            let set = self.sets.get_mut(&id).unwrap();
            set.position += 1;
            let position = set.position;
            self.server(&primary).data.position = position;
            let hosts: Vec<String> = self.sets[&id].members.keys().cloned().collect();
            for host in hosts {
                if self.follows(&host, id).is_ok() {
                    self.server(&host).data.position = position;
                }
            }
        }
    }

    /// A server that waits gets the configuration that lists it, and loses what it holds to its copy.
    fn join(&mut self, id: u64) {
        let set = self.sets[&id].clone();
        for host in set.members.keys() {
            let waits = self.servers.get(host).is_some_and(|server| {
                server.running
                    && server.set_name() == Some(&set.name)
                    && server.data.set.is_none()
                    && server.listens(host)
                    && self.key_fits(&set, server)
            });
            let heard = set.primary.as_ref().is_some_and(|one| self.open(one, host));
            if waits && heard {
                let fresh = self.common.fresh();
                let data = &mut self.server(host).data;
                let mark = data.mark;
                *data = Directory {
                    id: fresh,
                    mark,
                    set: Some(id),
                    ..Directory::default()
                };
            }
        }
    }

    fn elect(&mut self, id: u64) {
        let (all, alive) = self.voters(id);
        let set = &self.sets[&id];
        let stays = set
            .primary
            .clone()
            .filter(|one| self.alive(id, one) && 2 * alive > all);
        let candidates = set.members.iter().filter(|(host, one)| {
            one.votes > 0
                && one.priority > 0
                && self.alive(id, host)
                && self.servers[*host].data.whole
        });
        let best = candidates.max_by_key(|(host, _)| self.servers[*host].data.position);
        let elected = best
            .map(|(host, _)| host.clone())
            .filter(|_| 2 * alive > all);
        let set = self.sets.get_mut(&id).unwrap();
        set.primary = stays.or(elected);
    }

    /// Copies that run come to their end.
    pub fn copies_end(&mut self) {
        let hosts: Vec<String> = self.servers.keys().cloned().collect();
        for host in hosts {
            self.copy_ends(&host);
        }
    }

    /// One does, where it can.
    pub fn copy_ends(&mut self, host: &str) {
        let Some(id) = self.set_of(host) else {
            return;
        };
        if self.alive(id, host) && self.sets[&id].primary.is_some() {
            let position = self.sets[&id].position;
            let data = &mut self.server(host).data;
            if !data.whole {
                data.whole = true;
                data.databases = true;
                data.position = position;
            }
        }
    }

    /// A host loses power and comes back.
    pub fn reboot(&mut self, machine: &str) {
        self.common.reboot(machine);
        if let Some(server) = self.servers.get_mut(machine) {
            server.running = false;
            if server.enabled {
                server.start();
            }
        }
        self.settle();
    }
}
