//! How a link stands, by PostgreSQL's proofs: what is *replayed*, on which timeline, and what the upstream still has.
//!
//! A system identifier is no proof of kinship: machines cloned from one image share it. A standby is a copy when its
//! identifier is the upstream's *and* its timeline and replayed position lie in the upstream's history.

use super::conninfo::parse;
use super::facts::PostgresFacts;
use super::lsn::Lsn;
use super::settings::{self, NOUN};
use super::tls;
use crate::engines::{Link, account_of, describe};
use crate::observe::{Instance, Role, ServerState, Streaming};
use crate::plan::Relation;

/// The relation of a link.
pub(super) fn relation(link: &Link<'_>) -> Relation {
    let (facts, upstream) = match (
        PostgresFacts::of(link.instance),
        PostgresFacts::of(link.upstream_instance),
    ) {
        (Ok(facts), Ok(upstream)) => (facts, upstream),
        (Err(error), _) | (_, Err(error)) => {
            return Relation::Unreachable(format!(
                "the observation isn't of this version of replform: {error}"
            ));
        }
    };
    match &link.instance.server {
        ServerState::NotInstalled | ServerState::NoInstance => Relation::Absent,
        ServerState::Unknown { why } => Relation::Unreachable(why.clone()),
        ServerState::Running if link.instance.role == Some(Role::Primary) => writable(link),
        ServerState::Running => standby(link, &facts, &upstream),
        ServerState::Stopped { .. } | ServerState::Starting if is_standby(&facts) => {
            standby(link, &facts, &upstream)
        }
        ServerState::Starting => Relation::Unreachable("its server is starting".to_owned()),
        ServerState::Stopped { .. } => writable(link),
    }
}

fn is_standby(facts: &PostgresFacts) -> bool {
    facts
        .signals
        .iter()
        .any(|signal| signal == "standby.signal")
}

/// A server that takes writes, or would when started: empty, or somebody's data.
fn writable(link: &Link<'_>) -> Relation {
    let Some(data) = &link.instance.data else {
        return Relation::Unreachable("its data directory isn't known".to_owned());
    };
    if data.empty {
        return Relation::Absent;
    }
    if link.instance.identity.is_some() && link.instance.identity == link.upstream_instance.identity
    {
        return Relation::ForeignData(format!(
            "is writable and has the system identifier of {}: a clone, or an old primary that may hold writes of its own ({})",
            link.upstream.server,
            contents(link.instance)
        ));
    }
    Relation::ForeignData(format!(
        "holds data that is not a copy of {}: {}",
        link.replication.name,
        contents(link.instance)
    ))
}

fn contents(instance: &Instance) -> String {
    describe::contents(instance, NOUN, |name| {
        matches!(name, "template0" | "template1")
    })
}

/// A server that follows, or would when started.
fn standby(link: &Link<'_>, facts: &PostgresFacts, upstream: &PostgresFacts) -> Relation {
    let reads_from = link
        .instance
        .upstream
        .as_ref()
        .map(|seen| format!("{}:{}", seen.host, seen.port));
    if link.instance.identity.is_none() || link.instance.identity != link.upstream_instance.identity
    {
        return Relation::ForeignData(format!(
            "is a replica of another database{}: {}",
            reads_from.map_or_else(String::new, |from| format!(" (reads from {from})")),
            contents(link.instance)
        ));
    }
    let Some(seen) = &link.instance.upstream else {
        return unconnected(link, facts, upstream, "no upstream is set");
    };
    if !is_wanted_upstream(link, &seen.host, seen.port, upstream) {
        let why = format!(
            "reads from {}:{}, wanted {}:{}",
            seen.host,
            seen.port,
            link.upstream_address(),
            link.upstream.instance.port
        );
        if !link.is_member(&seen.host, seen.port) {
            return Relation::Elsewhere(why);
        }
        // Of the same replication: it goes on from another member, where that has what it needs.
        return unconnected(link, facts, upstream, &why);
    }
    match &seen.streaming {
        // What it reads from now goes: it may be behind what the new copy begins with.
        Streaming::Yes | Streaming::CatchingUp if is_to_be_copied(link) => {
            unconnected(link, facts, upstream, "its upstream gets a new copy")
        }
        Streaming::Yes | Streaming::CatchingUp => {
            worn(link, facts, upstream).map_or(Relation::Linked, Relation::Worn)
        }
        Streaming::No { why } => unconnected(link, facts, upstream, why),
    }
}

