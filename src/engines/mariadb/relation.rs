//! How a link stands, by MariaDB's proofs: what is *applied* (gtid_slave_pos), who wrote what (gtid_binlog_state), and what the
//! upstream still has.
//!
//! There is no set of executed transactions to subtract. A server that wrote by itself is found by its own id in its binlog's
//! state, where the upstream's state doesn't have the same (engine page, section 7).

use super::facts::{Connection, CopyNote, MariaFacts};
use super::gtid::{Gtid, Gtids};
use super::settings::{self, NOUN, source};
use super::tls;
use crate::engines::describe::contents;
use crate::engines::{Link, account_of};
use crate::observe::{ServerState, Streaming};
use crate::plan::Relation;

/// Errors of the IO thread that a new account, another try or another server id mends (MariaDB error codes).
const WENT_AWAY: u32 = 1236;
/// An event that would be out of order, in strict mode: somebody wrote here.
const OUT_OF_ORDER: u32 = 1950;
/// Errors of the SQL thread that say that the data here isn't the upstream's any more: duplicate key, row not found, no such
/// table or column, table or database exists or doesn't, foreign keys, no such account.
const DATA_DIFFERS: [u32; 15] = [
    1007, 1008, 1032, 1050, 1051, 1054, 1060, 1061, 1062, 1091, 1146, 1396, 1451, 1452, 1677,
];

/// Settings of a replica without which a restart would make it something else.
const KEPT: [&str; 3] = ["server_id", "read_only", "log_bin"];

/// The relation of a link.
pub(super) fn relation(link: &Link<'_>) -> Relation {
    let (facts, upstream) = match (
        MariaFacts::of(link.instance),
        MariaFacts::of(link.upstream_instance),
    ) {
        (Ok(facts), Ok(upstream)) => (facts, upstream),
        (Err(error), _) | (_, Err(error)) => {
            return Relation::Unreachable(format!(
                "the observation isn't of this version of replform: {error}"
            ));
        }
    };
    if !facts.relative.is_empty() {
        return Relation::ForeignData(format!("has {}, not MariaDB", facts.relative));
    }
    match &link.instance.server {
        ServerState::NotInstalled | ServerState::NoInstance => Relation::Absent,
        ServerState::Unknown { why } => Relation::Unreachable(why.clone()),
        ServerState::Starting => Relation::Unreachable("its server is starting".to_owned()),
        ServerState::Running if facts.connections.is_empty() => standalone(link, &facts),
        ServerState::Running => replica(link, &facts, &upstream),
        ServerState::Stopped { .. } => stopped(link, &facts),
    }
}

/// A copy of this very upstream that waits in the data directory.
fn own_copy<'a>(link: &Link<'_>, facts: &'a MariaFacts) -> Option<&'a CopyNote> {
    facts
        .copy
        .as_ref()
        .filter(|note| note.source == source(link) && note.gtid.parse::<Gtids>().is_ok())
}

/// A server that runs and reads from nobody.
fn standalone(link: &Link<'_>, facts: &MariaFacts) -> Relation {
    if own_copy(link, facts).is_some() {
        return match own_writes(facts, &Gtids::default()) {
            Some(written) if written.is_empty() => {
                Relation::Disconnected("its copy is in place and not linked yet".to_owned())
            }
            Some(written) => Relation::Diverged(format!(
                "has a copy of {} that was written to before it was linked ({})",
                link.upstream.server,
                shown(&written)
            )),
            None => Relation::Unreachable("its GTIDs aren't known".to_owned()),
        };
    }
    writable(link)
}

/// A server that takes writes, or would when started: empty, or somebody's data.
fn writable(link: &Link<'_>) -> Relation {
    match &link.instance.data {
        None => Relation::Unreachable("its data directory isn't known".to_owned()),
        Some(data) if data.empty => Relation::Absent,
        Some(_) => Relation::ForeignData(format!(
            "holds data that is not a copy of {}: {}",
            link.replication.name,
            contents(link.instance, NOUN, |_| false)
        )),
    }
}

fn stopped(link: &Link<'_>, facts: &MariaFacts) -> Relation {
    if own_copy(link, facts).is_some() {
        return Relation::Disconnected("its copy is in place and not linked yet".to_owned());
    }
    match &facts.master_info {
        Some((host, port)) if is_wanted(link, host, *port) => {
            Relation::Disconnected("its server is stopped".to_owned())
        }
        Some((host, port)) => elsewhere(link, host, *port),
        None => writable(link),
    }
}

fn is_wanted(link: &Link<'_>, host: &str, port: u16) -> bool {
    let known = [
        link.upstream.address.as_str(),
        link.upstream.public_address.as_str(),
    ];
    port == link.upstream.instance.port && known.contains(&host)
}

fn elsewhere(link: &Link<'_>, host: &str, port: u16) -> Relation {
    Relation::Elsewhere(format!(
        "reads from {host}:{port}, wanted {}:{}",
        link.upstream_address(),
        link.upstream.instance.port
    ))
}

