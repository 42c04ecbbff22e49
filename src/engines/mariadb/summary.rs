//! From one server's facts to what all engines have in common: state, role, place in history, data, links. Pure.

use super::facts::{Connection, MariaFacts};
use super::lines::Server;
use crate::observe::{
    Data, Database, Downstream, Instance, Manager, Position, Role, ServerState, Streaming,
    UpstreamSeen,
};
use crate::topology::Bytes;

/// How far behind a replica may be and still count as following, seconds.
const FOLLOWING_SECONDS: f64 = 10.0;

/// The facts as JSON without those that say nothing: what is missing is read back as its default.
pub(super) fn details(facts: &MariaFacts) -> serde_json::Value {
    // A struct of strings, numbers and maps with text keys has a JSON form.
    let (mut value, default) = (
        serde_json::to_value(facts).unwrap_or_default(),
        serde_json::to_value(MariaFacts::default()).unwrap_or_default(),
    );
    if let Some(map) = value.as_object_mut() {
        map.retain(|name, value| default.get(name) != Some(value));
    }
    value
}

/// The instance on a port: the server of the host, or that there is none on it.
pub(super) fn instance(port: u16, server: &Server) -> Instance {
    let mut server = server.clone();
    complete(port, &mut server);
    let state = state(port, &server);
    let here = !matches!(state, ServerState::NotInstalled | ServerState::NoInstance);
    let role = role(&server).filter(|_| here);
    Instance {
        engine: "mariadb".to_owned(),
        port,
        version: version(&server),
        installable: installable(&server.facts),
        manager: manager(&server.facts),
        // MariaDB gives a data set no name of its own.
        identity: None,
        position: position(&server, role),
        data: data(&server, &state, role).filter(|_| here),
        set_aside: std::mem::take(&mut server.set_aside),
        upstream: upstream(&server, &state).filter(|_| here),
        downstreams: downstreams(&server.facts),
        role,
        details: details(&server.facts).into(),
        server: state,
    }
}

/// Facts that follow from several lines.
fn complete(port: u16, server: &mut Server) {
    let Server {
        facts, listening, ..
    } = server;
    let mut listens: Vec<String> = listening
        .iter()
        .filter(|(on, _)| *on == port)
        .map(|(_, address)| address.clone())
        .collect();
    listens.sort();
    listens.dedup();
    facts.listens = listens;
    facts.relative = relative(facts, server.version.as_deref()).unwrap_or_default();
    facts.schemas.sort();
    facts.plugins.sort();
    facts.plugins.dedup();
    facts.writers.sort();
    facts
        .accounts
        .sort_by(|a, b| (&a.user, &a.host).cmp(&(&b.user, &b.host)));
    facts
        .dumps
        .sort_by(|a, b| (&a.user, &a.host).cmp(&(&b.user, &b.host)));
}

/// MySQL or Percona Server in MariaDB's place: by its packages, or by what the server calls itself.
fn relative(facts: &MariaFacts, version: Option<&str>) -> Option<String> {
    if let Some(version) = version
        && !version.contains("MariaDB")
    {
        return Some(format!("MySQL {}", version.split(['-', ' ']).next()?));
    }
    if facts.installed {
        return None;
    }
    let (name, version) = facts.packages.iter().find(|(name, _)| {
        [
            "mysql-server",
            "mysql-community-server",
            "percona-server-server",
        ]
        .iter()
        .any(|other| name.starts_with(other))
    })?;
    let title = if name.starts_with("percona") {
        "Percona Server"
    } else {
        "MySQL"
    };
    Some(format!("{title} {}", upstream_version(version)))
}

/// `10.11.18` of Debian's `1:10.11.18-0+deb12u1`.
pub(super) fn upstream_version(package: &str) -> &str {
    let version = package.split_once(':').map_or(package, |(_, v)| v);
    version.split(['-', '+', '~']).next().unwrap_or(version)
}

/// The part of a version that is a release series of its own: `10.11` of `10.11.18`.
pub(super) fn release(version: &str) -> String {
    let mut parts = version.split(['.', '-']);
    match (parts.next(), parts.next()) {
        (Some(major), Some(minor)) => format!("{major}.{minor}"),
        _ => version.to_owned(),
    }
}