/// What replform made for a link and isn't there any more: it streams only until its connection ends.
fn worn(link: &Link<'_>, facts: &PostgresFacts, upstream: &PostgresFacts) -> Option<String> {
    let name = account_of(link.replication, link.replica);
    // A link that replform took over has other names, or none.
    let conninfo = parse(facts.conninfo.as_deref()?);
    if link.marker.is_none() || conninfo.get("user") != Some(&name) {
        return None;
    }
    let at = &link.upstream.server;
    if !upstream.roles.iter().any(|role| role.name == name) {
        return Some(format!("its role {name} is gone on {at}"));
    }
    if !upstream.slots.iter().any(|slot| slot.name == name) {
        return Some(format!("its slot {name} is gone on {at}"));
    }
    let Some(lines) = upstream.hba_blocks.get(&name) else {
        return Some(format!(
            "the lines of {name} in pg_hba.conf of {at} are gone"
        ));
    };
    if !tls::lets_in_as_wanted(link, lines) {
        return Some(format!(
            "{at} lets {name} in {} TLS, wanted {}",
            if link.verifies() {
                "without"
            } else {
                "only with"
            },
            if link.verifies() {
                "only with it"
            } else {
                "without"
            }
        ));
    }
    if !facts.passfile {
        return Some("its password file is gone: it can't connect again".to_owned());
    }
    let wanted = settings::link_lines(link);
    let stands = |line: &&String| facts.drop_in.iter().any(|own| same_link(own, line));
    let changed = wanted.iter().find(|line| !stands(line))?;
    let setting = changed.split(' ').next().unwrap_or_default();
    Some(format!(
        "{setting} in its conf.d/90-replform.conf is not as replform wrote it"
    ))
}

/// Whether two lines of a drop-in link to the same upstream in the same way, however patient either is with a dead connection.
fn same_link(one: &str, other: &str) -> bool {
    let parts = |line: &str| {
        let (name, value) = line.split_once(" = ")?;
        let value = value.strip_prefix('\'')?.strip_suffix('\'')?;
        let mut parameters = parse(&value.replace("''", "'"));
        parameters.retain(|name, _| !name.starts_with("keepalives") && name != "connect_timeout");
        Some((name.to_owned(), parameters))
    };
    let is_conninfo = one.starts_with("primary_conninfo ");
    one == other || (is_conninfo && parts(one).is_some() && parts(one) == parts(other))
}

/// The address in the settings is the wanted one, or the upstream itself lists this replica (a name stands for the address).
fn is_wanted_upstream(link: &Link<'_>, host: &str, port: u16, upstream: &PostgresFacts) -> bool {
    let known = [
        link.upstream.address.as_str(),
        link.upstream.public_address.as_str(),
    ];
    let listed = || {
        upstream
            .senders
            .iter()
            .any(|sender| sender.state != "backup" && sender.address == link.replica_address())
            && link
                .instance
                .upstream
                .as_ref()
                .is_some_and(|seen| matches!(seen.streaming, Streaming::Yes))
    };
    (port == link.upstream.instance.port && known.contains(&host)) || listed()
}