fn replica(link: &Link<'_>, facts: &MariaFacts, upstream: &MariaFacts) -> Relation {
    let names: Vec<&str> = facts.connections.iter().map(Connection::name).collect();
    let Some(connection) = facts.connection().filter(|_| names.len() == 1) else {
        return Relation::Elsewhere(format!(
            "replicates by connections of its own: {}",
            names
                .iter()
                .map(|name| format!("\"{name}\""))
                .collect::<Vec<_>>()
                .join(", ")
        ));
    };
    let port = connection.field("Master_Port").parse().unwrap_or(0);
    if !is_wanted(link, connection.field("Master_Host"), port) && !is_listed(link, upstream) {
        return elsewhere(link, connection.field("Master_Host"), port);
    }
    let Some(state) = upstream.gtids("gtid_binlog_state") else {
        return Relation::Unreachable(format!(
            "the GTIDs of {} aren't known",
            link.upstream.server
        ));
    };
    match own_writes(facts, &state) {
        Some(written) if written.is_empty() => {}
        Some(written) => {
            return Relation::Diverged(format!(
                "has transactions of its own ({}), which {} never had",
                shown(&written),
                link.upstream.server
            ));
        }
        None => return Relation::Unreachable("its GTIDs aren't known".to_owned()),
    }
    match link.instance.upstream.as_ref().map(|seen| &seen.streaming) {
        Some(Streaming::No { why }) => unconnected(link, facts, upstream, connection, why, &state),
        _ => worn(link, facts, upstream).map_or(Relation::Linked, Relation::Worn),
    }
}

/// What replform made for a link and isn't there any more: it streams only until its connection ends, or takes writes.
fn worn(link: &Link<'_>, facts: &MariaFacts, upstream: &MariaFacts) -> Option<String> {
    // A link that replform didn't make has other names, or none.
    link.marker?;
    let name = account_of(link.replication, link.replica);
    let at = &link.upstream.server;
    let mut accounts = upstream.accounts.iter();
    let account = accounts.find(|own| own.user == name && own.host == link.replica_address());
    let Some(account) = account else {
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
    let mut connections = facts.connections.iter();
    if connections.any(|connection| !tls::reads_as_wanted(link, connection)) {
        return Some("its connection isn't encrypted as wanted".to_owned());
    }
    if !facts.login {
        return Some("its file /etc/mysql/replform.client is gone".to_owned());
    }
    if facts.variable("read_only") == Some("OFF") {
        return Some("it isn't read_only any more".to_owned());
    }
    let settings = settings::replica_settings(link, facts, upstream);
    let lines = settings
        .iter()
        .map(|(name, value)| (name, settings::line(name, value)));
    let changed = lines
        .filter(|(name, _)| KEPT.contains(name))
        .find(|(_, line)| !facts.drop_in.contains(line))?;
    Some(format!(
        "{} in its mariadb.conf.d/99-replform.cnf is not as replform wrote it",
        changed.0
    ))
}

/// The upstream lists this replica's account as one that reads: a name in the settings stands for its address.
fn is_listed(link: &Link<'_>, upstream: &MariaFacts) -> bool {
    let account = account_of(link.replication, link.replica);
    upstream.dumps.iter().any(|dump| dump.user == account)
        && link
            .instance
            .upstream
            .as_ref()
            .is_some_and(|seen| matches!(seen.streaming, Streaming::Yes))
}

/// What this server wrote by itself and `history` doesn't have. `None`: not known.
fn own_writes(facts: &MariaFacts, history: &Gtids) -> Option<Vec<Gtid>> {
    let (state, id) = (facts.gtids("gtid_binlog_state")?, facts.server_id()?);
    Some(
        state
            .by(id)
            .filter(|gtid| !history.has(gtid))
            .copied()
            .collect(),
    )
}

fn shown(gtids: &[Gtid]) -> String {
    Gtids(gtids.to_vec()).to_string()
}

/// The right upstream, but no stream: can it go on from where it is?
fn unconnected(
    link: &Link<'_>,
    facts: &MariaFacts,
    upstream: &MariaFacts,
    connection: &Connection,
    why: &str,
    state: &Gtids,
) -> Relation {
    let sql = connection.error_number("SQL");
    if sql == OUT_OF_ORDER || DATA_DIFFERS.contains(&sql) {
        return Relation::Diverged(format!(
            "can't apply what {} has, as its own data isn't the same: {why}",
            link.upstream.server
        ));
    }
    if connection.error_number("IO") == WENT_AWAY {
        let gone = why.contains("Could not find GTID state") || why.contains("purged");
        return if gone {
            Relation::Broken(format!(
                "needs binlogs that {} no longer has ({why})",
                link.upstream.server
            ))
        } else {
            Relation::Diverged(format!("is refused by {}: {why}", link.upstream.server))
        };
    }
    let Some(applied) = facts.gtids("gtid_slave_pos") else {
        return Relation::Unreachable(format!("its position isn't known ({why})"));
    };
    for gtid in &applied.0 {
        if state
            .last(gtid.domain)
            .is_none_or(|last| last < gtid.sequence)
        {
            return Relation::Diverged(format!(
                "has applied {gtid}, which {} doesn't have ({state})",
                link.upstream.server
            ));
        }
    }
    match upstream.keeps_binlogs_from(&applied) {
        Some(gtid) => Relation::Broken(format!(
            "has applied up to {applied}, but {} keeps its binlogs only from {gtid} on ({why})",
            link.upstream.server
        )),
        None => Relation::Disconnected(why.to_owned()),
    }
}
