//! MariaDB's requirements, looked at before anything runs; each finding says what to do.

use core::net::IpAddr;

use super::facts::MariaFacts;
use super::settings::{self, release_numbers, release_of, upstream_changes};
use super::summary::upstream_version;
use super::tls;
use crate::diagnostics::codes;
use crate::engines::checks::{
    Checks, closed_port, data_directory, disk, installable, movable, required_version,
    upstream_data_directory,
};
use crate::engines::steps::copy_rate;
use crate::engines::{Link, Upstreams};
use crate::observe::ServerState;
use crate::plan::Finding;
use crate::plan::findings::choice;
use crate::topology::Bytes;

/// The oldest release whose procedures were run.
const OLDEST: (u32, u32) = (10, 11);
/// Storage engines whose tables mariadb-backup copies (engine page, section 3).
const COPIED: [&str; 8] = [
    "InnoDB",
    "Aria",
    "MyISAM",
    "MRG_MyISAM",
    "CSV",
    "ARCHIVE",
    "SEQUENCE",
    "MEMORY",
];
/// An open transaction this old delays the end of a copy, and with it everybody's commits (engine page, section 3).
const LONG_TRANSACTION_SECONDS: u64 = 60;

/// Packages that a copy needs beside the server and that aren't there.
pub(super) fn missing_tools(facts: &MariaFacts) -> Vec<String> {
    ["mariadb-backup", "socat"]
        .into_iter()
        .filter(|name| !facts.packages.contains_key(*name))
        .map(str::to_owned)
        .collect()
}

/// Packages with plugins that tables of this server may rest on.
pub(super) fn plugins(facts: &MariaFacts) -> Vec<String> {
    facts
        .packages
        .keys()
        .filter(|name| name.starts_with("mariadb-plugin-"))
        .cloned()
        .collect()
}

/// Requirements of the upstream.
pub(super) fn upstream(upstreams: &Upstreams<'_>) -> Vec<Finding> {
    let Ok(facts) = MariaFacts::of(upstreams.instance) else {
        return Vec::new();
    };
    let mut checks = Checks::of_upstream(upstreams);
    if !facts.relative.is_empty() {
        relative(&facts, &mut checks);
        return checks.done();
    }
    let version = upstreams.instance.version.as_deref();
    let release = version.map(|version| release_of(Some(version)));
    required_version(upstreams, "MariaDB", release.as_deref(), &mut checks);
    upstream_data_directory(upstreams, &mut checks);
    if upstreams.member.instance.admin.is_some() {
        checks.warn(
            codes::CONFIGURATION_RISK,
            "admin { … } isn't used by MariaDB in this version: root gets in by its socket, or by /root/.my.cnf".to_owned(),
            Vec::new(),
        );
    }
    if !upstreams.new.is_empty() {
        if release_numbers(version).is_some_and(|release| release < OLDEST) {
            checks.block(
                codes::OTHER_VERSION,
                format!(
                    "runs MariaDB {}; replform's procedures are for 10.11 and later",
                    version.unwrap_or("of an unknown version")
                ),
                vec![choice(
                    "upgrade it",
                    "to a release that is still maintained",
                )],
            );
        }
        new_links(upstreams, &facts, &mut checks);
        tables(&facts, &mut checks);
    }
    retention(upstreams, &facts, &mut checks);
    let names: Vec<&str> = upstream_changes(upstreams, &facts)
        .iter()
        .map(|change| change.name)
        .collect();
    drop_in(&facts, &names, &mut checks);
    tls::check_upstream(upstreams, &facts, &mut checks);
    checks.done()
}

/// MySQL and MariaDB don't replicate into each other.
fn relative(facts: &MariaFacts, checks: &mut Checks<'_>) {
    checks.block(
        codes::OTHER_VERSION,
        format!(
            "has {}, not MariaDB: the two have other data files and other GTIDs, so neither can be a replica of the other",
            facts.relative
        ),
        vec![choice(
            "say what is there",
            "engine = \"mysql\" where every member runs MySQL; else another server",
        )],
    );
}

