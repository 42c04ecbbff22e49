//! Which settings a link needs on each end, and which of them aren't as needed.
//!
//! They go into a drop-in of ours (`mariadb.conf.d/99-replform.cnf`, section `[mariadb]`): MariaDB has no SET PERSIST (engine
//! page, section 1).

use super::facts::MariaFacts;
use super::server_id;
use super::summary::release;
use super::tls;
pub(super) use crate::engines::settings::Change;
use crate::engines::{Link, Upstreams, registry};
use crate::observe::ServerState;
use crate::plan::names;
use crate::topology::MemberId;

/// MariaDB's own port.
pub(super) const DEFAULT_PORT: u16 = registry::MARIADB.default_port;

/// The longest name of an account that all tools take; DESIGN's limit for this family.
const NAME_LIMIT: usize = 32;

/// What it calls an instance.
pub(super) const NOUN: &str = "server";

/// Where Debian's package has the data.
pub(super) const DATA_DIRECTORY: &str = "/var/lib/mysql";

/// What a replica's server must have as the primary has it, with the defaults of 10.11 (and of 11.8, where they differ).
const SHAPE: [(&str, &str, &str); 4] = [
    ("innodb_page_size", "16384", "16384"),
    (
        "innodb_data_file_path",
        "ibdata1:12M:autoextend",
        "ibdata1:12M:autoextend",
    ),
    ("innodb_undo_tablespaces", "0", "3"),
    ("lower_case_table_names", "0", "0"),
];

/// The account's name of a replica.
pub(super) fn account(replication: &str, replica: &str) -> String {
    names::account(replication, replica, NAME_LIMIT)
}

/// What a copy of the link's upstream is marked with.
pub(super) fn source(link: &Link<'_>) -> String {
    format!(
        "{}:{}",
        link.upstream_address(),
        link.upstream.instance.port
    )
}

/// The release of an instance: `10.11`.
pub(super) fn release_of(version: Option<&str>) -> String {
    version.map(release).unwrap_or_default()
}

/// A release as numbers, for comparing: (10, 11).
pub(super) fn release_numbers(version: Option<&str>) -> Option<(u32, u32)> {
    let release = release(version?);
    let (major, minor) = release.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Whether a link is encrypted: where the server has TLS, and from 11.4 on, where the password itself proves the server, always.
pub(super) fn link_is_encrypted(upstream: &MariaFacts, version: Option<&str>) -> bool {
    upstream.variable("have_ssl") == Some("YES")
        && release_numbers(version).is_some_and(|release| release >= (11, 4))
}

/// What must change on the upstream before the links can be made.
pub(super) fn upstream_changes(upstreams: &Upstreams<'_>, facts: &MariaFacts) -> Vec<Change> {
    if !facts.relative.is_empty() {
        return Vec::new();
    }
    let mut changes = Vec::new();
    let mut want = |name: &'static str, want: &str, why: &str, restart: bool| {
        let now = facts.variable(name).unwrap_or_default();
        if facts.variables.contains_key(name) && now != want {
            changes.push(Change {
                name,
                now: now.to_owned(),
                want: want.to_owned(),
                why: why.to_owned(),
                restart,
            });
        }
    };
    let binlog_off = facts.variable("log_bin") == Some("OFF");
    want("log_bin", "ON", "replicas read the binlog", true);
    let mut bound = facts
        .variable("bind_address")
        .unwrap_or_default()
        .to_owned();
    let mut lacking = Vec::new();
    for address in upstreams.listening_addresses() {
        let seen = MariaFacts {
            listens: facts.listens.clone(),
            variables: [("bind_address".to_owned(), bound.clone())].into(),
            ..MariaFacts::default()
        };
        if let Some(list) = bind(&seen, address) {
            bound = list;
            lacking.push(address);
        }
    }
    if !lacking.is_empty() {
        let why = format!("it must listen on {}", lacking.join(" and "));
        want("bind_address", &bound, &why, true);
    }
    want("skip_networking", "OFF", "replicas come by network", true);
    if binlog_off {
        want(
            "log_slave_updates",
            "ON",
            "it may be a replica one day, and a restart comes anyway",
            true,
        );
    }
    want(
        "binlog_format",
        "ROW",
        "statements may have another effect on a replica",
        false,
    );
    want(
        "gtid_strict_mode",
        "ON",
        "turns silent divergence into an error",
        false,
    );
    want(
        "sync_binlog",
        "1",
        "else a power cut takes transactions that replicas have; costs a disk sync a commit",
        false,
    );
    if facts.server_id().is_none_or(|id| id == 0) {
        let id = server_id::of(
            upstreams.replication,
            upstreams.observation,
            &MemberId::Primary,
        );
        want(
            "server_id",
            &id.to_string(),
            "0 refuses every replica",
            false,
        );
    }
    changes.extend(tls::server_changes(upstreams, facts));
    if upstreams.new.is_empty() {
        // Links that stand need what replform set for them, and nothing else: they stand.
        changes.retain(|change| !upstreams.standing.is_empty() && marked(upstreams, change.name));
    }
    changes
}