/// The right upstream, but no stream: can it go on from where it is?
fn unconnected(
    link: &Link<'_>,
    facts: &PostgresFacts,
    upstream: &PostgresFacts,
    why: &str,
) -> Relation {
    let own = position(link.instance, facts);
    let (Some((timeline, replayed)), Some((upstream_timeline, written))) =
        (own, position(link.upstream_instance, upstream))
    else {
        return Relation::Unreachable(format!("its position isn't known ({why})"));
    };
    if timeline == upstream_timeline {
        if replayed > written && !is_of_the_primary(link, timeline, replayed) {
            return Relation::Diverged(format!(
                "is ahead of {} on the same timeline {timeline} ({replayed}, there {written})",
                link.upstream.server
            ));
        }
    } else {
        let left = upstream
            .history
            .iter()
            .find(|switch| switch.timeline == upstream_timeline && switch.ancestor == timeline);
        match left {
            Some(switch) if replayed <= switch.left_at => {}
            Some(switch) => {
                return Relation::Diverged(format!(
                    "went on along timeline {timeline} to {replayed}, which {} left at {}",
                    link.upstream.server, switch.left_at
                ));
            }
            None => {
                return Relation::Diverged(format!(
                    "is on timeline {timeline}, which is not in the history of {} (timeline {upstream_timeline})",
                    link.upstream.server
                ));
            }
        }
    }
    let segment = replayed.segment_start(upstream.segment_bytes());
    match upstream.oldest_wal {
        // It follows the primary until its new upstream, which is copied after this, follows too.
        Some(_) if reads_from_primary(link) && is_to_be_copied(link) => {
            Relation::Disconnected(why.to_owned())
        }
        Some(oldest) if oldest > segment => Relation::Broken(format!(
            "needs the log from {replayed} on, but {} keeps it only from {oldest} on ({why})",
            link.upstream.server
        )),
        Some(_) | None => Relation::Disconnected(why.to_owned()),
    }
}

/// Whether a position ahead of the upstream's is on the primary's own way: an upstream that is a replica gets there too, and one
/// that was asked a moment earlier was behind what streams.
fn is_of_the_primary(link: &Link<'_>, timeline: u32, replayed: Lsn) -> bool {
    let Ok(primary) = PostgresFacts::of(link.primary_instance) else {
        return false;
    };
    let streams = link.instance.upstream.as_ref().is_some_and(|seen| {
        !matches!(seen.streaming, Streaming::No { .. }) && link.is_member(&seen.host, seen.port)
    });
    position(link.primary_instance, &primary)
        .is_some_and(|(there, written)| timeline == there && (streams || replayed <= written))
}

fn reads_from_primary(link: &Link<'_>) -> bool {
    let primary = &link.replication.primary;
    link.instance.upstream.as_ref().is_some_and(|seen| {
        seen.streaming == Streaming::Yes
            && seen.port == primary.instance.port
            && [&primary.address, &primary.public_address].contains(&&seen.host)
    })
}

/// Whether the upstream is only what this plan makes of it.
fn is_to_be_copied(link: &Link<'_>) -> bool {
    let (name, port) = (&link.replication.engine.0, link.upstream.instance.port);
    let seen = link.upstream_facts.instance(name, port);
    seen != Some(link.upstream_instance)
}

/// Timeline and replayed (or written) position, from the running server, else from the control file.
pub(super) fn position(instance: &Instance, facts: &PostgresFacts) -> Option<(u32, Lsn)> {
    let running = || Some((facts.timeline?, Lsn(instance.position.as_ref()?.offset?)));
    let stopped = || {
        let control = facts.control.as_ref()?;
        let end = control
            .minimum_recovery_end
            .into_iter()
            .chain(control.checkpoint)
            .max()?;
        Some((control.timeline?, end))
    };
    running().or_else(stopped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_with_dead_links_makes_no_other_link() {
        let line = |host: &str, idle: u8| {
            format!("primary_conninfo = 'host={host} port=5432 user=a keepalives_idle={idle}'")
        };
        assert!(same_link(&line("10.0.0.1", 10), &line("10.0.0.1", 20)));
        assert!(!same_link(&line("10.0.0.1", 10), &line("10.0.0.2", 10)));
        let slot = |name: &str| format!("primary_slot_name = '{name}'");
        assert!(same_link(&slot("a"), &slot("a")) && !same_link(&slot("a"), &slot("b")));
    }
}
