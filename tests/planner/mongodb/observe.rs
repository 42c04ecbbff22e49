//! What the probe would print of a model world; the product's own decoding reads it.

use replform::engines::mongodb::decode;
use replform::observe::{
    MachineObservation, OBSERVATION_FORMAT, Observation, Reach, reach_key, requests,
};
use replform::topology::Topology;
use serde_json::{Value, json};

use super::super::observe::machine;
use super::world::{PORT, Server, World};

const UNIT: &str = "mongod.service";

/// The observation of all machines of a topology.
pub fn observe(world: &World, topology: &Topology) -> Observation {
    let machines = requests(topology)
        .into_iter()
        .map(|(id, request)| {
            let mut seen = machine(&world.common, &id, &request);
            if let MachineObservation::Reached(facts) = &mut seen {
                let ports: Vec<u16> = request
                    .engines
                    .get("mongodb")
                    .into_iter()
                    .flatten()
                    .copied()
                    .collect();
                facts.instances = decode(&probe(world, &id.0), &ports)
                    .unwrap()
                    .into_iter()
                    .map(|(key, instance)| (key, Box::new(instance)))
                    .collect();
                facts.reach = request
                    .reach
                    .iter()
                    .map(|(address, port)| {
                        (reach_key(address, *port), reach(world, &id.0, address))
                    })
                    .collect();
            }
            (id, seen)
        })
        .collect();
    Observation {
        format_version: OBSERVATION_FORMAT.to_owned(),
        replform: "0.1.0".to_owned(),
        topology: topology.name.clone(),
        observed_at: "2026-11-24T08:00:00Z".to_owned(),
        machines,
    }
}

fn reach(world: &World, from: &str, address: &str) -> Reach {
    let listens = world
        .servers
        .get(address)
        .is_some_and(|server| server.listens(address));
    match (world.common.open(from, address), listens) {
        (false, _) => Reach::TimedOut,
        (true, true) => Reach::Open,
        (true, false) => Reach::Refused,
    }
}

/// What the probe prints of a host.
fn probe(world: &World, machine: &str) -> String {
    let Some(server) = world.servers.get(machine) else {
        return "hugepages madvise\ncandidate mongodb-org-server 6.0.5\nend\n".to_owned();
    };
    let mut lines = vec!["package mongodb-org-server 6.0.5 installed".to_owned()];
    if server.running {
        lines.push(format!("listening {PORT}"));
    }
    lines.push(format!("unit {UNIT} {PORT}"));
    let mut say = |kind: &str, rest: String| lines.push(format!("{kind} {UNIT} {rest}"));
    say("set", "config /etc/mongod.conf".to_owned());
    say("set", "storage.dbPath /var/lib/mongodb".to_owned());
    for (name, value) in &server.file {
        say("set", format!("{name} {value}"));
    }
    let (active, pid) = if server.running {
        ("active", 264)
    } else {
        ("inactive", 0)
    };
    for line in [
        format!("MainPID={pid}"),
        format!("ActiveState={active}"),
        "Result=success".to_owned(),
        format!(
            "UnitFileState={}",
            if server.enabled {
                "enabled"
            } else {
                "disabled"
            }
        ),
    ] {
        say("state", line);
    }
    say("user", "mongodb mongodb".to_owned());
    say("binary", "6.0.5".to_owned());
    if server.file.contains_key("security.keyFile") {
        say(
            "key",
            server
                .key
                .map_or("missing".to_owned(), |_| "400 mongodb 1025".to_owned()),
        );
    }
    let free = world.common.hosts[machine].disk_free;
    say("disk", format!("100000000000 {free} /"));
    for one in &server.aside {
        say(
            "aside",
            format!("200000000 /var/lib/mongodb.replform-{}", one.id),
        );
    }
    match (server.data.bare, server.data.mark) {
        (true, false) => say("content", "none".to_owned()),
        (_, true) => say("content", "new".to_owned()),
        _ => {}
    }
    say("size", format!("{}", 314_000_000 + server.data.position));
    say("journal", "300000000".to_owned());
    if server.running {
        for (kind, rest) in answers(world, machine, server) {
            say(kind, rest);
        }
    }
    lines.push("end\n".to_owned());
    lines.join("\n")
}

