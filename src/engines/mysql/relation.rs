//! How a link stands, by MySQL's proofs: which transactions are *executed* here and there, and which the upstream still has.
//!
//! A server_uuid is no proof of kinship: machines cloned from one image share it. A server is a copy when all it has executed
//! was executed by its upstream, and nothing could have been written to it past that.

use super::facts::{Channel, MysqlFacts};
use super::gtid::GtidSet;
use super::settings;
use super::tls;
use crate::engines::{Link, account_of, describe};
use crate::observe::{Role, ServerState, Streaming};
use crate::plan::Relation;

/// The relation of a link.
pub(super) fn relation(link: &Link<'_>) -> Relation {
    let (facts, upstream) = match (
        MysqlFacts::of(link.instance),
        MysqlFacts::of(link.upstream_instance),
    ) {
        (Ok(facts), Ok(upstream)) => (facts, upstream),
        (Err(error), _) | (_, Err(error)) => {
            return Relation::Unreachable(format!(
                "the observation isn't of this version of replform: {error}"
            ));
        }
    };
    if let Some(version) = &facts.mariadb {
        return Relation::ForeignData(format!(
            "its host has a MariaDB {version}, which is no copy of a MySQL"
        ));
    }
    match &link.instance.server {
        ServerState::NotInstalled | ServerState::NoInstance => Relation::Absent,
        ServerState::Unknown { why } => Relation::Unreachable(why.clone()),
        ServerState::Starting => Relation::Unreachable("its server is starting".to_owned()),
        ServerState::Stopped { .. } => stopped(link, &facts),
        ServerState::Running => match facts.channel() {
            Some(channel) => reading(link, &facts, &upstream, channel),
            None => without_channel(link, &facts, &upstream),
        },
    }
}

/// A stopped server says nothing of its transactions; what our own notes say is looked at again when it runs, read-only.
fn stopped(link: &Link<'_>, facts: &MysqlFacts) -> Relation {
    let Some(data) = &link.instance.data else {
        return Relation::Unreachable("its data directory isn't known".to_owned());
    };
    if data.empty {
        return Relation::Absent;
    }
    if facts.own_line("super_read_only") != Some("ON") {
        return foreign(link);
    }
    // A server that ever ran has made itself a server_uuid.
    if facts.copy_of.is_some() && link.instance.identity.is_none() {
        return if facts.copy_of == link.upstream_instance.identity {
            Relation::Disconnected("its copy is in place, its server wasn't started yet".to_owned())
        } else {
            foreign(link)
        };
    }
    if link.marker.is_some() {
        Relation::Disconnected("its server is stopped".to_owned())
    } else {
        foreign(link)
    }
}

fn foreign(link: &Link<'_>) -> Relation {
    let contents = describe::contents(link.instance, "server", |_| false);
    if link.instance.identity.is_some() && link.instance.identity == link.upstream_instance.identity
    {
        return Relation::ForeignData(format!(
            "is writable and has the server_uuid of {}: a clone, or an old primary that may hold writes of its own ({contents})",
            link.upstream.server
        ));
    }
    Relation::ForeignData(format!(
        "holds data that is not a copy of {}: {contents}",
        link.replication.name
    ))
}

/// A running server that reads from nobody: a copy whose link isn't made yet, or somebody's data.
fn without_channel(link: &Link<'_>, facts: &MysqlFacts, upstream: &MysqlFacts) -> Relation {
    if link.instance.data.as_ref().is_some_and(|data| data.empty) {
        return Relation::Absent;
    }
    let kept_read_only =
        facts.is_on("super_read_only") && facts.own_line("super_read_only") == Some("ON");
    if !kept_read_only || facts.copy_of.is_none() {
        return foreign(link);
    }
    unconnected(link, facts, upstream, "its link isn't made yet")
}

/// A server that has a channel.
fn reading(
    link: &Link<'_>,
    facts: &MysqlFacts,
    upstream: &MysqlFacts,
    channel: &Channel,
) -> Relation {
    if facts
        .channels
        .iter()
        .filter(|one| !one.host.is_empty())
        .count()
        > 1
        || !channel.name.is_empty()
    {
        return Relation::Elsewhere(format!(
            "reads through {} channels (\"{}\" from {}:{}); replform keeps one, the default one",
            facts.channels.len(),
            channel.name,
            channel.host,
            channel.port
        ));
    }
    if !is_wanted_upstream(link, channel) {
        return Relation::Elsewhere(format!(
            "reads from {}:{}, wanted {}:{}",
            channel.host,
            channel.port,
            link.upstream_address(),
            link.upstream.instance.port
        ));
    }
    match link.instance.upstream.as_ref().map(|seen| &seen.streaming) {
        Some(Streaming::Yes | Streaming::CatchingUp) => following(link, facts, upstream, channel),
        Some(Streaming::No { why })
            if channel.applier == "OFF"
                && channel.applier_error != 0
                && !is_of_the_relay_log(channel) =>
        {
            // Its rows aren't its upstream's: somebody wrote here past the binary log, or the schemas differ.
            match unconnected(link, facts, upstream, why) {
                Relation::Disconnected(why) => Relation::Diverged(format!(
                    "{why}: it holds rows that its upstream's transactions don't fit"
                )),
                other => other,
            }
        }
        Some(Streaming::No { why }) => unconnected(link, facts, upstream, why),
        None => Relation::Unreachable("its channel isn't understood".to_owned()),
    }
}

