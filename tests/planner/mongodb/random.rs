//! Random sets, worlds and deeds of other people, from the tape of bytes that all engines' histories come from.

use std::collections::BTreeMap;

use replform::topology::{
    Bytes, Engine, Env, Hazard, Lag, Names, Replica, Replication, ServerId, Topology, Upstream,
};

use super::super::random::{Tape, complete, member, place};
use super::super::world::{Host, Job};
use super::world::{Directory, PORT, Server, Set, Wish, World};

/// A topology of up to two sets of one, three or five members, and up to two apps.
pub fn topology(tape: &mut Tape<'_>) -> Topology {
    let mut allow = BTreeMap::new();
    let allowed = tape.pick(8);
    for (hazard, no) in [(Hazard::Restart, 7), (Hazard::Expose, 6)] {
        if allowed != no {
            allow.insert(hazard, place(90));
        }
    }
    if (1..5).contains(&allowed) {
        allow.insert(Hazard::ReplaceData, place(90));
    }
    let replications = (0..=tape.pick(2)).map(|index| {
        let replicas = (0..[2, 2, 4, 0][tape.pick(4)]).map(|at| Replica {
            name: format!("r{at}"),
            member: member(
                &format!("10.0.{}.{at}", index + 1),
                &format!("db{index}{at}"),
                PORT,
                30 + at as u32,
            ),
            upstream: Upstream::Primary,
            max_rate: None,
            max_lag: None,
            account: None,
            place: place(30 + at as u32),
        });
        replication(index, replicas.collect(), &allow, tape)
    });
    complete(replications.collect())
}