fn new_links(upstreams: &Upstreams<'_>, facts: &MariaFacts, checks: &mut Checks<'_>) {
    if upstreams.member.address.parse::<IpAddr>().is_err() {
        no_address(&upstreams.member.address, checks);
    }
    if facts.root_login != "root" {
        checks.block(
            codes::CONFIGURATION_RISK,
            format!(
                "root gets in with the password in {} only; its replicas would have the same accounts, but not that file",
                facts.root_login
            ),
            vec![choice(
                "let root in by its socket",
                "ALTER USER root@localhost IDENTIFIED VIA unix_socket OR …; the password may stay as the second way",
            )],
        );
    }
    for (name, usual) in [
        ("innodb_data_home_dir", &["", "./"][..]),
        ("innodb_log_group_home_dir", &["", "./"]),
        ("innodb_undo_directory", &["", "./"]),
    ] {
        let place = facts.variable(name).unwrap_or_default();
        if !usual.contains(&place) && Some(place) != data_path(upstreams).as_deref() {
            checks.block(
                codes::TABLESPACES,
                format!("{name} is {place}: a copy with files outside of the data directory isn't built in this version"),
                vec![choice("without it", format!("move those files into the data directory and unset {name}"))],
            );
        }
    }
    let server = facts.packages.get("mariadb-server");
    for tool in missing_tools(facts) {
        let candidate = facts.candidates.get(&tool);
        let fits = tool != "mariadb-backup" || candidate == server;
        if candidate.is_none() || !fits {
            checks.block(
                codes::NO_PACKAGE,
                format!(
                    "{tool} is needed to send a copy; its package sources have {}, the server is {}",
                    candidate.map_or("none", String::as_str),
                    server.map_or("of no package", String::as_str)
                ),
                vec![choice(
                    "install it",
                    format!("{tool} of the server's own version, or upgrade the server first"),
                )],
            );
        }
    }
    if facts
        .longest_transaction
        .is_some_and(|seconds| seconds > LONG_TRANSACTION_SECONDS)
    {
        checks.warn(
            codes::CONFIGURATION_RISK,
            format!(
                "has a transaction that is open for {} s: if it changes tables, the copy's last moment waits for it and holds other commits",
                facts.longest_transaction.unwrap_or_default()
            ),
            vec![choice("wait", "until it has ended, then apply")],
        );
    }
    if facts.variable("innodb_flush_log_at_trx_commit") != Some("1") {
        checks.warn(
            codes::CONFIGURATION_RISK,
            "innodb_flush_log_at_trx_commit isn't 1: after a power cut its replicas may have transactions that it lost".to_owned(),
            Vec::new(),
        );
    }
    if !facts.writers.is_empty() {
        checks.warn(
            codes::CONFIGURATION_RISK,
            format!(
                "read_only doesn't bind accounts with READ_ONLY ADMIN: on its replicas these can still write: {}",
                facts.writers.join(", ")
            ),
            Vec::new(),
        );
    }
}

fn data_path(upstreams: &Upstreams<'_>) -> Option<String> {
    Some(upstreams.instance.data.as_ref()?.directory.clone())
}

fn no_address(address: &str, checks: &mut Checks<'_>) {
    checks.block(
        codes::LINK_NOT_BUILT,
        format!(
            "its address \"{address}\" is a name: accounts and the copy are tied to an IP address"
        ),
        vec![choice(
            "write the address",
            "address = \"…\" of this server, as the others reach it",
        )],
    );
}

fn tables(facts: &MariaFacts, checks: &mut Checks<'_>) {
    for (engine, tables) in &facts.engines {
        if !COPIED.contains(&engine.as_str()) {
            checks.block(
                codes::TABLESPACES,
                format!(
                    "has {} of storage engine {engine} ({}): this version can't copy those",
                    count(tables.tables),
                    tables.example
                ),
                vec![choice(
                    "another engine",
                    format!("ALTER TABLE {} ENGINE=InnoDB", tables.example),
                )],
            );
        }
    }
    if let Some(memory) = facts.engines.get("MEMORY") {
        checks.warn(
            codes::CONFIGURATION_RISK,
            format!(
                "has {} of engine MEMORY ({}): they are empty in a copy, and after every restart",
                count(memory.tables),
                memory.example
            ),
            Vec::new(),
        );
    }
    for engine in ["MyISAM", "Aria", "ARCHIVE", "CSV"] {
        if let Some(tables) = facts.engines.get(engine) {
            checks.warn(
                codes::CONFIGURATION_RISK,
                format!(
                    "has {} of engine {engine} ({}), which knows no transactions: after a crash they may differ between servers",
                    count(tables.tables),
                    tables.example
                ),
                Vec::new(),
            );
        }
    }
    if let Some(keyless) = facts.keyless.as_ref().filter(|keyless| keyless.tables > 0) {
        checks.warn(
            codes::CONFIGURATION_RISK,
            format!(
                "has {} without a primary or unique key ({}): a replica looks through all of such a table for each row that changes",
                count(keyless.tables),
                keyless.example
            ),
            vec![choice("give them a key", "one that tells rows apart")],
        );
    }
}

fn count(tables: u64) -> String {
    match tables {
        1 => "1 table".to_owned(),
        more => format!("{more} tables"),
    }
}

