//! How a link stands, by Redis' proofs: replication ids name histories, offsets places in them, and the upstream's backlog says
//! from where on it can go on without a copy.
//!
//! A server has no identity of its own. Data is a copy when its history is the upstream's, or the one that the upstream came
//! from up to where it left it. Everything else is somebody's.

use super::facts::RedisFacts;
use super::tls;
use crate::engines::{Link, account_of};
use crate::observe::{Instance, Role, ServerState, Streaming};
use crate::plan::Relation;

/// The relation of a link.
pub(super) fn relation(link: &Link<'_>) -> Relation {
    let (facts, upstream) = match (
        RedisFacts::of(link.instance),
        RedisFacts::of(link.upstream_instance),
    ) {
        (Ok(facts), Ok(upstream)) => (facts, upstream),
        (Err(error), _) | (_, Err(error)) => {
            return Relation::Unreachable(format!(
                "the observation isn't of this version of replform: {error}"
            ));
        }
    };
    let empty = link.instance.data.as_ref().is_some_and(|data| data.empty);
    match &link.instance.server {
        ServerState::NotInstalled | ServerState::NoInstance => Relation::Absent,
        ServerState::Unknown { why } => Relation::Unreachable(why.clone()),
        ServerState::Starting => Relation::Unreachable("its server is loading its data".to_owned()),
        ServerState::Stopped { .. } if empty => Relation::Absent,
        ServerState::Running | ServerState::Stopped { .. } => match link.instance.role {
            Some(Role::Replica) => follower(link, &facts, &upstream, empty),
            Some(Role::Primary) if empty => Relation::Absent,
            Some(Role::Primary) => writable(link, &facts, &upstream),
            None => Relation::Unreachable("whether it takes writes isn't known".to_owned()),
        },
    }
}

/// A server that takes writes, or would when started, and holds something.
fn writable(link: &Link<'_>, facts: &RedisFacts, upstream: &RedisFacts) -> Relation {
    if link.instance.data.is_none() {
        return Relation::Unreachable("its data directory isn't known".to_owned());
    }
    let kin = own_histories(facts).iter().any(|own| {
        upstream
            .histories()
            .iter()
            .any(|(history, _)| history == own)
    });
    if kin {
        return Relation::ForeignData(format!(
            "takes writes and comes from the history of {}: a former replica or primary that may hold writes of its own ({})",
            link.upstream.server,
            contents(link.instance, facts)
        ));
    }
    Relation::ForeignData(format!(
        "holds data that is not a copy of {}: {}",
        link.replication.name,
        contents(link.instance, facts)
    ))
}

/// The histories that its data belongs to: what the running server says, else its dump.
fn own_histories(facts: &RedisFacts) -> Vec<&str> {
    let running: Vec<&str> = facts.histories().into_iter().map(|(id, _)| id).collect();
    if !running.is_empty() {
        return running;
    }
    let dump = facts.dump.as_ref();
    dump.and_then(|dump| dump.replication_id.as_deref())
        .into_iter()
        .collect()
}

/// What a person would recognise: keys by database, or the dump.
pub(super) fn contents(instance: &Instance, facts: &RedisFacts) -> String {
    let directory = instance
        .data
        .as_ref()
        .map_or("an unknown directory", |data| data.directory.as_str());
    if let Some(keys) = facts.keys() {
        let databases: Vec<String> = facts
            .databases()
            .map(|(name, keys)| format!("{keys} in {name}"))
            .collect();
        return if databases.is_empty() {
            format!("{keys} libraries of functions")
        } else {
            format!(
                "{} keys ({})",
                facts.databases().map(|(_, keys)| keys).sum::<u64>(),
                databases.join(", ")
            )
        };
    }
    let bytes = instance.data.as_ref().map(|data| data.bytes);
    format!(
        "a stopped server of {} in {directory}",
        bytes.unwrap_or_default()
    )
}

/// A server that follows, or would when started.
fn follower(link: &Link<'_>, facts: &RedisFacts, upstream: &RedisFacts, empty: bool) -> Relation {
    let Some(seen) = &link.instance.upstream else {
        return Relation::Unreachable("whom it follows isn't known".to_owned());
    };
    if !is_wanted_upstream(link, &seen.host, seen.port, upstream) {
        return Relation::Elsewhere(format!(
            "reads from {}:{}, wanted {}:{}",
            seen.host,
            seen.port,
            link.upstream_address(),
            tls::dialled_port(link, upstream)
        ));
    }
    match &seen.streaming {
        Streaming::Yes | Streaming::CatchingUp => {
            worn(link, facts, upstream).map_or(Relation::Linked, Relation::Worn)
        }
        // Nothing would be lost, and its first synchronisation never came about.
        Streaming::No { .. } if empty => Relation::Absent,
        Streaming::No { why } => unconnected(link, facts, upstream, why),
    }
}