/// Whether replform set it here.
fn marked(upstreams: &Upstreams<'_>, name: &str) -> bool {
    upstreams
        .marker
        .is_some_and(|marker| marker.settings.contains_key(name))
}

/// `bind_address` with the address that it lacks; `None` when the server listens there already.
pub(super) fn bind(facts: &MariaFacts, address: &str) -> Option<String> {
    if facts.listens_on(address) {
        return None;
    }
    let now = facts.variable("bind_address").unwrap_or("127.0.0.1");
    let mut addresses: Vec<&str> = now
        .split(',')
        .map(str::trim)
        .filter(|one| !one.is_empty())
        .collect();
    if addresses.contains(&address) {
        // The setting says so, and yet nobody listens: skip_networking, or a restart that is still owed.
        return None;
    }
    addresses.push(address);
    Some(addresses.join(","))
}

/// Of our drop-in's settings those that stay when the replication goes: what the data directory can't be opened without, the port,
/// where apps go on with the address (`address`) what makes it listen there, and all but `read_only` where somebody else reads
/// the binlog.
pub(super) fn staying(facts: &MariaFacts, address: bool) -> Vec<String> {
    let listens = |name: &str| ["bind_address", "skip_networking"].contains(&name);
    let shape = |name: &str| name == "port" || SHAPE.iter().any(|(own, _, _)| *own == name);
    let read = facts.foreign_reader().is_some();
    set_by_us(facts)
        .filter(|name| shape(name) || address && listens(name) || read && *name != "read_only")
        .map(str::to_owned)
        .collect()
}

/// The names of our drop-in's settings.
pub(super) fn set_by_us(facts: &MariaFacts) -> impl Iterator<Item = &str> {
    let lines = facts.drop_in.iter();
    lines.filter_map(|line| Some(line.split_once('=')?.0.trim()))
}

/// Of our settings those that go back with the next restart only. `server_id` could change at once; but the server's GTIDs carry it.
pub(super) fn back_with_a_restart<'a>(names: &[&'a str]) -> Vec<&'a str> {
    const LATER: [&str; 8] = [
        "bind_address",
        "log_bin",
        "log_slave_updates",
        "server_id",
        "skip_networking",
        "ssl_ca",
        "ssl_cert",
        "ssl_key",
    ];
    let later = |name: &&&str| LATER.contains(*name);
    names.iter().filter(later).copied().collect()
}

/// The line of the drop-in that makes a variable have a value.
pub(super) fn line(name: &str, value: &str) -> String {
    match (name, value) {
        // The variable says ON; the option is the files' name, which would else be the host's.
        ("log_bin", "ON") => "log_bin = mariadb-bin".to_owned(),
        _ => format!("{name} = {value}"),
    }
}

