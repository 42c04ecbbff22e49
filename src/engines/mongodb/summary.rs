//! From one unit's facts to what all engines have in common: state, role, data, links. Pure.

use super::decode::{Host, Server};
use super::facts::{MongoFacts, SetStatus, State};
use crate::observe::{
    Data, Database, Downstream, Instance, Manager, Position, Role, ServerState, Streaming,
    UpstreamSeen,
};
use crate::topology::Bytes;

/// MongoDB's number for a member that was taken out of its set.
const REMOVED: u8 = 10;

/// The release of a version: 6.0 of `6.0.5`. Members of a set share it.
pub(super) fn release(version: &str) -> String {
    let mut parts = version.split('.');
    match (parts.next(), parts.next()) {
        (Some(major), Some(minor)) => format!("{major}.{minor}"),
        _ => version.to_owned(),
    }
}

/// `10.0.0.11` and 27017 of `10.0.0.11:27017`.
pub(super) fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.strip_prefix('[').unwrap_or(host);
    let host = host.strip_suffix(']').unwrap_or(host);
    Some((host.to_owned(), port.parse().ok()?))
}

/// The instance on a port: of several units the one that runs, else the first.
pub(super) fn instance(port: u16, host: &Host, servers: &[Server]) -> Instance {
    let chosen = servers
        .iter()
        .filter(|server| server.port == port)
        .min_by_key(|server| server.facts.unit_state.main_pid == 0);
    let mut server = chosen.cloned().unwrap_or_default();
    let facts = &mut server.facts;
    facts.listening = host.listening.contains(&port);
    facts.huge_pages.clone_from(&host.huge_pages);
    facts.packages.clone_from(&host.packages);
    facts.other_units = servers
        .iter()
        .filter(|other| other.facts.unit != facts.unit)
        .map(|other| (other.facts.unit.clone(), other.port))
        .collect();
    facts.managers = host.managers.clone();
    facts.managers.extend(own_manager(facts));
    // It has a configuration that doesn't name it: it was taken out.
    if facts.state == State::Waiting && facts.config.is_some() {
        facts.state = State::Other;
        facts.status = Some(SetStatus {
            state: REMOVED,
            ..SetStatus::default()
        });
    }
    if let Some(config) = &mut facts.config {
        config.members.sort_by(|a, b| a.host.cmp(&b.host));
    }
    if let Some(status) = &mut facts.status {
        status.members.sort_by(|a, b| a.host.cmp(&b.host));
    }
    let installed = !servers.is_empty() || !host.packages.is_empty();
    let state = match chosen {
        Some(_) => server_state(&server, host),
        None => without_unit(&server.facts, installed),
    };
    let mut installable: Vec<(String, String)> = host
        .candidates
        .iter()
        .map(|version| (release(version), version.clone()))
        .collect();
    // apt lists the newest first; of each release the newest is what would be installed.
    installable.dedup_by(|later, first| later.0 == first.0);
    let role = role(&server.facts);
    Instance {
        engine: "mongodb".to_owned(),
        port,
        version: version(&server),
        installable,
        role,
        manager: server.facts.managers.first().cloned(),
        identity: server
            .facts
            .config
            .as_ref()
            .map(|config| config.id.clone())
            .filter(|id| !id.is_empty()),
        position: position(&server),
        data: data(&server, &state),
        upstream: upstream(&server.facts, role),
        downstreams: downstreams(&server.facts),
        details: details(&server.facts).into(),
        set_aside: std::mem::take(&mut server.set_aside),
        server: state,
    }
}

fn version(server: &Server) -> Option<String> {
    let binary = Some(&server.facts.binary).filter(|binary| !binary.is_empty());
    server.version.clone().or_else(|| binary.cloned())
}