/// What replform made for a link and isn't there any more: it streams only until its connection ends, or a restart comes.
fn worn(link: &Link<'_>, facts: &RedisFacts, upstream: &RedisFacts) -> Option<String> {
    // A link that replform didn't make has another account, or none.
    link.marker?;
    let name = account_of(link.replication, link.replica);
    let at = &link.upstream.server;
    if !upstream.users.iter().any(|user| user.name == name) {
        return Some(format!("its user {name} is gone on {at}"));
    }
    let kept = upstream.directives.contains_key(&format!("user/{name}"));
    if !kept && upstream.setting("aclfile").unwrap_or_default().is_empty() {
        return Some(format!(
            "its user {name} doesn't stand in {} of {at}: a restart there ends the link",
            upstream.conf
        ));
    }
    if facts.info("slave_read_only") == Some("0") {
        return Some("it takes writes (replica-read-only is off)".to_owned());
    }
    if let Some(otherwise) = tls::reads_otherwise(link, facts) {
        return Some(otherwise);
    }
    let wanted = format!(
        "{} {}",
        link.upstream_address(),
        tls::dialled_port(link, upstream)
    );
    if facts.directives.get("replicaof") != Some(&wanted) {
        return Some(format!(
            "its {} doesn't name its upstream: after a restart it would take writes",
            facts.conf
        ));
    }
    (!facts.directives.contains_key("masterauth")).then(|| {
        format!(
            "its {} has no masterauth: after a restart it can't connect",
            facts.conf
        )
    })
}

/// The address in the settings is the wanted one, or the upstream itself lists this replica (a name stands for the address).
fn is_wanted_upstream(link: &Link<'_>, host: &str, port: u16, upstream: &RedisFacts) -> bool {
    let known = [
        link.upstream.address.as_str(),
        link.upstream.public_address.as_str(),
    ];
    let listed = || {
        upstream
            .connections
            .iter()
            .any(|(address, _)| address == link.replica_address())
            && link
                .instance
                .upstream
                .as_ref()
                .is_some_and(|seen| seen.streaming == Streaming::Yes)
            && link.instance.position.as_ref().map(|own| &own.history)
                == link
                    .upstream_instance
                    .position
                    .as_ref()
                    .map(|up| &up.history)
    };
    // One server has both.
    let plain = link.upstream.instance.port;
    let ports = [plain, tls::port(upstream, plain)];
    (ports.contains(&port) && known.contains(&host)) || listed()
}

/// The right upstream, but no link: can it go on from where it is?
fn unconnected(link: &Link<'_>, facts: &RedisFacts, upstream: &RedisFacts, why: &str) -> Relation {
    if facts.append_only_file && link.instance.server != ServerState::Running {
        return Relation::Unreachable(format!(
            "is stopped and keeps an append-only file, which doesn't say whose copy it is: start it, then plan again ({why})"
        ));
    }
    let from = &link.upstream.server;
    let place = link.instance.position.as_ref();
    let (Some((own, offset)), Some(end)) = (
        place.and_then(|place| Some((place.history.as_str(), place.offset?))),
        upstream.number("master_repl_offset"),
    ) else {
        return Relation::ForeignData(format!(
            "is set to follow {from}, but doesn't say whose copy its data is: {}",
            contents(link.instance, facts)
        ));
    };
    let histories = upstream.histories();
    match histories.iter().find(|(history, _)| *history == own) {
        Some((_, None)) if offset > end => {
            return Relation::Diverged(format!(
                "is ahead of {from} in the same history ({offset}, there {end})"
            ));
        }
        // `second_repl_offset` is the first offset of the new history.
        Some((_, Some(left))) if offset >= *left => {
            return Relation::Diverged(format!(
                "went on to {offset} in the history that {from} left at {left}"
            ));
        }
        Some(_) => {}
        None => {
            return Relation::ForeignData(format!(
                "is set to follow {from}, but its data isn't of the history there ({why}): {}",
                contents(link.instance, facts)
            ));
        }
    }
    let first = upstream
        .number("repl_backlog_first_byte_offset")
        .filter(|_| upstream.number("repl_backlog_active") == Some(1));
    match first {
        Some(first) if offset + 1 >= first => Relation::Disconnected(why.to_owned()),
        Some(first) => Relation::Broken(format!(
            "needs what was written from {} on, but the backlog of {from} begins at {first} ({why})",
            offset + 1
        )),
        None => Relation::Broken(format!("{from} keeps no backlog to go on from ({why})")),
    }
}
