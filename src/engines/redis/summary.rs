//! From one instance's facts to what all engines have in common: state, role, place in history, data, links. Pure.

use super::decode::Found;
use super::facts::RedisFacts;
use super::release;
use crate::observe::{
    Data, Downstream, Instance, Manager, Position, Role, ServerState, Streaming, UpstreamSeen,
};
use crate::topology::Bytes;

/// An instance of which nothing more is known than `server` says.
pub(super) fn bare(port: u16, server: ServerState, facts: &RedisFacts) -> Instance {
    Instance {
        engine: "redis".to_owned(),
        port,
        server,
        version: None,
        installable: Vec::new(),
        role: None,
        manager: facts.managers.first().cloned(),
        // A data set has no name of its own; its histories are in the position and the facts.
        identity: None,
        position: None,
        data: None,
        set_aside: Vec::new(),
        upstream: None,
        downstreams: Vec::new(),
        details: details(facts).into(),
    }
}

/// The facts as JSON without those that say nothing: what is missing is read back as its default.
pub(super) fn details(facts: &RedisFacts) -> serde_json::Value {
    // A struct of strings, numbers and maps with text keys has a JSON form.
    let (mut value, default) = (
        serde_json::to_value(facts).unwrap_or_default(),
        serde_json::to_value(RedisFacts::default()).unwrap_or_default(),
    );
    if let Some(map) = value.as_object_mut() {
        map.retain(|name, value| default.get(name) != Some(value));
    }
    value
}

/// The instance; `package` is the version of its installed package.
pub(super) fn of_instance(port: u16, mut found: Found, package: Option<&str>) -> Instance {
    complete(&mut found.facts);
    let server = server_state(&found.facts, package.is_some());
    let role = role(&found.facts);
    let mut instance = bare(port, server, &found.facts);
    instance.version = found
        .facts
        .info("valkey_version")
        .or_else(|| found.facts.info("redis_version"))
        .map(str::to_owned)
        .or_else(|| package.map(upstream_version));
    instance.role = role;
    instance.position = position(&found.facts, role);
    instance.data = data(&found, &instance.server, role);
    instance.upstream = upstream(&found.facts, &instance.server, role);
    instance.downstreams = downstreams(&found.facts);
    instance.set_aside = found.set_aside;
    instance
}

/// `7.0.15` of `5:7.0.15-1~deb12u7`, `8.1.1` of `8.1.1+dfsg1-3`.
fn upstream_version(package: &str) -> String {
    let version = package.split_once(':').map_or(package, |(_, rest)| rest);
    version
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .next()
        .unwrap_or(version)
        .to_owned()
}

/// Facts that follow from several lines.
fn complete(facts: &mut RedisFacts) {
    if facts.info("cluster_enabled") == Some("1")
        || facts.setting("cluster-enabled") == Some("yes")
        || facts.info("redis_mode") == Some("cluster")
    {
        facts.managers.push(Manager {
            name: format!("{} Cluster", facts.kind.unwrap_or_default().title()),
            evidence: "cluster-enabled yes: it replicates and fails over by itself".to_owned(),
        });
    }
    if facts.info("redis_mode") == Some("sentinel") {
        facts.managers.push(Manager {
            name: "Sentinel".to_owned(),
            evidence: "the server on this port is a Sentinel".to_owned(),
        });
    }
}

fn server_state(facts: &RedisFacts, installed: bool) -> ServerState {
    let unknown = |why: String| ServerState::Unknown { why };
    let active = facts.unit.active.as_str();
    let said = facts.ping.last().map_or("", String::as_str);
    if facts.complete {
        return if facts.unit.pid == 0 {
            unknown(format!("it runs, but not by its unit {}", facts.unit_name))
        } else {
            ServerState::Running
        };
    }
    if said.starts_with("LOADING") {
        return ServerState::Starting;
    }
    match active {
        "inactive" | "failed" if facts.listening => unknown(format!(
            "something that isn't its unit {} listens on its port",
            facts.unit_name
        )),
        "inactive" | "failed" if !installed => ServerState::NotInstalled,
        "inactive" => ServerState::Stopped { clean: true },
        "failed" => ServerState::Stopped { clean: false },
        _ if facts.unit.sub == "auto-restart" => unknown(format!(
            "it fails and is started again and again ({} times)",
            facts.unit.restarts
        )),
        _ => unknown(no_answer(facts)),
    }
}