/// Rule 9: binlogs are kept by time, not by size; what that means for the disk is said.
fn retention(upstreams: &Upstreams<'_>, facts: &MariaFacts, checks: &mut Checks<'_>) {
    if upstreams.new.len() + upstreams.standing.len() == 0 {
        return;
    }
    if let Some(retain) = upstreams.replication.retain {
        checks.warn(
            codes::RETAIN,
            format!("retain = {retain} has no effect: MariaDB keeps binlogs by time, not by size, whoever still needs them"),
            Vec::new(),
        );
    }
    let expires = facts
        .number("binlog_expire_logs_seconds")
        .filter(|seconds| *seconds > 0.0)
        .or_else(|| facts.number("expire_logs_days").map(|days| days * 86_400.0))
        .unwrap_or(0.0);
    let Some(data) = &upstreams.instance.data else {
        return;
    };
    if expires <= 0.0 {
        checks.warn(
            codes::RETAIN,
            "keeps its binlogs for ever: they fill the disk one day".to_owned(),
            vec![choice(
                "let them go",
                "binlog_expire_logs_seconds, longer than a replica is ever away",
            )],
        );
        return;
    }
    let Some(rate) = facts.log_rate().filter(|rate| *rate > 0.0) else {
        return;
    };
    let kept = Bytes((rate * expires) as u64);
    if kept.0 > data.disk_free.0 {
        checks.warn(
            codes::RETAIN,
            format!(
                "writes about {}/s of binlog and keeps it for {:.1} days: {kept}, more than the {} that are free",
                Bytes(rate as u64),
                expires / 86_400.0,
                data.disk_free
            ),
            vec![choice("keep less", "a smaller binlog_expire_logs_seconds, or more disk")],
        );
    }
}

/// Ours is the file that wins, and is read at all.
fn drop_in(facts: &MariaFacts, names: &[&str], checks: &mut Checks<'_>) {
    if names.is_empty() {
        return;
    }
    if !facts.reads_drop_ins {
        checks.block(
            codes::SETTING_OVERRIDDEN,
            "has no /etc/mysql/mariadb.conf.d, where replform writes its settings".to_owned(),
            vec![choice(
                "use Debian's layout",
                "!includedir /etc/mysql/mariadb.conf.d/ at the end of the configuration",
            )],
        );
    }
    for later in facts
        .later
        .iter()
        .filter(|later| names.contains(&later.name.as_str()))
    {
        checks.block(
            codes::SETTING_OVERRIDDEN,
            format!(
                "{} must change, but {} sets it and is read after replform's file",
                later.name, later.value
            ),
            vec![choice(
                "give it up there",
                format!("take {} out of that file", later.name),
            )],
        );
    }
}

/// Requirements of one link.
pub(super) fn link(link: &Link<'_>) -> Vec<Finding> {
    let (Ok(facts), Ok(upstream)) = (
        MariaFacts::of(link.instance),
        MariaFacts::of(link.upstream_instance),
    ) else {
        return Vec::new();
    };
    let mut checks = Checks::of_link(link);
    if !facts.relative.is_empty() {
        relative(&facts, &mut checks);
        return checks.done();
    }
    version(link, &mut checks);
    place(link, &facts, &mut checks);
    if link.replica_address().parse::<IpAddr>().is_err() {
        no_address(link.replica_address(), &mut checks);
    }
    if link.relation.needs_copy() {
        movable(&facts.place, &mut checks);
        disk(link, super::steps::copy_bytes(link), &mut checks);
        packages(link, &facts, &upstream, &mut checks);
        expiry(link, &upstream, &mut checks);
    }
    tls::check_link(link, &mut checks);
    closed_port(
        link,
        link.listens_at()
            .is_some_and(|address| upstream.listens_on(address)),
        &mut checks,
    );
    if facts.installed {
        let own = settings::replica_settings(link, &facts, &upstream);
        let names: Vec<&str> = own.iter().map(|(name, _)| *name).collect();
        drop_in(&facts, &names, &mut checks);
    }
    if facts.options.iter().any(|option| {
        option.name == "skip_slave_start" && !matches!(option.value.as_str(), "0" | "OFF")
    }) {
        checks.block(
            codes::SETTING_OVERRIDDEN,
            "skip_slave_start is in its configuration: it wouldn't replicate any more after a restart".to_owned(),
            vec![choice("take it out", "then plan again")],
        );
    }
    filters(&facts, &mut checks);
    checks.done()
}

