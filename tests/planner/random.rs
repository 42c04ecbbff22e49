//! Random topologies, worlds and deeds of other people, all chosen from one tape of bytes that proptest can shrink.

use std::collections::{BTreeMap, BTreeSet};

use replform::topology::{
    App, Engine, Env as EnvWish, Former, Hazard, InstanceWish, Lag, Machine, MachineId, Member,
    Names, Place, Replica, Replication, Server, ServerId, Ssh, Tls, Topology, Upstream,
};

use super::world::{Cluster, Directory, Host, Job, World};

/// Choices, one after the other; zeros when it is used up.
pub struct Tape<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Tape<'a> {
    /// From the start.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// A number below `n`.
    pub fn pick(&mut self, n: usize) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(byte) % n.max(1)
    }

    /// One in `n`.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.pick(n) == n - 1
    }
}

pub fn place(line: u32) -> Place {
    Place {
        file: "main.rf.hcl".to_owned(),
        line,
        column: 1,
    }
}

/// A member on its own machine.
pub fn member(address: &str, label: &str, port: u16, line: u32) -> Member {
    Member {
        server: ServerId {
            stack: "eu".to_owned(),
            name: label.to_owned(),
        },
        machine: MachineId(address.to_owned()),
        address: address.to_owned(),
        public_address: address.to_owned(),
        instance: InstanceWish {
            port,
            data_directory: None,
            admin: None,
        },
        place: place(line),
    }
}

/// A topology of up to three replications with up to four replicas each, some on one host, and up to two apps.
pub fn topology(tape: &mut Tape<'_>) -> Topology {
    let mut allow = BTreeMap::new();
    let allowed = tape.pick(8);
    if allowed != 7 {
        allow.insert(Hazard::Restart, place(90));
    }
    if (1..5).contains(&allowed) {
        allow.insert(Hazard::ReplaceData, place(90));
    }
    let mut ports: BTreeMap<usize, u16> = BTreeMap::new();
    let replications = (0..=tape.pick(3))
        .map(|index| {
            let mut hosts: Vec<usize> = Vec::new();
            let replicas = (0..tape.pick(5))
                .map(|at| {
                    let host = tape.pick(5);
                    let port = ports.entry(host).or_insert(5431);
                    *port += 1;
                    let upstream = match at {
                        0 => Upstream::Primary,
                        at => cascade(tape.pick(2 + at), at),
                    };
                    hosts.push(host);
                    // Between stacks a replica reads from the primary.
                    let upstream = match upstream {
                        Upstream::Replica(name)
                            if host > 2
                                || name[1..].parse().is_ok_and(|at: usize| hosts[at] > 2) =>
                        {
                            Upstream::Primary
                        }
                        upstream => upstream,
                    };
                    Replica {
                        name: format!("r{at}"),
                        member: {
                            let address = format!("10.0.1.{host}");
                            let mut member =
                                member(&address, &format!("db{host}"), *port, 30 + at as u32);
                            // Two of the hosts stand in another stack.
                            if host > 2 {
                                member.server.stack = "us".to_owned();
                            }
                            member
                        },
                        upstream,
                        max_rate: None,
                        max_lag: None,
                        account: None,
                        place: place(30 + at as u32),
                    }
                })
                .collect();
            let mut replication = replication(index, replicas, &allow, tape.pick(4));
            replication.tls = [None, None, Some(Tls::Verify), Some(Tls::Off)][tape.pick(4)];
            replication
        })
        .collect();
    complete(replications)
}

/// Half of the replicas read from the primary, the others from one before them.
fn cascade(pick: usize, at: usize) -> Upstream {
    match pick.checked_sub(2) {
        Some(before) if before < at => Upstream::Replica(format!("r{before}")),
        _ => Upstream::Primary,
    }
}