/// What its server answers.
fn answers(world: &World, machine: &str, server: &Server) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    let locked = server.logins() && server.key_in_force.is_none();
    let mut say = |name: &str, answer: Result<Value, &str>| {
        all.push(match answer {
            _ if locked && name != "hello" => (
                "asked",
                format!("{name} Unauthorized: it requires authentication"),
            ),
            Ok(answer) => ("ask", format!("{name} {answer}")),
            Err(why) => ("asked", format!("{name} {why}")),
        });
    };
    let id = server.data.set;
    let set = id.and_then(|id| world.sets.get(&id));
    let listed = set.is_some_and(|set| set.members.contains_key(machine));
    let (standalone, waits) = (server.set_name().is_none(), !listed);
    let me = format!("{machine}:{PORT}");
    let primary = set
        .and_then(|set| set.primary.as_ref())
        .map(|host| format!("{host}:{PORT}"));
    let own = primary.as_ref() == Some(&me) && world.writable(machine);
    let state = if standalone || waits {
        0
    } else if own {
        1
    } else if !server.data.whole {
        5
    } else if set.is_some_and(|set| server.data.position < set.oldest) {
        3
    } else {
        2
    };
    say(
        "hello",
        Ok(if standalone {
            json!({ "isWritablePrimary": true, "secondary": false, "ok": 1 })
        } else if waits {
            json!({ "isWritablePrimary": false, "secondary": false, "isreplicaset": true, "ok": 1 })
        } else {
            json!({ "setName": set.unwrap().name, "me": me, "primary": primary, "isWritablePrimary": own, "secondary": state == 2,
            "lastWrite": { "opTime": { "ts": [1_795_000_000 + server.data.position, 1], "t": 1 } }, "ok": 1 })
        }),
    );
    say("build", Ok(json!({ "version": "6.0.5" })));
    say(
        "options",
        Ok(json!({ "net": { "bindIp": server.in_force["net.bindIp"] } })),
    );
    let readable = standalone || matches!(state, 1 | 2);
    let databases = if server.data.databases {
        json!([["shop", 200_000_000 + server.data.position]])
    } else {
        json!([])
    };
    say(
        "databases",
        if readable {
            Ok(databases)
        } else {
            Err("NotPrimaryOrSecondary: node is not in primary or recovering state")
        },
    );
    say(
        "made",
        if readable || waits {
            Ok(json!([0, u64::from(server.data.databases)]))
        } else {
            Err("NotPrimaryOrSecondary: no")
        },
    );
    if standalone {
        return all;
    }
    let Some((id, set)) = id.zip(set) else {
        for name in ["status", "config"] {
            say(
                name,
                Err("NotYetInitialized: no replset config has been received"),
            );
        }
        return all;
    };
    say(
        "status",
        if listed {
            Ok(status(world, machine, id, state))
        } else {
            Err(
                "InvalidReplicaSetConfig: Our replica set config is invalid or we are not a member of it",
            )
        },
    );
    let members = set.members.iter().map(|(host, one)| {
        let tags = if one.joining { json!({ "replform": "joining" }) } else { json!({}) };
        json!({ "host": format!("{host}:{PORT}"), "votes": one.votes, "priority": one.priority, "hidden": one.hidden, "tags": tags })
    });
    say(
        "config",
        Ok(
            json!({ "_id": set.name, "version": set.version, "members": members.collect::<Vec<_>>(),
        "settings": { "replicaSetId": format!("{id:024x}") } }),
        ),
    );
    let seconds = |position: u64| 1_795_000_000 + position;
    say(
        "oplog",
        if state == 5 {
            Err("NotPrimaryOrSecondary: no")
        } else {
            Ok(json!([
                3_000_000_000_u64,
                300_000,
                [seconds(set.oldest), 1],
                [seconds(server.data.position), 1]
            ]))
        },
    );
    say(
        "concern",
        Ok(json!({ "defaultWriteConcern": { "w": "majority" } })),
    );
    all
}

/// `replSetGetStatus`.
fn status(world: &World, machine: &str, id: u64, state: u64) -> Value {
    let set = &world.sets[&id];
    let members: Vec<Value> = set
        .members
        .keys()
        .map(|host| {
            let alive = world.alive(id, host);
            let word = match (alive, set.primary.as_ref() == Some(host)) {
                (false, _) => "(not reachable/healthy)",
                (true, true) => "PRIMARY",
                (true, false) if world.servers[host].data.whole => "SECONDARY",
                (true, false) => "STARTUP2",
            };
            let position = world.servers.get(host).map_or(0, |server| server.data.position);
            json!({ "name": format!("{host}:{PORT}"), "health": u64::from(alive), "stateStr": word, "self": host == machine,
                "optimeDate": (1_795_000_000 + position) * 1000 })
        })
        .collect();
    let copy = (state == 5).then(|| json!({ "approxTotalDataSize": 200_000_000, "approxTotalBytesCopied": 1, "failedInitialSyncAttempts": 0 }));
    json!({ "myState": state, "term": 1, "members": members, "initialSyncStatus": copy })
}