fn replication(
    index: usize,
    replicas: Vec<Replica>,
    allow: &BTreeMap<Hazard, replform::topology::Place>,
    tape: &mut Tape<'_>,
) -> Replication {
    let app = |name: &str| ServerId {
        stack: "eu".to_owned(),
        name: name.to_owned(),
    };
    let targets: Vec<ServerId> = [app("web"), app("jobs")]
        .into_iter()
        .take(tape.pick(3))
        .collect();
    Replication {
        name: format!("x{index}"),
        engine: Engine("mongodb".to_owned()),
        version: None,
        primary: member(
            &format!("10.0.0.{index}"),
            &format!("main{index}"),
            PORT,
            20,
        ),
        replicas,
        tls: None,
        certificates: None,
        retain: tape.one_in(4).then_some(Bytes(2_000_000_000)),
        max_lag: Lag::Time(60_000),
        allow: allow.clone(),
        env: (!targets.is_empty()).then(|| Env {
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

/// A world as somebody may have it before replform comes.
pub fn world(tape: &mut Tape<'_>, topology: &Topology) -> World {
    let mut world = World::default();
    for id in topology.machines.keys() {
        world.common.hosts.insert(id.0.clone(), Host::default());
    }
    for replication in &topology.replications {
        let me = replication.primary.machine.0.clone();
        let logins = tape.pick(3);
        let server = persons(&mut world, logins);
        world.servers.insert(me.clone(), server);
        let by_hand = tape.one_in(3);
        if by_hand {
            let mut set = set_of_one(&mut world, &me, "hand");
            if tape.one_in(2) {
                elsewhere(&mut world, &mut set);
            }
            let id = world.servers[&me].data.set.unwrap();
            world.sets.insert(id, set);
        }
        for replica in &replication.replicas {
            let state = [0, 0, 1, 1, 2, 3, 4, 5, 6, 6][tape.pick(10)];
            replica_state(&mut world, &replica.member.machine.0, &me, by_hand, state);
        }
    }
    world.settle();
    world
}

/// A server with somebody's database; `logins`: none, apps log in, members do too.
fn persons(world: &mut World, logins: usize) -> Server {
    let id = world.common.fresh();
    let mut server = Server::packaged(id);
    server.data.precious = true;
    server.data.databases = true;
    server.enabled = true;
    let mut say = |name: &str, value: &str| server.file.insert(name.to_owned(), value.to_owned());
    if logins > 0 {
        say("security.authorization", "enabled");
    }
    if logins > 1 {
        say("security.keyFile", "/etc/mongod.key");
        server.key = Some(id);
    }
    server.start();
    server
}

/// The set that an administrator made of a server.
fn set_of_one(world: &mut World, me: &str, name: &str) -> Set {
    let id = world.common.fresh();
    let server = world.server(me);
    server
        .file
        .insert("replication.replSetName".to_owned(), name.to_owned());
    server
        .file
        .insert("net.bindIp".to_owned(), format!("127.0.0.1,{me}"));
    if server.file.contains_key("security.authorization") {
        server
            .file
            .insert("security.keyFile".to_owned(), "/etc/mongod.key".to_owned());
        server.key = Some(id);
    }
    server.start();
    server.data.set = Some(id);
    server.data.whole = true;
    let wish = Wish {
        votes: 1,
        priority: 3,
        ..Wish::default()
    };
    Set {
        name: name.to_owned(),
        members: [(me.to_owned(), wish)].into(),
        primary: Some(me.to_owned()),
        version: 1,
        position: 5,
        oldest: 0,
    }
}

/// A hidden member that no configuration knows, with other data than anybody's.
fn elsewhere(world: &mut World, set: &mut Set) {
    let id = set
        .members
        .keys()
        .next()
        .and_then(|me| world.set_of(me))
        .unwrap();
    let host = format!("10.9.9.{id}");
    world.common.hosts.insert(host.clone(), Host::default());
    let key = set
        .members
        .keys()
        .next()
        .map(|me| world.servers[me].clone())
        .unwrap();
    let mut server = Server {
        key: key.key,
        file: key.file,
        enabled: true,
        ..Server::default()
    };
    server
        .file
        .insert("net.bindIp".to_owned(), format!("127.0.0.1,{host}"));
    server.start();
    server.data = Directory {
        id: world.common.fresh(),
        databases: true,
        set: Some(id),
        whole: true,
        position: set.position,
        ..Directory::default()
    };
    world.servers.insert(host.clone(), server);
    let wish = Wish {
        hidden: true,
        ..Wish::default()
    };
    set.members.insert(host, wish);
}

/// What a replica's host is at first.
fn replica_state(world: &mut World, host: &str, primary: &str, by_hand: bool, state: usize) {
    let id = world.common.fresh();
    let server = match state {
        0 => return,
        // As the package leaves it; then started, and used by nobody.
        1 => Server::packaged(id),
        2 => {
            let mut server = Server::packaged(id);
            server.start();
            server
        }
        3 => persons(world, 0),
        4 => {
            let mut server = persons(world, 0);
            server.running = false;
            server
        }
        5 => {
            let server = persons(world, 0);
            world.servers.insert(host.to_owned(), server);
            let set = set_of_one(world, host, "other");
            let id = world.set_of(host).unwrap();
            world.sets.insert(id, set);
            return;
        }
        _ if by_hand => by_hand_member(world, host, primary, id),
        _ => return,
    };
    world.servers.insert(host.to_owned(), server);
}

/// A member that an administrator added.
fn by_hand_member(world: &mut World, host: &str, primary: &str, id: u64) -> Server {
    let own = world.servers[primary].clone();
    let set = own.data.set.unwrap();
    let mut server = Server {
        key: own.key,
        file: own.file,
        enabled: true,
        ..Server::default()
    };
    server
        .file
        .insert("net.bindIp".to_owned(), format!("127.0.0.1,{host}"));
    server.start();
    server.data = Directory {
        id,
        databases: true,
        set: Some(set),
        whole: true,
        position: 5,
        ..Directory::default()
    };
    let wish = Wish {
        votes: 1,
        priority: 1,
        ..Wish::default()
    };
    world
        .sets
        .get_mut(&set)
        .unwrap()
        .members
        .insert(host.to_owned(), wish);
    server
}

/// What other people, or fate, do between two runs.
pub fn deed(tape: &mut Tape<'_>, world: &mut World, topology: &Topology) {
    let kind = tape.pick(15);
    let machines: Vec<String> = topology.machines.keys().map(|id| id.0.clone()).collect();
    let machine = machines[tape.pick(machines.len())].clone();
    let host = world.common.hosts.get_mut(&machine).unwrap();
    match kind {
        0 => host.markers.clear(),
        1 => world.reboot(&machine),
        2 => {
            host.unreachable = match host.unreachable {
                Some(_) => None,
                None => Some("connection refused".to_owned()),
            };
        }
        3 => {
            let way = format!("{machine} {}", topology.replications[0].primary.address);
            if !world.common.closed.remove(&way) {
                world.common.closed.insert(way);
            }
        }
        4 => host.env.values_mut().for_each(|file| {
            file.blocks
                .values_mut()
                .for_each(|lines| lines.push("EDITED=1".to_owned()));
        }),
        // Copies go on by themselves, and with them the jobs that wait for them.
        5 | 6 => {
            world.copies_end();
            world.settle();
            let jobs = world
                .common
                .hosts
                .values_mut()
                .flat_map(|host| host.jobs.values_mut());
            jobs.filter(|job| **job == Job::Running)
                .for_each(|job| *job = Job::Ended);
        }
        _ => member_deed(world, topology, kind, &machine, tape),
    }
    world.settle();
}

fn member_deed(
    world: &mut World,
    topology: &Topology,
    kind: usize,
    machine: &str,
    tape: &mut Tape<'_>,
) {
    let primary = topology
        .replications
        .iter()
        .any(|one| one.primary.machine.0 == machine);
    let id = world.set_of(machine);
    let fresh = world.common.fresh();
    match (kind, id) {
        // Somebody stops a server.
        (7, _) if !primary => {
            if let Some(server) = world.servers.get_mut(machine) {
                server.running = false;
            }
        }
        // A primary steps down, and another member wins.
        (8, Some(id)) => {
            let set = &world.sets[&id];
            let others = set.members.iter().filter(|(host, one)| {
                Some(*host) != set.primary.as_ref()
                    && one.priority > 0
                    && one.votes > 0
                    && world.alive(id, host)
                    && world.servers[*host].data.whole
            });
            let others: Vec<String> = others.map(|(host, _)| host.clone()).collect();
            if !others.is_empty() {
                let next = others[tape.pick(others.len())].clone();
                world.sets.get_mut(&id).unwrap().primary = Some(next);
            }
        }
        // A member was down for long: the oplog has gone past it.
        (9, Some(id)) if world.sets[&id].primary.as_deref() != Some(machine) => {
            let set = world.sets.get_mut(&id).unwrap();
            set.oldest = set.position + 1;
            set.position += 2;
            if let Some(primary) = set.primary.clone() {
                let position = set.position;
                world.server(&primary).data.position = position;
                let hosts: Vec<String> = world.sets[&id]
                    .members
                    .keys()
                    .filter(|host| *host != machine)
                    .cloned()
                    .collect();
                for host in &hosts {
                    if world.alive(id, host) && world.servers[host].data.whole {
                        world.server(host).data.position = position;
                    }
                }
            }
        }
        // Somebody takes a member out.
        (10, Some(id)) if world.sets[&id].primary.as_deref() != Some(machine) => {
            let set = world.sets.get_mut(&id).unwrap();
            set.version += 1;
            set.members.remove(machine);
        }
        // Somebody uses an empty server.
        (11, None) if !primary => {
            if let Some(server) = world
                .servers
                .get_mut(machine)
                .filter(|one| one.running && one.set_name().is_none())
            {
                server.data.databases = true;
                server.data.precious = true;
            }
        }
        // Somebody puts a server of his own there.
        (12, None) if !primary && !world.servers.contains_key(machine) => {
            let server = persons(world, 0);
            world.servers.insert(machine.to_owned(), server);
        }
        // Somebody has a preference.
        (13, Some(id)) => {
            if let Some(wish) = world.sets.get_mut(&id).unwrap().members.get_mut(machine)
                && wish.votes > 0
            {
                wish.priority = 2 + fresh % 5;
            }
        }
        _ => {}
    }
}