/// Another upstream for a replica, such that none reads from itself: repointed.
pub fn repoint(tape: &mut Tape<'_>, topology: &mut Topology) {
    let many = topology.replications.len();
    let replicas = &mut topology.replications[tape.pick(many)].replicas;
    if replicas.len() < 2 {
        return;
    }
    let at = 1 + tape.pick(replicas.len() - 1);
    let upstream = cascade(tape.pick(2 + at), at);
    let far = |replica: &Replica| replica.member.server.stack == "us";
    let crosses = match &upstream {
        Upstream::Primary => false,
        Upstream::Replica(name) => {
            far(&replicas[at]) || replicas.iter().any(|one| one.name == *name && far(one))
        }
    };
    if !crosses {
        replicas[at].upstream = upstream;
    }
}

/// A replication of these replicas, with so many apps.
pub fn replication(
    index: usize,
    replicas: Vec<Replica>,
    allow: &BTreeMap<Hazard, Place>,
    apps: usize,
) -> Replication {
    let app = |name: &str| ServerId {
        stack: "eu".to_owned(),
        name: name.to_owned(),
    };
    let targets: Vec<ServerId> = [app("web"), app("jobs")]
        .into_iter()
        .take(apps.min(2))
        .collect();
    Replication {
        name: format!("x{index}"),
        engine: Engine("postgresql".to_owned()),
        version: None,
        primary: member(
            &format!("10.0.0.{index}"),
            &format!("main{index}"),
            5432,
            20,
        ),
        replicas,
        tls: None,
        certificates: None,
        retain: None,
        max_lag: Lag::Time(60_000),
        allow: allow.clone(),
        env: (!targets.is_empty()).then(|| EnvWish {
            targets,
            prefix: format!("X{index}"),
            names: Names::Replica,
            variables: BTreeMap::new(),
            place: place(50),
        }),
        place: place(10),
        primary_place: place(20),
        allow_place: place(90),
        arbiter: None,
    }
}

/// The machines, servers and apps that the replications name.
pub fn complete(replications: Vec<Replication>) -> Topology {
    let mut servers: Vec<Server> = Vec::new();
    for replication in &replications {
        for (_, member) in replication.members() {
            if !servers.iter().any(|server| server.id == member.server) {
                servers.push(Server {
                    id: member.server.clone(),
                    machine: member.machine.clone(),
                    address: member.address.clone(),
                    public_address: member.public_address.clone(),
                    place: place(2),
                });
            }
        }
    }
    let apps: Vec<App> = [
        ("web", vec!["10.0.2.1", "10.0.2.2"], Some("reload")),
        ("jobs", vec!["10.0.2.3"], None),
    ]
    .into_iter()
    .map(|(name, machines, on_change)| App {
        id: ServerId {
            stack: "eu".to_owned(),
            name: name.to_owned(),
        },
        machines: machines
            .into_iter()
            .map(|one| MachineId(one.to_owned()))
            .collect(),
        env_file: "/etc/acme/database.env".to_owned(),
        on_change: on_change.map(str::to_owned),
        place: place(5),
    })
    .collect();
    let ids: BTreeSet<(MachineId, String)> = servers
        .iter()
        .map(|server| (server.machine.clone(), server.id.to_string()))
        .chain(apps.iter().flat_map(|app| {
            app.machines
                .iter()
                .map(|id| (id.clone(), app.id.to_string()))
        }))
        .collect();
    Topology {
        name: "acme".to_owned(),
        machines: ids
            .into_iter()
            .map(|(id, label)| {
                (
                    id.clone(),
                    Machine {
                        ssh: Ssh {
                            host: id.0.clone(),
                            ..Ssh::default()
                        },
                        id,
                        label,
                    },
                )
            })
            .collect(),
        servers,
        apps,
        replications,
        ssh: Ssh::default(),
        removed: std::collections::BTreeSet::new(),
        former: Former::default(),
    }
}

/// A world as somebody may have it before replform comes.
pub fn world(tape: &mut Tape<'_>, topology: &Topology) -> World {
    let mut world = World::default();
    for id in topology.machines.keys() {
        world.hosts.insert(id.0.clone(), Host::default());
    }
    for replication in &topology.replications {
        let primary = primary(&mut world, tape, &replication.primary.address);
        let at = replication.primary.machine.0.clone();
        let set = primary.data.as_ref().unwrap().clone();
        let host = world.hosts.get_mut(&at).unwrap();
        host.installed = true;
        host.clusters.insert(5432, primary);
        for replica in &replication.replicas {
            let state = [0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 0, 2][tape.pick(12)];
            replica_state(&mut world, &replica.member, &at, &set, state);
        }
    }
    world
}

