//! How a link stands, by MongoDB's proofs: the set's own id, its configuration, and each member's state.
//!
//! A set's name is no proof of kinship, its id (`replicaSetId`) is. A server outside the set loses what it holds when it
//! joins, so anything in it that isn't provably nothing is foreign data.

use super::facts::{MongoFacts, State};
use super::settings::{self, NOUN};
use crate::engines::{Link, describe};
use crate::observe::{Instance, ServerState};
use crate::plan::Relation;

/// The relation of a link.
pub(super) fn relation(link: &Link<'_>) -> Relation {
    let (facts, upstream) = match (
        MongoFacts::of(link.instance),
        MongoFacts::of(link.upstream_instance),
    ) {
        (Ok(facts), Ok(upstream)) => (facts, upstream),
        (Err(error), _) | (_, Err(error)) => {
            return Relation::Unreachable(format!(
                "the observation isn't of this version of replform: {error}"
            ));
        }
    };
    let listed = upstream
        .configured(&settings::host_of(&link.replica.member))
        .is_some();
    match &link.instance.server {
        ServerState::NotInstalled | ServerState::NoInstance => Relation::Absent,
        ServerState::Unknown { why } => Relation::Unreachable(why.clone()),
        ServerState::Starting => Relation::Unreachable("its server is starting".to_owned()),
        ServerState::Stopped { .. } if listed && names_the_set(&facts, &upstream) => {
            Relation::Disconnected("its server is stopped".to_owned())
        }
        ServerState::Stopped { .. } => outside(link),
        ServerState::Running => match facts.state {
            State::Standalone => outside(link),
            // The set tells its configuration to a member that it lists, within seconds.
            State::Waiting if listed => {
                Relation::Disconnected("it waits for the set's configuration".to_owned())
            }
            State::Waiting => outside(link),
            State::Unknown | State::Router => {
                Relation::Unreachable("its state isn't known".to_owned())
            }
            State::Primary | State::Secondary | State::Arbiter | State::Other => {
                member(link, &facts, &upstream)
            }
        },
    }
}

fn names_the_set(facts: &MongoFacts, upstream: &MongoFacts) -> bool {
    upstream.set.as_deref() == Some(facts.setting("replication.replSetName"))
}

/// A server of no set: empty, or somebody's data.
fn outside(link: &Link<'_>) -> Relation {
    match &link.instance.data {
        None => Relation::Unreachable("its data directory isn't known".to_owned()),
        Some(data) if data.empty => Relation::Absent,
        Some(_) => Relation::ForeignData(format!(
            "holds data that is not a copy of {}: {}",
            link.replication.name,
            contents(link.instance)
        )),
    }
}

fn contents(instance: &Instance) -> String {
    describe::contents(instance, NOUN, |_| false)
}

/// A server that is or was a member of some set.
fn member(link: &Link<'_>, facts: &MongoFacts, upstream: &MongoFacts) -> Relation {
    let Some(id) = &link.instance.identity else {
        return without_id(link, facts, upstream);
    };
    if Some(id) != link.upstream_instance.identity.as_ref() {
        return Relation::ForeignData(format!(
            "is a member of another set, \"{}\" (id {id}): {}",
            facts.set.as_deref().unwrap_or("without a name"),
            contents(link.instance)
        ));
    }
    let status = facts.status.as_ref();
    match (facts.state, status.map_or(0, |status| status.state)) {
        (State::Arbiter, _) => Relation::Elsewhere(
            "is an arbiter of the set, which holds no data; wanted a replica".to_owned(),
        ),
        (State::Primary, _) => stands(link, facts, upstream),
        (State::Secondary, _) => match facts.me.as_deref().and_then(|me| upstream.configured(me)) {
            Some(member) if member.joining => {
                Relation::Disconnected("it has its copy and no vote yet".to_owned())
            }
            _ => stands(link, facts, upstream),
        },
        // Listed again it would go on from its last write, if that is still kept.
        (_, 10) => too_stale(facts, upstream)
            .unwrap_or_else(|| Relation::Disconnected("it was taken out of the set".to_owned())),
        (_, 5) => Relation::Disconnected(copying(facts)),
        (_, 9) => Relation::Unreachable(
            "it rolls back writes that the set doesn't have; that takes seconds".to_owned(),
        ),
        (_, 3) => recovering(facts, upstream),
        (_, state) => Relation::Unreachable(format!("its state is {state}")),
    }
}

fn stands(link: &Link<'_>, facts: &MongoFacts, upstream: &MongoFacts) -> Relation {
    worn(link, facts, upstream).map_or(Relation::Linked, Relation::Worn)
}

/// What replform made for a member and isn't there any more: it stays one only until its server restarts.
fn worn(link: &Link<'_>, facts: &MongoFacts, upstream: &MongoFacts) -> Option<String> {
    link.marker?;
    if let Some(why) = key_gone(facts) {
        return Some(why);
    }
    let (line, value) = settings::kept_lines(link, facts, upstream)
        .into_iter()
        .next()?;
    let now = facts.setting(line);
    Some(format!(
        "its {} says {line} \"{now}\", and it runs with \"{value}\": after a restart it would be no member",
        facts.setting("config")
    ))
}

fn key_gone(facts: &MongoFacts) -> Option<String> {
    (facts.key_file == "missing").then(|| {
        format!(
            "its key file {} is gone: after a restart it wouldn't start",
            facts.setting("security.keyFile")
        )
    })
}

fn copying(facts: &MongoFacts) -> String {
    let copy = facts.status.as_ref().and_then(|status| status.copy);
    match copy.filter(|copy| copy.total.0 > 0) {
        Some(copy) => format!("it is a member and copies: {} of {}", copy.done, copy.total),
        None => "it is a member and copies".to_owned(),
    }
}

/// It says that it is a member, but not of which set.
fn without_id(link: &Link<'_>, facts: &MongoFacts, upstream: &MongoFacts) -> Relation {
    let status = facts.refused.get("status").map_or("", String::as_str);
    // Started under another name than its own configuration's, or taken out.
    if status.contains("InvalidReplicaSetConfig") && names_the_set(facts, upstream) {
        return Relation::Disconnected("it was taken out of the set".to_owned());
    }
    // Without its key nobody can ask it; the set itself lists it.
    let listed = upstream.configured(&settings::host_of(&link.replica.member));
    if let (Some(why), Some(_), true) = (key_gone(facts), listed, names_the_set(facts, upstream)) {
        return Relation::Worn(why);
    }
    let why = facts
        .refused
        .get("login")
        .or_else(|| facts.refused.get("config"));
    match why {
        Some(why) => Relation::Unreachable(format!("it doesn't tell its set: {why}")),
        None => Relation::ForeignData(format!(
            "is a member of another set: {}",
            contents(link.instance)
        )),
    }
}

fn recovering(facts: &MongoFacts, upstream: &MongoFacts) -> Relation {
    too_stale(facts, upstream)
        .unwrap_or_else(|| Relation::Unreachable("it recovers; look again in a minute".to_owned()))
}

/// It can't go on when its last write is older than all that its set's primary keeps (engine page, 7).
fn too_stale(facts: &MongoFacts, upstream: &MongoFacts) -> Option<Relation> {
    let own = facts.oplog.map_or(0, |oplog| oplog.last);
    let kept = upstream.oplog.map_or(0, |oplog| oplog.first);
    (own > 0 && kept > own).then(|| {
        Relation::Broken(format!(
            "needs the oplog from {own} on, but the primary keeps it only from {kept} on (seconds since 1970)"
        ))
    })
}
