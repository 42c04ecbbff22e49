//! Which settings a link needs on each end, and which of them aren't as needed.
//!
//! They go into a file of ours that is read last (`zz-replform.cnf`), never into mysqld-auto.cnf: that lies in the data directory
//! and goes away with it (engine page, section 1).

use core::net::IpAddr;
use std::collections::BTreeSet;

use super::facts::MysqlFacts;
use super::tls;
pub(super) use crate::engines::settings::Change;
use crate::engines::{Link, Upstreams, registry};
use crate::observe::{Instance, MachineObservation};
use crate::plan::names;

/// MySQL's own port.
pub(super) const DEFAULT_PORT: u16 = registry::MYSQL.default_port;

/// Debian's data directory.
pub(super) const DATA_DIRECTORY: &str = "/var/lib/mysql";

/// What provision installs.
pub(super) const PACKAGE: &str = "mysql-server";

/// MySQL's limit of account names, characters (MySQL 9 manual, "Account Names").
const NAME_LIMIT: usize = 32;

/// The clone plugin stands among the settings: it must be loaded, and is taken away like a setting is put back.
pub(super) const CLONE: &str = "clone";

/// The account's name of a replica.
pub(super) fn account(replication: &str, replica: &str) -> String {
    names::account(replication, replica, NAME_LIMIT)
}

/// What members share: `9.7` of `9.7.4`. CLONE works within a series only.
pub(super) fn series(version: &str) -> String {
    let mut parts = version.split('.');
    match (parts.next(), parts.next()) {
        (Some(major), Some(minor)) => format!("{major}.{minor}"),
        _ => version.to_owned(),
    }
}

/// The series of an instance's version.
pub(super) fn series_of(instance: &Instance) -> Option<String> {
    instance.version.as_deref().map(series)
}

/// What must change on the upstream before the links can be made.
pub(super) fn upstream_changes(upstreams: &Upstreams<'_>, facts: &MysqlFacts) -> Vec<Change> {
    let mut changes = Vec::new();
    changes.extend(listen(upstreams, facts));
    changes.extend(tls::server_changes(upstreams, facts));
    changes.extend(change(
        facts,
        "log_bin",
        "ON",
        "replicas read its binary log",
        true,
    ));
    changes.extend(gtid(facts));
    changes.extend(identity(upstreams, facts));
    changes.extend(clone(facts));
    if upstreams.new.is_empty() {
        // Links that stand need what replform set for them, and nothing else: they stand.
        let marked = |name: &str| {
            upstreams
                .marker
                .is_some_and(|marker| marker.settings.contains_key(name))
        };
        changes.retain(|change| !upstreams.standing.is_empty() && marked(change.name));
    }
    changes
}

pub(super) fn change(
    facts: &MysqlFacts,
    name: &'static str,
    want: &str,
    why: &str,
    restart: bool,
) -> Option<Change> {
    let now = facts.setting(name)?.to_owned();
    (now != want).then(|| Change {
        name,
        now,
        want: want.to_owned(),
        why: why.to_owned(),
        restart,
    })
}

/// `bind_address` gets exactly the addresses that it lacks.
fn listen(upstreams: &Upstreams<'_>, facts: &MysqlFacts) -> Option<Change> {
    let mut want = facts.setting("bind_address")?.to_owned();
    let mut lacking = Vec::new();
    for address in upstreams.listening_addresses() {
        if let Some(more) = listening(&want, address) {
            want = more;
            lacking.push(address);
        }
    }
    let why = format!("it must listen on {}", lacking.join(" and "));
    change(facts, "bind_address", &want, &why, true)
}

/// The list with the address added; `None` when the server listens there already. A wildcard can't stand in a list.
pub(super) fn listening(now: &str, address: &str) -> Option<String> {
    let mut addresses: Vec<&str> = now
        .split(',')
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .collect();
    let everywhere = if address.contains(':') {
        ["*", "::"]
    } else {
        ["*", "0.0.0.0"]
    };
    // `::` takes IPv4 too where the host has both.
    if addresses
        .iter()
        .any(|one| *one == address || everywhere.contains(one) || *one == "::")
    {
        return None;
    }
    addresses.push(address);
    Some(addresses.join(","))
}