fn primary(world: &mut World, tape: &mut Tape<'_>, address: &str) -> Cluster {
    let data = Directory {
        id: world.fresh(),
        set: world.fresh(),
        precious: true,
        ..Directory::default()
    };
    let mut cluster = Cluster {
        data: Some(data),
        running: true,
        auto: true,
        ..Cluster::default()
    };
    let listens = match tape.pick(3) {
        0 => "localhost".to_owned(),
        1 => format!("localhost, {address}"),
        _ => "*".to_owned(),
    };
    cluster
        .in_force
        .insert("listen_addresses".to_owned(), listens);
    if tape.one_in(5) {
        cluster.foreign_slots.insert("other".to_owned());
    }
    if tape.one_in(5) {
        cluster
            .in_force
            .insert("max_wal_senders".to_owned(), "1".to_owned());
    }
    cluster
}

/// What a replica's instance is at first.
fn replica_state(
    world: &mut World,
    member: &Member,
    upstream: &str,
    set: &Directory,
    state: usize,
) {
    let (id, own) = (world.fresh(), world.fresh());
    let port = member.instance.port;
    let mut cluster = Cluster {
        name: format!("15/c{port}"),
        auto: true,
        running: state % 2 == 1,
        ..Cluster::default()
    };
    cluster.data = Some(match state {
        0 | 1 => return,
        2 | 3 => Directory {
            id,
            set: own,
            empty: true,
            bytes: 40_000_000,
            ..Directory::default()
        },
        4 | 5 => Directory {
            id,
            set: own,
            precious: true,
            ..Directory::default()
        },
        // Set up by hand: a standby of this primary.
        _ => {
            let slot = format!("hand_{}", id);
            let listens = &mut world
                .hosts
                .get_mut(upstream)
                .unwrap()
                .clusters
                .get_mut(&5432)
                .unwrap();
            listens
                .in_force
                .insert("listen_addresses".to_owned(), "*".to_owned());
            listens.foreign_slots.insert(slot.clone());
            cluster.in_force.insert(
                "primary_conninfo".to_owned(),
                format!("host={upstream} port=5432"),
            );
            cluster
                .in_force
                .insert("primary_slot_name".to_owned(), slot);
            Directory {
                id,
                standby: true,
                precious: false,
                ..set.clone()
            }
        }
    });
    cluster.running |= state >= 6;
    let host = world.hosts.get_mut(&member.machine.0).unwrap();
    host.installed = true;
    host.clusters.insert(port, cluster);
}

/// What other people, or fate, do between two runs.
pub fn deed(tape: &mut Tape<'_>, world: &mut World, topology: &Topology) {
    let kind = tape.pick(18);
    let machines: Vec<String> = world.hosts.keys().cloned().collect();
    let machine = machines[tape.pick(machines.len())].clone();
    match kind {
        0 => {
            world.hosts.get_mut(&machine).unwrap().markers.clear();
        }
        1 => world.reboot(&machine),
        2 => {
            let host = world.hosts.get_mut(&machine).unwrap();
            host.unreachable = match host.unreachable {
                Some(_) => None,
                None => Some("connection refused".to_owned()),
            };
        }
        3 => {
            let to = topology.replications[0].primary.address.clone();
            let way = format!("{machine} {to}");
            if !world.closed.remove(&way) {
                world.closed.insert(way);
            }
        }
        4 => {
            for file in world.hosts.get_mut(&machine).unwrap().env.values_mut() {
                file.blocks
                    .values_mut()
                    .for_each(|lines| lines.push("EDITED=1".to_owned()));
            }
        }
        // Certificates are lost, the authority with them; or another took their place.
        16 => world.hosts.get_mut(&machine).unwrap().tls.clear(),
        17 => {
            for files in world.hosts.get_mut(&machine).unwrap().tls.values_mut() {
                files.certificate = Some(Default::default());
            }
        }
        // A job that its client left ends by itself.
        13 => {
            for host in world.hosts.values_mut() {
                let ends = host.jobs.values().any(|job| *job == Job::Running);
                host.jobs.values_mut().for_each(|job| *job = Job::Ended);
                let copies = host
                    .clusters
                    .values_mut()
                    .filter_map(|one| one.copy.as_mut());
                copies
                    .filter(|_| ends)
                    .for_each(|copy| copy.verified = true);
            }
        }
        _ => cluster_deed(tape, world, topology, kind),
    }
}