/// The facts as JSON without those that say nothing: what is missing is read back as its default.
pub(super) fn details(facts: &MongoFacts) -> serde_json::Value {
    // A struct of strings, numbers and maps with text keys has a JSON form.
    let (mut value, default) = (
        serde_json::to_value(facts).unwrap_or_default(),
        serde_json::to_value(MongoFacts::default()).unwrap_or_default(),
    );
    if let Some(map) = value.as_object_mut() {
        map.retain(|name, value| default.get(name) != Some(value));
    }
    value
}

/// Somebody else in charge, by the server's own settings.
fn own_manager(facts: &MongoFacts) -> Option<Manager> {
    let manager = |name: &str, evidence: String| {
        Some(Manager {
            name: name.to_owned(),
            evidence,
        })
    };
    let role = facts.setting("sharding.clusterRole");
    if !role.is_empty() {
        return manager("a sharded cluster", format!("sharding.clusterRole {role}"));
    }
    if facts.state == State::Router {
        return manager(
            "a sharded cluster",
            "its router, mongos, answers".to_owned(),
        );
    }
    let config = facts.setting("config");
    if config.contains("automation") {
        return manager("Ops Manager or Cloud Manager", format!("file {config}"));
    }
    None
}

fn without_unit(facts: &MongoFacts, installed: bool) -> ServerState {
    if facts.listening {
        ServerState::Unknown {
            why: "something listens there that is no mongod of a systemd unit (a container, or another program)".to_owned(),
        }
    } else if installed {
        ServerState::NoInstance
    } else {
        ServerState::NotInstalled
    }
}

fn server_state(server: &Server, host: &Host) -> ServerState {
    let facts = &server.facts;
    let unknown = |why: &str| ServerState::Unknown {
        why: why.to_owned(),
    };
    if let Some(missing) = host.missing.first() {
        return unknown(&format!(
            "the host has no {missing}, by which it would be asked"
        ));
    }
    if server.unreadable {
        return unknown("its mongod refuses its own settings");
    }
    let unit = &facts.unit_state;
    if unit.main_pid == 0 {
        return match unit.active.as_str() {
            "inactive" | "failed" => ServerState::Stopped {
                clean: unit.result == "success",
            },
            "" => unknown("systemd doesn't tell its unit's state"),
            _ => ServerState::Starting,
        };
    }
    if facts.state != State::Unknown {
        return ServerState::Running;
    }
    if let Some(why) = facts.refused.get("tls") {
        return unknown(&format!("{why}, which this version of replform can't make"));
    }
    match facts.refused.get("server") {
        Some(why) if why.contains("refused") && !facts.listening => ServerState::Starting,
        Some(why) => match why.rsplit_once(" in ") {
            // The address is the loopback's: it says nothing.
            Some((no, seconds)) if no.starts_with("no answer") => {
                unknown(&format!("no answer in {seconds}"))
            }
            _ => unknown(why),
        },
        None => unknown("it gave no answer"),
    }
}

fn role(facts: &MongoFacts) -> Option<Role> {
    match facts.state {
        // A member that waits holds what a primary will hold, or nothing.
        State::Standalone | State::Waiting | State::Primary => Some(Role::Primary),
        State::Secondary | State::Arbiter | State::Other => Some(Role::Replica),
        State::Unknown | State::Router => None,
    }
}

fn position(server: &Server) -> Option<Position> {
    let (seconds, counter) = server.last_write?;
    Some(Position {
        history: server.term?.to_string(),
        text: format!("{seconds}.{counter}"),
        // Its parts are seconds and a counter: no difference of two is a number of bytes.
        offset: None,
    })
}