fn version(server: &Server) -> Option<String> {
    if !server.facts.relative.is_empty() {
        return None;
    }
    let answered = server
        .version
        .as_deref()
        .and_then(|version| version.split(['-', ' ']).next().map(str::to_owned));
    let package = || {
        let package = server.facts.packages.get("mariadb-server")?;
        Some(upstream_version(package).to_owned())
    };
    answered.or_else(package)
}

fn installable(facts: &MariaFacts) -> Vec<(String, String)> {
    facts
        .candidates
        .get("mariadb-server")
        .map(|version| (release(upstream_version(version)), version.clone()))
        .into_iter()
        .collect()
}

fn manager(facts: &MariaFacts) -> Option<Manager> {
    if facts.is_on("wsrep_on") {
        let size = facts.status.get("wsrep_cluster_size");
        return Some(Manager {
            name: "Galera".to_owned(),
            evidence: format!("wsrep_on, a cluster of {}", size.map_or("unknown", |n| n)),
        });
    }
    for (schema, name) in [
        ("maxscale_schema", "MaxScale"),
        ("replication_manager_schema", "replication-manager"),
    ] {
        if facts.schemas.iter().any(|own| own == schema) {
            return Some(Manager {
                name: name.to_owned(),
                evidence: format!("database {schema}"),
            });
        }
    }
    facts.managers.first().cloned()
}

fn state(port: u16, server: &Server) -> ServerState {
    let facts = &server.facts;
    let unknown = |why: String| ServerState::Unknown { why };
    if !facts.relative.is_empty() {
        // A server there is, though not one of ours: the checks say which.
        return ServerState::Running;
    }
    if !facts.installed {
        return match facts.listens.first() {
            Some(_) => unknown(format!(
                "something that is no MariaDB of Debian's package listens on port {port}"
            )),
            None => ServerState::NotInstalled,
        };
    }
    if facts.port != Some(port) {
        return ServerState::NoInstance;
    }
    match facts.unit.active.as_str() {
        "active" | "reloading" if server.complete && server.connections_asked => {
            ServerState::Running
        }
        "active" | "reloading" => unknown(no_answer(facts)),
        "activating" => ServerState::Starting,
        "deactivating" => unknown("it is shutting down".to_owned()),
        "inactive" | "failed" => match facts.processes.first() {
            Some(program) => unknown(format!("{program} runs outside of mariadb.service")),
            None => ServerState::Stopped {
                clean: facts.unit.active == "inactive",
            },
        },
        other => unknown(format!("mariadb.service is \"{other}\"")),
    }
}

/// Why a server that runs gave no full answer.
fn no_answer(facts: &MariaFacts) -> String {
    let seconds = facts.answered_ms.map_or(5, |ms| ms.div_ceil(1000));
    match facts
        .errors
        .iter()
        .find(|error| !error.trim().is_empty() && *error != "no answer")
    {
        // ETIMEDOUT: it took the connection and said nothing.
        Some(error) if error.contains("system error: 110") => format!("no answer in {seconds} s"),
        Some(error) => format!("it answered: {}", error.trim()),
        None => format!("no answer in {seconds} s"),
    }
}

fn role(server: &Server) -> Option<Role> {
    let facts = &server.facts;
    if !facts.relative.is_empty() {
        return Some(Role::Primary);
    }
    let reads = facts
        .connections
        .iter()
        .any(|one| !one.field("Master_Host").is_empty());
    if server.complete {
        return Some(if reads { Role::Replica } else { Role::Primary });
    }
    match (&facts.master_info, &facts.copy, &facts.missing) {
        (Some(_), ..) => Some(Role::Replica),
        // In place and not linked: it takes no part yet.
        (None, Some(_), _) | (None, None, Some(_)) => None,
        (None, None, None) => Some(Role::Primary),
    }
}

fn position(server: &Server, role: Option<Role>) -> Option<Position> {
    let facts = &server.facts;
    let text = match role? {
        Role::Primary => facts.variable("gtid_binlog_pos")?,
        Role::Replica => facts.variable("gtid_slave_pos")?,
    };
    Some(Position {
        history: facts.variable("gtid_domain_id").unwrap_or("0").to_owned(),
        text: text.to_owned(),
        offset: None,
    })
    .filter(|position| !position.text.is_empty())
}

