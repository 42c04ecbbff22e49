//! From the host's one server to what all engines have in common: state, role, place in history, data, links. Pure.

use super::decode::Server;
use super::facts::{Channel, MysqlFacts};
use super::settings;
use crate::observe::{
    Data, Database, Downstream, Instance, Position, Role, ServerState, Streaming, UpstreamSeen,
};
use crate::topology::Bytes;

/// How old the transaction that is being applied may be while a replica still counts as following, milliseconds.
const FOLLOWING_MS: u64 = 10_000;

/// The instance on a port: the host's one server, or none.
pub(super) fn instance(port: u16, server: &Server) -> Instance {
    let mut facts = server.facts.clone();
    facts.listening = server.listening.contains(&port);
    let state = server_state(port, server, &facts);
    let here = facts.server_port == Some(port)
        && !matches!(state, ServerState::NotInstalled | ServerState::NoInstance);
    let role = if here { role(&state, &facts) } else { None };
    let mut instance = Instance {
        engine: "mysql".to_owned(),
        port,
        version: version(server),
        installable: installable(server),
        role,
        manager: facts.managers.first().cloned().filter(|_| here),
        identity: server.uuid.clone().filter(|_| here),
        position: None,
        data: None,
        set_aside: Vec::new(),
        upstream: None,
        downstreams: Vec::new(),
        server: state,
        details: serde_json::Value::Null.into(),
    };
    if here {
        instance.position = facts.executed.clone().map(|text| Position {
            history: server.uuid.clone().unwrap_or_default(),
            text,
            offset: None,
        });
        instance.data = data(server, &instance.server);
        instance.set_aside.clone_from(&server.set_aside);
        instance.upstream = facts
            .channel()
            .map(|channel| upstream(channel, &instance.server));
        instance.downstreams = downstreams(&facts);
    }
    instance.details = details(&facts).into();
    instance
}

/// The facts as JSON without those that say nothing: what is missing is read back as its default.
pub(super) fn details(facts: &MysqlFacts) -> serde_json::Value {
    // A struct of strings, numbers and maps with text keys has a JSON form.
    let (mut value, default) = (
        serde_json::to_value(facts).unwrap_or_default(),
        serde_json::to_value(MysqlFacts::default()).unwrap_or_default(),
    );
    if let Some(map) = value.as_object_mut() {
        map.retain(|name, value| default.get(name) != Some(value));
    }
    value
}

/// The version without Debian's revision: `9.7.4` of `9.7.4-2`, by the server, its program, or its package.
fn version(server: &Server) -> Option<String> {
    let program = || {
        let (_, rest) = server.facts.program.split_once("Ver ")?;
        Some(rest.split(' ').next()?.to_owned())
    };
    let full = server
        .version
        .clone()
        .or_else(program)
        .or_else(|| server.facts.packages.get("mysql-server").cloned())?;
    Some(plain(&full))
}

fn plain(version: &str) -> String {
    let version = version.split_once(':').map_or(version, |(_, v)| v);
    version.split('-').next().unwrap_or(version).to_owned()
}

fn installable(server: &Server) -> Vec<(String, String)> {
    let versions = server.candidate.iter();
    versions
        .map(|full| (settings::series(&plain(full)), full.clone()))
        .collect()
}

fn server_state(port: u16, server: &Server, facts: &MysqlFacts) -> ServerState {
    let unknown = |why: String| ServerState::Unknown { why };
    if let Some(version) = &facts.mariadb {
        return unknown(format!("MariaDB {version}, not MySQL"));
    }
    let installed = server.program && facts.packages.contains_key("mysql-server");
    if !installed {
        return match (facts.listening, server.program) {
            (_, true) => unknown("its mysqld isn't of Debian's package mysql-server".to_owned()),
            (true, false) => unknown(format!(
                "something that is no MySQL of Debian's listens on port {port}"
            )),
            (false, false) => ServerState::NotInstalled,
        };
    }
    // Cut off while it was installed: provision goes on.
    if facts.server_port != Some(port) || (facts.making && !facts.process) {
        return ServerState::NoInstance;
    }
    if server.complete {
        return ServerState::Running;
    }
    match (facts.process, facts.unit.active.as_str()) {
        (false, "activating" | "reloading") | (true, "activating") => ServerState::Starting,
        (false, _) => ServerState::Stopped {
            clean: facts.unit.result == "success",
        },
        (true, "deactivating") => unknown("it is shutting down".to_owned()),
        (true, _) => unknown(no_answer(facts)),
    }
}