fn cluster_deed(tape: &mut Tape<'_>, world: &mut World, topology: &Topology, kind: usize) {
    let members: Vec<(String, u16, bool)> = topology
        .replications
        .iter()
        .flat_map(|replication| {
            replication
                .members()
                .map(|(id, member)| {
                    (
                        member.machine.0.clone(),
                        member.instance.port,
                        id == replform::topology::MemberId::Primary,
                    )
                })
                .collect::<Vec<_>>()
        })
        .collect();
    let (machine, port, primary) = members[tape.pick(members.len())].clone();
    let (id, set) = (world.fresh(), world.fresh());
    let Some(host) = world.hosts.get_mut(&machine) else {
        return;
    };
    let Some(cluster) = host.clusters.get_mut(&port) else {
        // Somebody installs a server with a database of his own where replform saw nothing.
        if kind == 11 && !primary {
            host.installed = true;
            host.clusters.insert(port, persons(port, id, set));
        }
        return;
    };
    match kind {
        5 if !primary => cluster.running = false,
        6 => cluster.slots.clear(),
        // The log is recycled: what nobody reads now is lost, and a copy that ran can't end.
        7 if primary => {
            cluster.slots.values_mut().for_each(|good| *good = false);
            if let Some(data) = &mut cluster.data {
                data.oldest = data.position + 1;
                data.position += 2;
            }
            let jobs = world
                .hosts
                .values_mut()
                .flat_map(|host| host.jobs.values_mut());
            jobs.filter(|job| **job == Job::Running)
                .for_each(|job| *job = Job::Unknown);
        }
        8 => cluster
            .roles
            .values_mut()
            .for_each(|password| *password += 1),
        // Somebody uses an empty server.
        9 if !primary => {
            if let Some(data) = cluster.data.as_mut().filter(|data| data.empty) {
                data.empty = false;
                data.precious = true;
            }
        }
        // Somebody removes our half copy, and the password with it.
        14 => {
            cluster.copy = None;
            cluster.passfile = None;
        }
        // The replica was down for long.
        15 if !primary => {
            cluster.running = false;
            if let Some(data) = cluster.data.as_mut().filter(|data| data.standby) {
                data.position = 0;
            }
        }
        // Somebody promotes a replica.
        10 if !primary => {
            if let Some(data) = cluster
                .data
                .as_mut()
                .filter(|data| data.standby && cluster.running)
            {
                data.standby = false;
                data.precious = true;
                data.timeline = 2;
            }
        }
        // Somebody puts a database of his own there.
        11 if !primary && cluster.data.as_ref().is_some_and(|data| !data.precious) => {
            cluster.data = Some(Directory {
                id,
                set,
                precious: true,
                ..Directory::default()
            });
            cluster.running = true;
        }
        12 => {
            cluster.in_force.remove("max_slot_wal_keep_size");
            cluster.drop_in.remove("max_slot_wal_keep_size");
        }
        _ => {}
    }
}

/// A server that runs with somebody's own database.
fn persons(port: u16, id: u64, set: u64) -> Cluster {
    Cluster {
        name: format!("15/c{port}"),
        data: Some(Directory {
            id,
            set,
            precious: true,
            ..Directory::default()
        }),
        running: true,
        auto: true,
        ..Cluster::default()
    }
}