/// Turned on step by step while the server runs.
fn gtid(facts: &MysqlFacts) -> Vec<Change> {
    [
        change(
            facts,
            "enforce_gtid_consistency",
            "ON",
            "GTIDs need it",
            false,
        ),
        change(
            facts,
            "gtid_mode",
            "ON",
            "replicas find their place by GTID",
            false,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A server without a server_id takes no replicas. Any other is kept: a replica's gives way.
fn identity(upstreams: &Upstreams<'_>, facts: &MysqlFacts) -> Option<Change> {
    if facts.setting("server_id")? != "0" {
        return None;
    }
    let member = upstreams.member;
    let id = derived_id(&member.address, member.instance.port);
    change(
        facts,
        "server_id",
        &id.to_string(),
        "a server without an id takes no replicas",
        false,
    )
}

fn clone(facts: &MysqlFacts) -> Option<Change> {
    if facts.settings.is_empty()
        || facts
            .plugins
            .get("clone")
            .is_some_and(|state| state == "ACTIVE")
    {
        return None;
    }
    Some(Change {
        name: CLONE,
        now: "missing".to_owned(),
        want: "active".to_owned(),
        why: "the clone plugin makes the copies".to_owned(),
        restart: false,
    })
}

/// A line of our file.
pub(super) fn line(name: &str, value: &str) -> String {
    format!("{name} = {value}")
}

/// The line of a change. `log_bin` takes the name of its files.
pub(super) fn change_line(change: &Change) -> String {
    match change.name {
        "log_bin" => line("log_bin", "binlog"),
        name => line(name, &change.want),
    }
}

/// The replica's whole file. Without `skip_replica_start`, which only stands there until the channel is made.
pub(super) fn replica_lines(
    link: &Link<'_>,
    facts: &MysqlFacts,
    upstream: &MysqlFacts,
) -> Vec<String> {
    let mut lines = vec![
        line("server_id", &server_id(link, facts).to_string()),
        line("super_read_only", "ON"),
        line("enforce_gtid_consistency", "ON"),
        line("gtid_mode", "ON"),
    ];
    let wish = &link.replica.member;
    if wish.instance.port != DEFAULT_PORT
        && (facts.server_port.is_none() || facts.own_line("port").is_some())
    {
        lines.push(line("port", &wish.instance.port.to_string()));
    }
    lines.extend(replica_listens(facts, &wish.address));
    // The copy can only be opened by a server that has these as its donor has.
    for (name, default) in DONORS {
        lines.extend(
            upstream
                .setting(name)
                .filter(|value| *value != default)
                .map(|value| line(name, value)),
        );
    }
    lines
}

/// What a copy's server must have as its donor has it, with the defaults of MySQL 9.
pub(super) const DONORS: [(&str, &str); 3] = [
    ("innodb_page_size", "16384"),
    ("innodb_data_file_path", "ibdata1:12M:autoextend"),
    ("lower_case_table_names", "0"),
];

/// Turned on by us, they stay on: who reads by GTID would lose its place, and so would backups.
pub(super) const GTIDS: [&str; 2] = ["enforce_gtid_consistency", "gtid_mode"];

/// Of our file's settings those that stay when the replication goes: what the data directory can't be opened without, the port, where
/// apps go on with the address (`address`) what makes it listen there, and all but read-only where somebody else reads the binary
/// log. Whether a replica's GTIDs stay is for its host to say: where nothing else turns them on.
pub(super) fn staying(facts: &MysqlFacts, address: bool) -> Vec<String> {
    const OF_A_REPLICA: [&str; 2] = ["super_read_only", "skip_replica_start"];
    let shape = |name: &str| name == "port" || DONORS.iter().any(|(own, _)| *own == name);
    let read = facts.foreign_reader().is_some();
    set_by_us(facts)
        .filter(|name| {
            shape(name)
                || address && *name == "bind_address"
                || read && !OF_A_REPLICA.contains(name)
        })
        .map(str::to_owned)
        .collect()
}

/// The names of our file's settings.
pub(super) fn set_by_us(facts: &MysqlFacts) -> impl Iterator<Item = &str> {
    let lines = facts.drop_in.iter();
    lines.filter_map(|line| Some(line.split_once('=')?.0.trim()))
}

/// Of our settings those that go back with the next restart only.
pub(super) fn back_with_a_restart<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let later = |name: &&&str| ["bind_address", "log_bin"].contains(*name);
    names.iter().filter(later).copied().collect()
}

/// The list with the replica's own address, where that is one of the host's: mysqld doesn't start on another.
fn replica_listens(facts: &MysqlFacts, address: &str) -> Option<String> {
    let now = facts
        .setting("bind_address")
        .or_else(|| facts.options.get("bind_address").map(String::as_str))
        .unwrap_or("127.0.0.1");
    let own = facts.own_line("bind_address");
    match listening(now, address) {
        Some(list) if facts.addresses.iter().any(|one| one == address) => {
            Some(line("bind_address", &list))
        }
        _ => own.map(|value| line("bind_address", value)),
    }
}

/// The id of a replica: the one it has where that is its own and nobody else's, else one made of address and port.
pub(super) fn server_id(link: &Link<'_>, facts: &MysqlFacts) -> u32 {
    let taken = other_ids(link);
    let chosen = facts.options.get("server_id").or_else(|| {
        // 1 is what every server has that nobody gave one.
        facts.settings.get("server_id").filter(|id| *id != "1")
    });
    if let Some(id) = chosen.and_then(|id| id.parse::<u32>().ok())
        && id != 0
        && !taken.contains(&id)
    {
        return id;
    }
    let member = &link.replica.member;
    let mut id = derived_id(&member.address, member.instance.port);
    while taken.contains(&id) {
        id = id.checked_add(1).unwrap_or(FIRST_ID);
    }
    id
}

/// Ids below are left to people.
const FIRST_ID: u32 = 1 << 16;

/// An id made of address and port: the same everywhere and always.
fn derived_id(address: &str, port: u16) -> u32 {
    let digest = names::digest(format!("{address}:{port}").as_bytes());
    let id = u32::from_str_radix(&digest[..8], 16).unwrap_or(FIRST_ID);
    id.max(FIRST_ID)
}

/// The ids of all other members that were seen.
fn other_ids(link: &Link<'_>) -> BTreeSet<u32> {
    others(link)
        .filter_map(|instance| {
            MysqlFacts::of(instance)
                .ok()?
                .setting("server_id")?
                .parse()
                .ok()
        })
        .collect()
}

/// The instances of all members but this link's replica.
pub(super) fn others<'a>(link: &Link<'a>) -> impl Iterator<Item = &'a Instance> {
    let (observation, engine) = (link.observation, link.replication.engine.0.as_str());
    let own = &link.replica.member;
    link.replication
        .members()
        .map(|(_, member)| member)
        .filter(|member| {
            (&member.machine, member.instance.port) != (&own.machine, own.instance.port)
        })
        .filter_map(
            move |member| match observation.machines.get(&member.machine)? {
                MachineObservation::Reached(facts) => facts.instance(engine, member.instance.port),
                MachineObservation::Unreachable { .. } => None,
            },
        )
}