/// Why a server that runs gave no full answer.
fn no_answer(facts: &MysqlFacts) -> String {
    let seconds = facts.answered_ms.map_or(12, |ms| ms.div_ceil(1000));
    match facts.errors.iter().find(|error| !error.trim().is_empty()) {
        Some(error) if error.contains("Can't connect") || error.contains("ERROR 2013") => {
            format!("no answer in {seconds} s")
        }
        Some(error) => format!("it answered: {}", error.trim()),
        None => format!("no answer in {seconds} s"),
    }
}

/// A stopped server is what our file makes it at its next start.
fn role(state: &ServerState, facts: &MysqlFacts) -> Option<Role> {
    match state {
        ServerState::Running if facts.channel().is_some() => Some(Role::Replica),
        ServerState::Running => Some(Role::Primary),
        ServerState::Unknown { .. } => None,
        _ if facts.own_line("super_read_only") == Some("ON") => Some(Role::Replica),
        _ => Some(Role::Primary),
    }
}

fn data(server: &Server, state: &ServerState) -> Option<Data> {
    if server.directory.is_empty() {
        return None;
    }
    let bytes = Bytes(server.data_bytes.unwrap_or(0));
    let (size, free) = server.disk.unwrap_or((0, 0));
    let running = *state == ServerState::Running;
    let databases = if running {
        server.schemas.clone()
    } else {
        let directories = server.facts.schema_directories.iter();
        directories
            .map(|directory| Database {
                name: directory.name.clone(),
                bytes: directory.bytes,
            })
            .collect()
    };
    Some(Data {
        directory: server.directory.clone(),
        bytes,
        disk_size: Bytes(size),
        disk_free: Bytes(free),
        empty: is_empty(&server.facts, state),
        databases,
        copy_bytes: server.table_bytes.map_or(bytes, Bytes),
    })
}

/// Whether it is certain that no person put a table there. Of a stopped server the directory tells: a schema is a directory, a
/// tablespace of its own a file. (Accounts in it aren't seen; what is set aside is never deleted.)
fn is_empty(facts: &MysqlFacts, state: &ServerState) -> bool {
    if let Some(missing) = &facts.missing {
        return missing == "directory" || missing == "content";
    }
    if !facts.tablespaces.is_empty() || !facts.schema_directories.is_empty() {
        return false;
    }
    match state {
        ServerState::Running => {
            facts.channel().is_none()
                && facts
                    .people
                    .is_some_and(|people| people.schemas == 0 && people.accounts == 0)
        }
        ServerState::Stopped { .. } => facts.copy_of.is_none(),
        _ => false,
    }
}

fn upstream(channel: &Channel, state: &ServerState) -> UpstreamSeen {
    let streaming = match state {
        ServerState::Running => streaming(channel),
        _ => Streaming::No {
            why: "the server doesn't run or doesn't answer".to_owned(),
        },
    };
    UpstreamSeen {
        host: channel.host.clone(),
        port: channel.port,
        // The age of what is being applied says nothing of what can't arrive.
        lag_seconds: channel
            .lag_ms
            .filter(|_| !matches!(streaming, Streaming::No { .. }))
            .map(|ms| ms as f64 / 1000.0),
        streaming,
    }
}

fn streaming(channel: &Channel) -> Streaming {
    let no = |why: String| Streaming::No { why };
    let with = |word: &str, error: u32, message: &str| match error {
        0 => word.to_owned(),
        // The server's advice after the first sentence isn't for a plan.
        error => {
            let first = message.trim().split(". ").next().unwrap_or_default();
            let first: String = first.chars().take(160).collect();
            format!("{word}: {error} {first}")
        }
    };
    if channel.applier != "ON" {
        return no(with(
            "its applier is stopped",
            channel.applier_error,
            &channel.applier_message,
        ));
    }
    match channel.connection.as_str() {
        "ON" if channel.lag_ms.unwrap_or(0) > FOLLOWING_MS => Streaming::CatchingUp,
        "ON" => Streaming::Yes,
        "CONNECTING" => no(with(
            "it can't connect",
            channel.connection_error,
            &channel.connection_message,
        )),
        _ => no(with(
            "its connection is stopped",
            channel.connection_error,
            &channel.connection_message,
        )),
    }
}

fn downstreams(facts: &MysqlFacts) -> Vec<Downstream> {
    let dumps = facts
        .readers
        .iter()
        .filter(|reader| reader.command.starts_with("Binlog Dump"));
    dumps
        .map(|reader| Downstream {
            name: reader.user.clone(),
            address: Some(reader.host.clone()).filter(|host| !host.is_empty()),
            state: "streaming".to_owned(),
            retained: None,
            lag: None,
        })
        .collect()
}