fn version(link: &Link<'_>, checks: &mut Checks<'_>) {
    let wanted = release_of(link.upstream_instance.version.as_deref());
    installable(link, &format!("mariadb-server {wanted}"), checks);
    let own = release_of(link.instance.version.as_deref());
    let exists = link.instance.server != ServerState::NotInstalled;
    if exists && !own.is_empty() && own != wanted {
        checks.block(
            codes::OTHER_VERSION,
            format!("has MariaDB {own}, the primary {wanted}: a copy is only read by the release that made it"),
            vec![choice("the same version", format!("a host with MariaDB {wanted}"))],
        );
    }
}

/// The package's own server on the wanted port, in the usual place.
fn place(link: &Link<'_>, facts: &MariaFacts, checks: &mut Checks<'_>) {
    data_directory(link, checks);
    let wish = &link.replica.member.instance;
    if link.instance.server == ServerState::NoInstance {
        checks.block(
            codes::LINK_NOT_BUILT,
            format!(
                "has its MariaDB server on port {}, not {}: replform manages the package's one server, and makes none beside it",
                facts.port.unwrap_or(settings::DEFAULT_PORT),
                wish.port
            ),
            vec![choice(
                "mean that one",
                format!("mariadb {{ port = {} }}", facts.port.unwrap_or(settings::DEFAULT_PORT)),
            )],
        );
    }
    if link.instance.server != ServerState::NotInstalled {
        return;
    }
    if let Some(written) = &wish.data_directory
        && written.trim_end_matches('/') != settings::DATA_DIRECTORY
    {
        checks.block(
            codes::OTHER_DATA_DIRECTORY,
            format!(
                "data_directory = \"{written}\" is written, but a server that replform installs has its data in {}",
                settings::DATA_DIRECTORY
            ),
            vec![choice(
                "mount it there",
                "the file system that is to hold the data, at /var/lib or above; or set the server up by hand",
            )],
        );
    }
    if facts.left.iter().any(|line| line.starts_with("size ")) {
        checks.block(
            codes::FOREIGN_DATA,
            format!(
                "has data in {} from a server that was removed; a new one would take it for its own",
                settings::DATA_DIRECTORY
            ),
            vec![choice("keep it", format!("move {} away, then plan again", settings::DATA_DIRECTORY))],
        );
    }
}

/// Everything that must be installed can be.
fn packages(link: &Link<'_>, facts: &MariaFacts, upstream: &MariaFacts, checks: &mut Checks<'_>) {
    let fresh = link.instance.server == ServerState::NotInstalled;
    let server = facts.packages.get("mariadb-server");
    let wanted: Vec<String> = missing_tools(facts)
        .into_iter()
        .chain(plugins(upstream))
        .filter(|name| !facts.packages.contains_key(name))
        .collect();
    for name in wanted {
        let candidate = facts.candidates.get(&name);
        let own = name.starts_with("mariadb");
        let fits = fresh || !own || candidate == server;
        if candidate.is_none() || !fits {
            checks.block(
                codes::NO_PACKAGE,
                format!(
                    "{name} is needed, as on the primary; this host's package sources have {}{}",
                    candidate.map_or("none", |version| upstream_version(version)),
                    server.map_or_else(String::new, |server| format!(
                        ", the server is {}",
                        upstream_version(server)
                    ))
                ),
                vec![choice(
                    "install it",
                    format!("{name} of the server's own version"),
                )],
            );
        }
    }
}

/// The binlogs since the copy's beginning are still there when it is linked.
fn expiry(link: &Link<'_>, upstream: &MariaFacts, checks: &mut Checks<'_>) {
    let expires = upstream
        .number("binlog_expire_logs_seconds")
        .unwrap_or_default();
    let seconds = super::steps::copy_bytes(link).0 as f64 / copy_rate(link);
    if expires > 0.0 && expires < 2.0 * seconds {
        checks.block(
            codes::RETAIN,
            format!(
                "its copy takes about {seconds:.0} s, but the primary keeps its binlogs for {expires:.0} s only: it couldn't go on from its copy"
            ),
            vec![choice("keep them longer", "binlog_expire_logs_seconds on the primary, well above the time of a copy")],
        );
    }
}

/// A replica that leaves things out isn't a copy.
fn filters(facts: &MariaFacts, checks: &mut Checks<'_>) {
    let Some(connection) = facts.connection() else {
        return;
    };
    let filters: Vec<String> = connection
        .fields
        .iter()
        .filter(|(name, value)| {
            name.starts_with("Replicate_") && !value.is_empty() && *value != "0"
        })
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    if !filters.is_empty() {
        checks.warn(
            codes::CONFIGURATION_RISK,
            format!(
                "leaves out what its filters say ({}): it isn't a whole copy",
                filters.join(", ")
            ),
            Vec::new(),
        );
    }
}