/// Whether a text is an address as `bind_address` can be compared by.
pub(super) fn is_literal(address: &str) -> bool {
    address.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_adds_exactly_the_address_that_is_missing() {
        assert_eq!(
            listening("127.0.0.1", "10.0.0.11").as_deref(),
            Some("127.0.0.1,10.0.0.11")
        );
        assert_eq!(listening("127.0.0.1,10.0.0.11", "10.0.0.11"), None);
        assert_eq!(listening("*", "10.0.0.11"), None);
        assert_eq!(listening("::", "10.0.0.11"), None);
        assert_eq!(listening("0.0.0.0", "10.0.0.11"), None);
    }

    #[test]
    fn what_data_apps_and_other_readers_need_stays() {
        let lines = [
            "server_id = 7",
            "super_read_only = ON",
            "gtid_mode = ON",
            "bind_address = 127.0.0.1,10.0.0.12",
            "innodb_page_size = 32768",
        ];
        let mut facts = MysqlFacts {
            drop_in: lines.map(str::to_owned).to_vec(),
            ..MysqlFacts::default()
        };
        assert_eq!(staying(&facts, false), ["innodb_page_size"]);
        assert_eq!(staying(&facts, true), ["bind_address", "innodb_page_size"]);
        let does = |user: &str, command: &str| super::super::facts::Reader {
            user: user.to_owned(),
            command: command.to_owned(),
            ..Default::default()
        };
        facts.readers = vec![
            does("replform_orders_reader", "Binlog Dump GTID"),
            does("backup", "Clone"),
        ];
        assert_eq!(staying(&facts, false), ["innodb_page_size"]);
        facts.readers.push(does("debezium", "Binlog Dump"));
        assert_eq!(
            staying(&facts, false),
            ["server_id", "gtid_mode", "bind_address", "innodb_page_size"]
        );
    }

    #[test]
    fn an_id_is_made_of_address_and_port() {
        assert_eq!(derived_id("10.0.0.11", 3306), derived_id("10.0.0.11", 3306));
        assert_ne!(derived_id("10.0.0.11", 3306), derived_id("10.0.0.11", 3307));
        assert!(derived_id("10.0.0.11", 3306) >= FIRST_ID);
    }

    #[test]
    fn names_of_accounts_are_short_enough() {
        assert!(account("a-very-long-replication", "a-very-long-replica").len() <= NAME_LIMIT);
        assert_eq!(series("9.7.4"), "9.7");
    }
}