fn data(server: &Server, state: &ServerState) -> Option<Data> {
    let facts = &server.facts;
    let directory = facts.setting("storage.dbPath");
    if directory.is_empty() {
        return None;
    }
    let bytes = Bytes(server.data_bytes.unwrap_or(0));
    let (size, free) = server.disk.unwrap_or((0, 0));
    let databases: Vec<Database> = facts
        .databases
        .iter()
        .flatten()
        .map(|database| Database {
            name: database.name.clone(),
            bytes: database.bytes,
        })
        .collect();
    // Its journal is no part of a copy; what can't be listed is guessed by its size on disk.
    let on_disk = Bytes(bytes.0.saturating_sub(server.journal_bytes.unwrap_or(0)));
    let documents = || Bytes(databases.iter().map(|database| database.bytes.0).sum());
    Some(Data {
        directory: directory.trim_end_matches('/').to_owned(),
        bytes,
        disk_size: Bytes(size),
        disk_free: Bytes(free),
        empty: is_empty(server, state),
        copy_bytes: facts.databases.as_ref().map_or(on_disk, |_| documents()),
        databases,
    })
}

/// Whether it is certain that no person put anything there.
fn is_empty(server: &Server, state: &ServerState) -> bool {
    let facts = &server.facts;
    if server.holds_nothing {
        return true;
    }
    let nothing = |count: Option<u64>| count == Some(0);
    match (state, facts.state) {
        (ServerState::Running, State::Standalone) => {
            facts.databases.as_ref().is_some_and(Vec::is_empty)
                && nothing(facts.users)
                && nothing(facts.collections)
        }
        (ServerState::Running, State::Waiting) => nothing(facts.collections),
        (ServerState::Stopped { .. } | ServerState::Starting, _) => facts.begun_empty,
        _ => false,
    }
}

fn upstream(facts: &MongoFacts, role: Option<Role>) -> Option<UpstreamSeen> {
    if role != Some(Role::Replica) {
        return None;
    }
    let status = facts.status.as_ref();
    // A member without a source of its own at the moment still belongs to its primary.
    let named = facts
        .primary
        .clone()
        .or_else(|| status.map(|status| status.source.clone()))
        .filter(|named| !named.is_empty());
    let (host, port) = host_and_port(&named?)?;
    Some(UpstreamSeen {
        host,
        port,
        streaming: streaming(facts),
        lag_seconds: lag_seconds(facts),
    })
}

fn streaming(facts: &MongoFacts) -> Streaming {
    let no = |why: String| Streaming::No { why };
    if facts.state == State::Secondary {
        return match lag_seconds(facts) {
            // The set writes a line of its own every 10 s: less than two of them is nothing.
            Some(lag) if lag > 20.0 => Streaming::CatchingUp,
            _ => Streaming::Yes,
        };
    }
    if facts.state == State::Arbiter {
        return Streaming::Yes;
    }
    match facts.status.as_ref().map(|status| status.state) {
        Some(5) => Streaming::CatchingUp,
        Some(3) => no("it recovers: it isn't up to date, or too far behind".to_owned()),
        Some(9) => Streaming::CatchingUp,
        Some(10) => no("it was taken out of its set".to_owned()),
        Some(state) => no(format!("its state is {state}")),
        None => no(facts
            .refused
            .get("status")
            .map_or_else(|| "its state isn't known".to_owned(), |why| why.clone())),
    }
}

/// Seconds between the last write that the primary has applied and its own, in one answer of its own.
fn lag_seconds(facts: &MongoFacts) -> Option<f64> {
    let members = &facts.status.as_ref()?.members;
    let own = members.iter().find(|member| member.own)?.applied?;
    let primary = members.iter().find(|member| member.state == "PRIMARY")?;
    Some((primary.applied? - own).max(0.0))
}

/// The set's other members, by their names in its configuration.
fn downstreams(facts: &MongoFacts) -> Vec<Downstream> {
    let Some(status) = &facts.status else {
        return Vec::new();
    };
    if facts.state != State::Primary {
        return Vec::new();
    }
    status
        .members
        .iter()
        .filter(|member| !member.own)
        .map(|member| Downstream {
            name: member.host.clone(),
            address: host_and_port(&member.host)
                .map(|(host, _)| host)
                .filter(|_| member.healthy),
            state: if member.healthy {
                member.state.to_lowercase()
            } else {
                "absent".to_owned()
            },
            retained: None,
            lag: None,
        })
        .collect()
}