/// A damaged relay log is fetched again (MySQL 9 errors 1594, 13121, 1593 to 1595).
fn is_of_the_relay_log(channel: &Channel) -> bool {
    matches!(channel.applier_error, 1593..=1595 | 13121)
}

fn is_wanted_upstream(link: &Link<'_>, channel: &Channel) -> bool {
    let known = [
        link.upstream.address.as_str(),
        link.upstream.public_address.as_str(),
    ];
    let at = channel.port == link.upstream.instance.port && known.contains(&channel.host.as_str());
    // A name stands for the address: the upstream itself says who it is.
    let same = Some(&channel.source) == link.upstream_instance.identity.as_ref()
        && !channel.source.is_empty();
    let twins = settings::others(link)
        .filter(|other| other.identity == link.upstream_instance.identity)
        .count()
        > 1;
    at || (same && channel.connection == "ON" && !twins)
}

/// Connected and applying. Its own transactions are errant ones, also while it runs.
fn following(
    link: &Link<'_>,
    facts: &MysqlFacts,
    upstream: &MysqlFacts,
    channel: &Channel,
) -> Relation {
    if let (Some(own), Some(there)) = (facts.executed(), upstream.executed()) {
        // The two were asked at different moments: what the upstream itself wrote meanwhile isn't errant.
        let errant = own.without(&there).not_of(&channel.source);
        if !errant.is_empty() {
            return diverged(link, &errant);
        }
    }
    if link.instance.role == Some(Role::Replica) && link.marker.is_some() {
        worn(link, facts, upstream).map_or(Relation::Linked, Relation::Worn)
    } else {
        Relation::Linked
    }
}

/// What replform made for a link and isn't there any more: it follows only until its connection or its server ends.
fn worn(link: &Link<'_>, facts: &MysqlFacts, upstream: &MysqlFacts) -> Option<String> {
    let name = account_of(link.replication, link.replica);
    let at = &link.upstream.server;
    let address = link.replica_address();
    let Some(account) = upstream
        .accounts
        .iter()
        .find(|account| account.user == name && account.host == address && !account.locked)
    else {
        return Some(format!("its account {name} is gone on {at}"));
    };
    if !tls::logs_in_as_wanted(link, account) {
        return Some(format!(
            "its account {name} on {at} {} a certificate",
            if link.verifies() {
                "doesn't ask for"
            } else {
                "asks for"
            }
        ));
    }
    if facts
        .channel()
        .is_some_and(|channel| !tls::reads_as_wanted(link, channel))
    {
        return Some("its connection isn't encrypted as wanted".to_owned());
    }
    if !facts.is_on("super_read_only") {
        return Some("super_read_only is off: it takes writes".to_owned());
    }
    if facts.own_line("super_read_only") != Some("ON")
        || facts
            .persisted
            .get("super_read_only")
            .is_some_and(|value| value == "OFF")
    {
        return Some("nothing keeps it read-only after a restart".to_owned());
    }
    if facts.own_line("skip_replica_start").is_some() {
        return Some("its file keeps it from following after a restart".to_owned());
    }
    None
}

fn diverged(link: &Link<'_>, errant: &GtidSet) -> Relation {
    let shown: String = errant.to_string().chars().take(200).collect();
    Relation::Diverged(format!(
        "has {} transaction{} that {} never had: {shown}",
        errant.count(),
        if errant.count() == 1 { "" } else { "s" },
        link.upstream.server
    ))
}

/// The right upstream, but nothing arrives or is applied: can it go on from where it is?
fn unconnected(link: &Link<'_>, facts: &MysqlFacts, upstream: &MysqlFacts, why: &str) -> Relation {
    let (Some(own), Some(there), Some(purged)) =
        (facts.executed(), upstream.executed(), upstream.purged())
    else {
        return Relation::Unreachable(format!("its transactions aren't known ({why})"));
    };
    let errant = own.without(&there);
    if !errant.is_empty() {
        return diverged(link, &errant);
    }
    let missing = purged.without(&own);
    if !missing.is_empty() {
        let shown: String = missing.to_string().chars().take(200).collect();
        return Relation::Broken(format!(
            "needs transactions that the binary log of {} no longer holds: {shown} ({why})",
            link.upstream.server
        ));
    }
    Relation::Disconnected(why.to_owned())
}