/// Why a server that runs gave no full answer.
fn no_answer(facts: &RedisFacts) -> String {
    let Some(said) = facts.ping.last() else {
        return "no answer in 4 s".to_owned();
    };
    if said.starts_with("NOAUTH") || facts.ping.iter().any(|line| line.contains("WRONGPASS")) {
        return format!(
            "it asks for a password that doesn't stand in {} (requirepass), where root reads it",
            facts.conf
        );
    }
    if said == "PONG" {
        return "it answered in part only".to_owned();
    }
    format!("it answered: {said}")
}

fn role(facts: &RedisFacts) -> Option<Role> {
    match facts.info("role") {
        Some("master") => Some(Role::Primary),
        Some("slave") => Some(Role::Replica),
        Some(_) => None,
        None if configured_upstream(facts).is_some() => Some(Role::Replica),
        None if facts.unit.active == "inactive" || facts.unit.active == "failed" => {
            Some(Role::Primary)
        }
        None => None,
    }
}

/// `replicaof HOST PORT` of the configuration.
fn configured_upstream(facts: &RedisFacts) -> Option<(String, u16)> {
    let (host, port) = facts.directives.get("replicaof")?.split_once(' ')?;
    Some((host.to_owned(), port.trim().parse().ok()?))
}

/// The last place written, or on a replica applied; of a stopped server its dump's.
fn position(facts: &RedisFacts, role: Option<Role>) -> Option<Position> {
    let at = |history: &str, offset: u64| Position {
        history: history.to_owned(),
        text: offset.to_string(),
        offset: Some(offset),
    };
    if let Some(history) = facts.info("master_replid") {
        let field = match role {
            Some(Role::Replica) => "slave_repl_offset",
            _ => "master_repl_offset",
        };
        return Some(at(history, facts.number(field)?));
    }
    let dump = facts.dump.as_ref()?;
    Some(at(dump.replication_id.as_deref()?, dump.offset?))
}

fn data(found: &Found, server: &ServerState, role: Option<Role>) -> Option<Data> {
    if found.directory.is_empty() {
        return None;
    }
    let bytes = Bytes(found.data_bytes.unwrap_or(0));
    let (size, free) = found.disk.unwrap_or((0, 0));
    Some(Data {
        directory: found.directory.clone(),
        bytes,
        disk_size: Bytes(size),
        disk_free: Bytes(free),
        empty: is_empty(&found.facts, server, role),
        databases: Vec::new(),
        copy_bytes: copy_bytes(&found.facts).map_or(bytes, Bytes),
    })
}

/// What a dump would take: the last one, grown as the memory did since, at most what the data takes in memory.
fn copy_bytes(facts: &RedisFacts) -> Option<u64> {
    let most = facts.number("used_memory_dataset")?;
    let now = facts.number("used_memory")?;
    let last = facts.dump.as_ref().and_then(|dump| {
        let then = dump.used_memory.filter(|then| *then > 0)?;
        Some((dump.bytes as f64 * now as f64 / then as f64) as u64)
    });
    Some(last.map_or(most, |last| last.min(most)))
}

/// Whether it is certain that no person put anything there.
fn is_empty(facts: &RedisFacts, server: &ServerState, role: Option<Role>) -> bool {
    match server {
        // A server that runs may hold everything in memory only.
        ServerState::Stopped { .. } if facts.missing.is_some() => true,
        ServerState::Running => facts.keys() == Some(0),
        ServerState::Stopped { .. }
            if role == Some(Role::Primary) || role == Some(Role::Replica) =>
        {
            !facts.append_only_file
                && facts.other_dumps.is_empty()
                && facts
                    .dump
                    .as_ref()
                    .is_none_or(|dump| dump.empty == Some(true))
        }
        _ => false,
    }
}