fn data(server: &Server, state: &ServerState, role: Option<Role>) -> Option<Data> {
    if server.directory.is_empty() {
        return None;
    }
    let facts = &server.facts;
    let bytes = Bytes(server.bytes.unwrap_or(0));
    let (size, free) = server.disk.unwrap_or((0, 0));
    // A server that answers knows its databases; their directories tell the sizes where it couldn't sum them up.
    let names: Vec<&str> = if server.complete {
        facts.schemas.iter().map(String::as_str).collect()
    } else {
        facts
            .schema_directories
            .keys()
            .map(String::as_str)
            .collect()
    };
    let bytes_of = |name: &str| {
        let sizes = [&facts.schema_bytes, &facts.schema_directories];
        sizes.iter().find_map(|sizes| sizes.get(name).copied())
    };
    Some(Data {
        directory: server.directory.clone(),
        bytes,
        disk_size: Bytes(size),
        disk_free: Bytes(free),
        empty: is_empty(facts, state, role),
        databases: names
            .iter()
            .map(|name| Database {
                name: (*name).to_owned(),
                bytes: bytes_of(name).unwrap_or_default(),
            })
            .collect(),
        copy_bytes: server.stream_bytes.map_or(bytes, Bytes),
    })
}

/// Whether it is certain that no person put anything there.
fn is_empty(facts: &MariaFacts, state: &ServerState, role: Option<Role>) -> bool {
    if let Some(missing) = &facts.missing {
        return missing == "directory" || missing == "content";
    }
    if role != Some(Role::Primary) || facts.copy.is_some() || facts.master_info.is_some() {
        return false;
    }
    match state {
        ServerState::Running => {
            facts.relative.is_empty()
                && facts.schemas.is_empty()
                && facts.people == Some(0)
                && facts.dumps.is_empty()
        }
        ServerState::Stopped { clean: true } => {
            facts.schema_directories.is_empty() && facts.untouched
        }
        _ => false,
    }
}

fn upstream(server: &Server, state: &ServerState) -> Option<UpstreamSeen> {
    let facts = &server.facts;
    if !matches!(state, ServerState::Running) {
        let (host, port) = facts.master_info.clone()?;
        return Some(UpstreamSeen {
            host,
            port,
            streaming: match state {
                ServerState::Starting => Streaming::CatchingUp,
                _ => Streaming::No {
                    why: "the server doesn't run or doesn't answer".to_owned(),
                },
            },
            lag_seconds: None,
        });
    }
    let connection = facts.connection().or_else(|| facts.connections.first())?;
    Some(UpstreamSeen {
        host: connection.field("Master_Host").to_owned(),
        port: connection.field("Master_Port").parse().ok()?,
        streaming: streaming(connection),
        lag_seconds: connection.field("Seconds_Behind_Master").parse().ok(),
    })
    .filter(|seen| !seen.host.is_empty())
}

fn streaming(connection: &Connection) -> Streaming {
    let no = |why: &str| Streaming::No {
        why: why.to_owned(),
    };
    let threads = (
        connection.field("Slave_IO_Running"),
        connection.field("Slave_SQL_Running"),
    );
    if connection.error_number("SQL") != 0 {
        return no(connection.error("SQL"));
    }
    // A connection that was tried for in vain and then stopped: the client's error (2000 and above) is of before.
    let stopped_since = threads == ("No", "No") && connection.error_number("IO") >= 2000;
    if connection.error_number("IO") != 0 && !stopped_since {
        return no(connection.error("IO"));
    }
    let behind: Option<f64> = connection.field("Seconds_Behind_Master").parse().ok();
    match threads {
        ("No", "No") => no("replication is stopped there"),
        ("No", _) => no("it doesn't receive: its IO thread is stopped"),
        (_, "No") => no("what it receives isn't applied: its SQL thread is stopped"),
        ("Yes", _) if behind.is_none_or(|seconds| seconds <= FOLLOWING_SECONDS) => Streaming::Yes,
        _ => Streaming::CatchingUp,
    }
}

fn downstreams(facts: &MariaFacts) -> Vec<Downstream> {
    facts
        .dumps
        .iter()
        .map(|dump| Downstream {
            name: dump.user.clone(),
            address: Some(dump.host.clone()),
            state: dump.state.clone(),
            retained: None,
            lag: None,
        })
        .collect()
}