/// Settings of a replica: name and value as the server shows them. All of them make its drop-in.
pub(super) fn replica_settings(
    link: &Link<'_>,
    facts: &MariaFacts,
    upstream: &MariaFacts,
) -> Vec<(&'static str, String)> {
    let on = || "ON".to_owned();
    let member = &link.replica.member;
    let id = MemberId::Replica(link.replica.name.clone());
    let id = server_id::of(link.replication, link.observation, &id);
    let mut settings = vec![
        ("server_id", id.to_string()),
        ("read_only", on()),
        ("log_slave_updates", on()),
        ("binlog_format", "ROW".to_owned()),
        ("gtid_strict_mode", on()),
        ("sync_binlog", "1".to_owned()),
    ];
    // A binlog under another name, of the host's own files, keeps it.
    if !facts.is_on("log_bin") || facts.drop_in_value("log_bin").is_some() {
        settings.push(("log_bin", on()));
    }
    // What is listened on by mariadb.socket ends with it.
    let own = facts.drop_in_value("bind_address").map(str::to_owned);
    let by_socket = facts.socket.active == "active";
    let seen = MariaFacts {
        listens: if by_socket {
            Vec::new()
        } else {
            facts.listens.clone()
        },
        variables: facts.variables.clone(),
        ..MariaFacts::default()
    };
    if let Some(list) = own.or_else(|| bind(&seen, &member.address)) {
        settings.push(("bind_address", list));
    }
    if member.instance.port != DEFAULT_PORT {
        settings.push(("port", member.instance.port.to_string()));
    }
    let new_defaults = release_numbers(link.upstream_instance.version.as_deref())
        .is_some_and(|release| release >= (11, 0));
    for (name, old, new) in SHAPE {
        let default = if new_defaults { new } else { old };
        if let Some(value) = upstream.variable(name)
            && value != default
        {
            settings.push((name, value.to_owned()));
        }
    }
    settings
}

/// Why a replica that runs and keeps its data has to restart for its settings; `None`: it needn't.
pub(super) fn replica_restart(
    link: &Link<'_>,
    facts: &MariaFacts,
    settings: &[(&'static str, String)],
) -> Option<String> {
    const FIXED: [&str; 3] = ["log_bin", "log_slave_updates", "bind_address"];
    if link.instance.server != ServerState::Running {
        return None;
    }
    settings
        .iter()
        .filter(|(name, _)| FIXED.contains(name))
        .find(|(name, value)| facts.variable(name).is_some_and(|now| now != value))
        .map(|(name, _)| format!("{name} is {}", facts.variable(name).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(bind: &str, listens: &[&str]) -> MariaFacts {
        MariaFacts {
            listens: listens.iter().map(|one| (*one).to_owned()).collect(),
            variables: [("bind_address".to_owned(), bind.to_owned())].into(),
            ..MariaFacts::default()
        }
    }

    #[test]
    fn bind_adds_exactly_the_address_that_is_missing() {
        let one = facts("127.0.0.1", &["127.0.0.1"]);
        assert_eq!(
            bind(&one, "10.0.0.11").as_deref(),
            Some("127.0.0.1,10.0.0.11")
        );
        assert_eq!(bind(&facts("127.0.0.1", &["*"]), "10.0.0.11"), None);
        let both = facts("127.0.0.1,10.0.0.11", &["127.0.0.1", "10.0.0.11"]);
        assert_eq!(bind(&both, "10.0.0.11"), None);
        assert_eq!(bind(&facts("", &[]), "::1").as_deref(), Some("::1"));
    }

    #[test]
    fn what_data_apps_and_other_readers_need_stays() {
        let lines = [
            "server_id = 7",
            "read_only = ON",
            "log_bin = mariadb-bin",
            "bind_address = 127.0.0.1,10.0.0.12",
            "innodb_page_size = 32768",
        ];
        let mut facts = MariaFacts {
            drop_in: lines.map(str::to_owned).to_vec(),
            ..MariaFacts::default()
        };
        assert_eq!(staying(&facts, false), ["innodb_page_size"]);
        assert_eq!(staying(&facts, true), ["bind_address", "innodb_page_size"]);
        let reads = |user: &str| super::super::facts::Dump {
            user: user.to_owned(),
            host: "10.0.0.9".to_owned(),
            state: String::new(),
        };
        facts.dumps = vec![reads("replform_orders_reader")];
        assert_eq!(staying(&facts, false), ["innodb_page_size"]);
        facts.dumps.push(reads("debezium"));
        assert_eq!(
            staying(&facts, false),
            ["server_id", "log_bin", "bind_address", "innodb_page_size"]
        );
    }

    #[test]
    fn the_binlog_has_a_name_of_its_own() {
        assert_eq!(line("log_bin", "ON"), "log_bin = mariadb-bin");
        assert_eq!(line("sync_binlog", "1"), "sync_binlog = 1");
    }

    #[test]
    fn releases_compare_as_numbers() {
        assert!(release_numbers(Some("11.8.9")) > release_numbers(Some("11.4.2")));
        assert!(release_numbers(Some("10.11.18")) < release_numbers(Some("11.4.2")));
        assert_eq!(release_of(Some("10.11.18")), "10.11");
    }
}
