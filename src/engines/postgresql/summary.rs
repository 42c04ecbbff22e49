//! From one cluster's facts to what all engines have in common: state, role, place in history, data, links. Pure.

use super::conninfo;
use super::facts::{ControlFile, PostgresFacts, Receiver};
use super::lines::Cluster;
use super::lsn::Lsn;
use crate::observe::{
    Data, Database, Downstream, Instance, Position, Role, ServerState, Streaming, UpstreamSeen,
};
use crate::topology::Bytes;

/// How far behind a standby may be and still count as following, bytes: one log file.
const FOLLOWING_BYTES: u64 = 16 << 20;

/// The first object number that isn't the server's own (FirstNormalObjectId, transam.h, all versions).
const FIRST_NORMAL_OID: u64 = 16384;

/// The major version of a cluster's name: 15 of `15/main`.
pub(super) fn major(cluster: &str) -> Option<u16> {
    cluster.split('/').next()?.split('.').next()?.parse().ok()
}

/// An instance of which nothing more is known than `server` says.
pub(super) fn bare(port: u16, server: ServerState, facts: &PostgresFacts) -> Instance {
    Instance {
        engine: "postgresql".to_owned(),
        port,
        server,
        version: None,
        installable: Vec::new(),
        role: None,
        manager: facts.managers.first().cloned(),
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
pub(super) fn details(facts: &PostgresFacts) -> serde_json::Value {
    // A struct of strings, numbers and maps with text keys has a JSON form.
    let (mut value, default) = (
        serde_json::to_value(facts).unwrap_or_default(),
        serde_json::to_value(PostgresFacts::default()).unwrap_or_default(),
    );
    if let Some(map) = value.as_object_mut() {
        map.retain(|name, value| default.get(name) != Some(value));
    }
    value
}

/// The instance that a cluster is; `package` is the version of its installed package.
pub(super) fn of_cluster(port: u16, mut cluster: Cluster, package: Option<String>) -> Instance {
    complete(&mut cluster);
    let server = server_state(&cluster, package.is_some());
    let role = role(&cluster);
    let mut instance = bare(port, server, &cluster.facts);
    instance.version = cluster.answer.version.clone().or(package);
    instance.role = role;
    instance.identity = cluster.answer.identity.clone().or_else(|| {
        let control = cluster.facts.control.as_ref()?;
        Some(control.system_identifier.clone()).filter(|identity| !identity.is_empty())
    });
    instance.position = position(&cluster);
    instance.data = data(&cluster, &instance.server);
    instance.upstream = upstream(&cluster, &instance.server, role);
    instance.downstreams = downstreams(&cluster);
    instance.set_aside = cluster.set_aside;
    instance
}

/// Facts that follow from several lines.
fn complete(cluster: &mut Cluster) {
    let Cluster { facts, answer, .. } = cluster;
    facts.cluster = Some(cluster.name.clone());
    facts.major = major(&cluster.name);
    let segment = facts.segment_bytes();
    facts.oldest_wal = answer
        .oldest_wal
        .as_deref()
        .and_then(|name| Lsn::of_segment(name, segment));
    if let Some(timeline) = facts
        .receiver
        .as_ref()
        .and_then(|receiver| receiver.timeline)
    {
        facts.timeline = Some(timeline);
    }
    if facts.timeline.is_none() {
        facts.timeline = facts.control.as_ref().and_then(|control| control.timeline);
    }
    if facts.conninfo.is_none() && answer.recovery.is_none() {
        facts.conninfo = facts
            .drop_in
            .iter()
            .rev()
            .find_map(|line| drop_in_conninfo(line));
    }
    facts.history.sort();
    facts.slots.sort_by(|a, b| a.name.cmp(&b.name));
    facts.databases.sort_by(|a, b| a.name.cmp(&b.name));
    facts.senders.sort_by(|a, b| {
        (&a.application_name, &a.address, &a.state).cmp(&(
            &b.application_name,
            &b.address,
            &b.state,
        ))
    });
}

/// `primary_conninfo = 'host=…'` of our drop-in, its doubled quotes undone.
fn drop_in_conninfo(line: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("primary_conninfo")?.trim_start();
    let value = rest.strip_prefix('=').unwrap_or(rest).trim();
    let value = value.strip_prefix('\'')?.strip_suffix('\'')?;
    Some(value.replace("''", "'"))
}

fn server_state(cluster: &Cluster, installed: bool) -> ServerState {
    let facts = &cluster.facts;
    let unknown = |why: String| ServerState::Unknown { why };
    match facts.process.as_str() {
        "down" | "stale-pidfile" if !installed => ServerState::NotInstalled,
        "down" | "stale-pidfile" => ServerState::Stopped {
            clean: facts.control.as_ref().is_some_and(stopped_cleanly),
        },
        "" => unknown("the probe says nothing about its process".to_owned()),
        "stopping" => unknown("it is shutting down".to_owned()),
        _ if cluster.answer.complete => ServerState::Running,
        "standby" => unknown("it recovers with hot_standby = off and takes no queries".to_owned()),
        "starting" => ServerState::Starting,
        _ if facts.errors.iter().any(|error| still_starting(error)) => ServerState::Starting,
        _ => unknown(no_answer(facts)),
    }
}

fn stopped_cleanly(control: &ControlFile) -> bool {
    matches!(
        control.state.as_str(),
        "shut down" | "shut down in recovery"
    )
}

fn still_starting(error: &str) -> bool {
    error.contains("is starting up") || error.contains("not yet accepting connections")
}

/// Why a server that runs gave no full answer.
fn no_answer(facts: &PostgresFacts) -> String {
    let seconds = facts.answered_ms.map_or(8, |ms| ms.div_ceil(1000));
    let Some(error) = facts.errors.iter().find(|error| !error.trim().is_empty()) else {
        return format!("no answer in {seconds} s");
    };
    if error.contains("timeout expired") {
        return format!("no answer in {seconds} s");
    }
    let said = error
        .rsplit_once("FATAL:")
        .or_else(|| error.rsplit_once("ERROR:"))
        .map_or(error.as_str(), |(_, said)| said);
    format!("it answered: {}", said.trim())
}

fn role(cluster: &Cluster) -> Option<Role> {
    let signal = |name: &str| cluster.facts.signals.iter().any(|signal| signal == name);
    match cluster.answer.recovery {
        Some(true) => Some(Role::Replica),
        Some(false) => Some(Role::Primary),
        None if signal("standby.signal") => Some(Role::Replica),
        // Recovery to a point in time ends as a primary, but nobody knows when.
        None if signal("recovery.signal") || cluster.facts.control.is_none() => None,
        None => Some(Role::Primary),
    }
}

/// The last place written, or on a replica replayed.
fn place(cluster: &Cluster) -> Option<Lsn> {
    let answer = &cluster.answer;
    match answer.recovery {
        Some(true) => answer.replayed,
        Some(false) => answer.written,
        None => {
            let control = cluster.facts.control.as_ref()?;
            control.checkpoint.max(control.minimum_recovery_end)
        }
    }
}

fn position(cluster: &Cluster) -> Option<Position> {
    let lsn = place(cluster)?;
    Some(Position {
        history: cluster.facts.timeline?.to_string(),
        text: lsn.to_string(),
        offset: Some(lsn.0),
    })
}

fn data(cluster: &Cluster, server: &ServerState) -> Option<Data> {
    if cluster.directory.is_empty() {
        return None;
    }
    let bytes = Bytes(cluster.data_bytes.unwrap_or(0));
    let (size, free) = cluster.disk.unwrap_or((0, 0));
    let objects = cluster.facts.people.map_or(0, |people| people.objects);
    Some(Data {
        directory: cluster.directory.clone(),
        bytes,
        disk_size: Bytes(size),
        disk_free: Bytes(free),
        empty: is_empty(cluster, server),
        databases: cluster
            .facts
            .databases
            .iter()
            .filter(|database| {
                !matches!(database.name.as_str(), "template0" | "template1")
                    && (database.name != "postgres" || objects > 0)
            })
            .map(|database| Database {
                name: database.name.clone(),
                bytes: database.bytes,
            })
            .collect(),
        copy_bytes: cluster.answer.bytes.map_or(bytes, Bytes),
    })
}

/// Whether it is certain that no person put anything there.
fn is_empty(cluster: &Cluster, server: &ServerState) -> bool {
    let facts = &cluster.facts;
    if let Some(missing) = &facts.missing {
        return missing == "directory" || missing == "content";
    }
    if role(cluster) != Some(Role::Primary) || !facts.tablespaces.is_empty() {
        return false;
    }
    match server {
        ServerState::Running => {
            facts.subscriptions == 0
                && facts.people.is_some_and(|people| {
                    people.databases == 0 && people.roles == 0 && people.objects == 0
                })
        }
        // Every object takes a number, and a clean shutdown writes the next one down exactly.
        ServerState::Stopped { clean: true } => facts
            .control
            .as_ref()
            .and_then(|control| control.next_oid)
            .is_some_and(|next| next <= FIRST_NORMAL_OID),
        _ => false,
    }
}

fn upstream(cluster: &Cluster, server: &ServerState, role: Option<Role>) -> Option<UpstreamSeen> {
    if role != Some(Role::Replica) {
        return None;
    }
    let facts = &cluster.facts;
    let connected = facts
        .receiver
        .as_ref()
        .filter(|receiver| !receiver.host.is_empty())
        .map(|receiver| (receiver.host.clone(), receiver.port));
    let (host, port) = connected.or_else(|| conninfo::host_and_port(facts.conninfo.as_deref()?))?;
    let streaming = match server {
        ServerState::Running => streaming(cluster),
        ServerState::Starting => Streaming::CatchingUp,
        _ => Streaming::No {
            why: "the server doesn't run or doesn't answer".to_owned(),
        },
    };
    Some(UpstreamSeen {
        host,
        port,
        lag_seconds: lag_seconds(cluster, &streaming),
        streaming,
    })
}

fn streaming(cluster: &Cluster) -> Streaming {
    let facts = &cluster.facts;
    let no = |why: String| Streaming::No { why };
    if facts.replay_paused == Some(true) {
        return no("replay is paused".to_owned());
    }
    let Some(receiver) = &facts.receiver else {
        let why = facts.upstream_messages.last();
        return no(why.cloned().unwrap_or_else(|| "not connected".to_owned()));
    };
    if let Some(silent) = receiver
        .silent_seconds
        .filter(|s| *s > silence_limit(facts))
    {
        return no(format!("nothing heard from it for {silent:.0} s"));
    }
    match receiver.status.as_str() {
        "streaming" if behind(cluster, receiver) > FOLLOWING_BYTES => Streaming::CatchingUp,
        "streaming" => Streaming::Yes,
        "starting" | "restarting" => Streaming::CatchingUp,
        other => no(format!("its connection is {other}")),
    }
}

/// Seconds of silence after which a link counts as cut: the receiver asks its upstream at half of its timeout.
fn silence_limit(facts: &PostgresFacts) -> f64 {
    let timeout_ms = facts
        .setting("wal_receiver_timeout")
        .and_then(|value| value.parse::<f64>().ok())
        .unwrap_or(60_000.0);
    if timeout_ms <= 0.0 {
        f64::INFINITY
    } else {
        timeout_ms / 2000.0 + 10.0
    }
}

fn behind(cluster: &Cluster, receiver: &Receiver) -> u64 {
    match (receiver.latest_end, cluster.answer.replayed) {
        (Some(end), Some(replayed)) => end.0.saturating_sub(replayed.0),
        _ => 0,
    }
}

/// 0 when everything that the upstream has is replayed; else the age of the last replayed transaction. That age also grows
/// while an idle upstream isn't connected: then it is the least that is known.
fn lag_seconds(cluster: &Cluster, streaming: &Streaming) -> Option<f64> {
    let receiver = cluster.facts.receiver.as_ref();
    if *streaming == Streaming::Yes && receiver.is_some_and(|r| behind(cluster, r) == 0) {
        return Some(0.0);
    }
    let age = cluster.facts.server_time? - cluster.answer.last_transaction?;
    Some((age.max(0.0) * 1000.0).round() / 1000.0)
}

/// Who is connected, then the physical slots that nobody uses now.
fn downstreams(cluster: &Cluster) -> Vec<Downstream> {
    let facts = &cluster.facts;
    let mine = place(cluster);
    let slot = |name: &str| facts.slots.iter().find(|slot| slot.name == name);
    let connected = facts.senders.iter().map(|sender| Downstream {
        name: sender.application_name.clone(),
        address: Some(sender.address.clone()).filter(|address| !address.is_empty()),
        state: sender.state.clone(),
        retained: sender
            .slot
            .as_deref()
            .and_then(slot)
            .and_then(|slot| slot.retained),
        lag: match (mine, sender.replayed) {
            (Some(mine), Some(replayed)) => Some(Bytes(mine.0.saturating_sub(replayed.0))),
            _ => None,
        },
    });
    let waiting = facts
        .slots
        .iter()
        .filter(|slot| slot.kind == "physical" && !slot.active && !slot.temporary)
        .map(|slot| Downstream {
            name: slot.name.clone(),
            address: None,
            state: "absent".to_owned(),
            retained: slot.retained,
            lag: None,
        });
    connected.chain(waiting).collect()
}