fn upstream(facts: &RedisFacts, server: &ServerState, role: Option<Role>) -> Option<UpstreamSeen> {
    if role != Some(Role::Replica) {
        return None;
    }
    let seen = facts
        .info("master_host")
        .map(str::to_owned)
        .zip(facts.info("master_port").and_then(|port| port.parse().ok()));
    let (host, port) = seen.or_else(|| configured_upstream(facts))?;
    let streaming = match server {
        ServerState::Running => streaming(facts),
        ServerState::Starting => Streaming::CatchingUp,
        _ => Streaming::No {
            why: "the server doesn't run or doesn't answer".to_owned(),
        },
    };
    Some(UpstreamSeen {
        host,
        port,
        lag_seconds: lag_seconds(facts, &streaming),
        streaming,
    })
}

fn streaming(facts: &RedisFacts) -> Streaming {
    if facts.number("master_sync_in_progress") == Some(1) {
        return Streaming::CatchingUp;
    }
    if facts.info("master_link_status") == Some("up") {
        return match facts.number("master_last_io_seconds_ago") {
            // The upstream sends a PING each 10 s.
            Some(silent) if silent > 30 => Streaming::No {
                why: format!("nothing heard from it for {silent} s"),
            },
            _ => Streaming::Yes,
        };
    }
    let why = facts.upstream_message.clone().unwrap_or_else(|| {
        match facts.number("master_link_down_since_seconds") {
            Some(seconds) => format!("its link has been down for {seconds} s"),
            None => "its link was never up".to_owned(),
        }
    });
    Streaming::No { why }
}

/// 0 when all that came is applied; while the link is down: since when.
fn lag_seconds(facts: &RedisFacts, streaming: &Streaming) -> Option<f64> {
    match streaming {
        Streaming::Yes => (facts.number("slave_read_repl_offset")?
            == facts.number("slave_repl_offset")?)
        .then_some(0.0),
        Streaming::CatchingUp => None,
        Streaming::No { .. } => facts
            .number("master_link_down_since_seconds")
            .map(|seconds| seconds as f64),
    }
}

/// Who is connected, then the accounts of ours that nobody uses now.
fn downstreams(facts: &RedisFacts) -> Vec<Downstream> {
    let mine = facts.number("master_repl_offset");
    let mut connections = facts.connections.clone();
    let connected: Vec<Downstream> = facts
        .info
        .iter()
        .filter(|(name, _)| {
            name.strip_prefix("slave")
                .is_some_and(|number| number.parse::<u32>().is_ok())
        })
        .map(|(_, line)| {
            let part = |name: &str| {
                line.split(',')
                    .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
            };
            let address = part("ip").unwrap_or_default();
            let user = connections
                .iter()
                .position(|(from, _)| from == address)
                .map(|at| connections.remove(at).1);
            let offset: Option<u64> = part("offset").and_then(|offset| offset.parse().ok());
            let online = part("state") == Some("online");
            Downstream {
                name: user.unwrap_or_else(|| "replica".to_owned()),
                address: Some(address.to_owned()),
                state: part("state").unwrap_or("unknown").to_owned(),
                retained: None,
                lag: match (mine, offset) {
                    (Some(mine), Some(offset)) if online => {
                        Some(Bytes(mine.saturating_sub(offset)))
                    }
                    _ => None,
                },
            }
        })
        .collect();
    let waiting: Vec<Downstream> = facts
        .users
        .iter()
        .filter(|user| {
            user.name.starts_with("replform_")
                && connected.iter().all(|reader| reader.name != user.name)
        })
        .map(|user| Downstream {
            name: user.name.clone(),
            address: None,
            state: "absent".to_owned(),
            retained: None,
            lag: None,
        })
        .collect();
    connected.into_iter().chain(waiting).collect()
}

/// A running server's release for people: `7.0`.
pub(super) fn release_of(instance: &Instance) -> Option<String> {
    release::release(instance.version.as_deref()?)
}
