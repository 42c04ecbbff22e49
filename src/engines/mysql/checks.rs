//! MySQL's requirements, looked at before anything runs; each finding says what to do.

use super::facts::MysqlFacts;
use super::settings::{self, CLONE, upstream_changes};
use super::steps;
use super::tls;
use crate::diagnostics::codes;
use crate::engines::checks::{
    Checks, closed_port, data_directory, disk, installable, movable_or_mounted, required_version,
    upstream_data_directory,
};
use crate::engines::{Link, Upstreams};
use crate::observe::ServerState;
use crate::plan::Finding;
use crate::plan::findings::choice;
use crate::topology::Bytes;

/// Seconds of binary log that tell how much is usually written.
const LONG_ENOUGH: u64 = 6 * 3600;

/// Requirements of the upstream.
pub(super) fn upstream(upstreams: &Upstreams<'_>) -> Vec<Finding> {
    let Ok(facts) = MysqlFacts::of(upstreams.instance) else {
        return Vec::new();
    };
    let mut checks = Checks::of_upstream(upstreams);
    let series = settings::series_of(upstreams.instance);
    required_version(upstreams, "MySQL", series.as_deref(), &mut checks);
    upstream_data_directory(upstreams, &mut checks);
    if facts.is_on("super_read_only") || facts.is_on("read_only") {
        checks.block(
            codes::PRIMARY_READ_ONLY,
            "is read-only, though it reads from nobody: nothing says that it is the primary".to_owned(),
            vec![choice(
                "make it writable",
                "once you are sure that no other server takes writes: SET GLOBAL read_only = OFF, and out of its files",
            )],
        );
    }
    if !upstreams.new.is_empty() {
        new_links(&facts, &mut checks);
        keeps_its_log(upstreams, &facts, &mut checks);
    }
    changes(upstreams, &facts, &mut checks);
    tls::check_upstream(upstreams, &facts, &mut checks);
    if facts
        .setting("sync_binlog")
        .is_some_and(|value| value != "1")
        || facts
            .setting("innodb_flush_log_at_trx_commit")
            .is_some_and(|value| value != "1")
    {
        checks.warn(
            codes::CONFIGURATION_RISK,
            "runs with sync_binlog or innodb_flush_log_at_trx_commit other than 1: after a power cut its replicas may have writes that it lost".to_owned(),
            Vec::new(),
        );
    }
    if let Some(wanted) = upstreams.replication.retain {
        checks.warn(
            codes::RETAIN,
            format!("retain = {wanted} can't be kept: MySQL caps its binary log by age (binlog_expire_logs_seconds), not by size, whether a replica reads it or not"),
            vec![choice("cap it by age", "set binlog_expire_logs_seconds on the server and take retain out")],
        );
    }
    checks.done()
}

/// What a copy would lose or couldn't hold.
fn new_links(facts: &MysqlFacts, checks: &mut Checks<'_>) {
    for tables in &facts.other_engines {
        checks.block(
            codes::TABLES_NOT_COPIED,
            format!(
                "has {} table{} of the engine {} (such as {}): a clone copies InnoDB only, and these would be empty on the replica",
                tables.tables,
                if tables.tables == 1 { "" } else { "s" },
                tables.engine,
                tables.example
            ),
            vec![choice("convert them", "ALTER TABLE … ENGINE=InnoDB; or drop what nobody needs")],
        );
    }
    if !facts.outside.is_empty() {
        checks.block(
            codes::TABLESPACES,
            format!(
                "has data files outside of its data directory ({}): a copy would write to the same paths on the replica, which this version can't check",
                facts.outside.join(", ")
            ),
            vec![choice("without them", "move the tables into the data directory")],
        );
    }
    if facts.encrypted > 0 {
        checks.block(
            codes::TABLES_NOT_COPIED,
            format!("has {} encrypted tablespaces: a copy needs the keyring on the replica, which this version can't set up", facts.encrypted),
            vec![choice("without encryption", "ALTER TABLE … ENCRYPTION='N', where that is allowed")],
        );
    }
    if let Some(filter) = &facts.binlog_filter {
        checks.block(
            codes::CHANGES_FILTERED,
            format!("its binary log leaves schemas out ({filter}): replicas would silently miss their changes"),
            vec![choice("log everything", "take binlog-do-db and binlog-ignore-db out of its files; it restarts")],
        );
    }
    if let Some(tables) = &facts.keyless {
        checks.warn(
            codes::CONFIGURATION_RISK,
            format!(
                "has {} table{} without a primary key (such as {}): large changes of them are applied row by row, each a scan, on every replica",
                tables.tables,
                if tables.tables == 1 { "" } else { "s" },
                tables.example
            ),
            Vec::new(),
        );
    }
    if facts
        .setting("binlog_format")
        .is_some_and(|format| format != "ROW")
    {
        checks.warn(
            codes::CONFIGURATION_RISK,
            "writes statements into its binary log (binlog_format): some give other rows on a replica".to_owned(),
            vec![choice("log rows", "binlog_format = ROW, its default")],
        );
    }
}

/// The binary log must outlive the copy, and a replica's absence; kept too long it fills the disk.
fn keeps_its_log(upstreams: &Upstreams<'_>, facts: &MysqlFacts, checks: &mut Checks<'_>) {
    let Some(expiry) = facts
        .setting("binlog_expire_logs_seconds")
        .and_then(|value| value.parse::<u64>().ok())
    else {
        return;
    };
    if expiry > 0 && expiry < 86_400 {
        checks.warn(
            codes::RETAIN,
            format!("keeps its binary log for {expiry} s only: a replica that is away for longer, or a copy that takes longer, needs a new copy"),
            vec![choice("keep it longer", "binlog_expire_logs_seconds, online")],
        );
    }
    // A few hours may be a load that ends.
    let rate = facts.binlog_bytes_per_second.filter(|_| {
        facts
            .binlog_seconds
            .is_some_and(|seconds| seconds >= LONG_ENOUGH)
    });
    let (Some(rate), Some(data)) = (rate, &upstreams.instance.data) else {
        return;
    };
    let there = facts.binlog_bytes.map_or(0, |bytes| bytes.0);
    let grows = (rate * expiry as f64) as u64;
    if grows.saturating_sub(there) > data.disk_free.0 {
        checks.warn(
            codes::RETAIN,
            format!(
                "writes about {}/s of binary log and keeps it for {expiry} s: that is {}, and {} is free",
                Bytes(rate as u64),
                Bytes(grows),
                data.disk_free
            ),
            vec![choice("keep less", "a smaller binlog_expire_logs_seconds, online; or a larger disk")],
        );
    }
}

/// What stands in the way of the settings that must change.
fn changes(upstreams: &Upstreams<'_>, facts: &MysqlFacts, checks: &mut Checks<'_>) {
    let changes = upstream_changes(upstreams, facts);
    for change in &changes {
        if let Some(value) = facts.persisted.get(change.name) {
            checks.block(
                codes::SETTING_OVERRIDDEN,
                format!(
                    "{} must change, but SET PERSIST made it {value}, which wins over every file",
                    change.name
                ),
                vec![choice(
                    "give it up there",
                    format!(
                        "on {}: RESET PERSIST {}",
                        upstreams.member.server, change.name
                    ),
                )],
            );
        }
    }
    if changes.iter().any(|change| change.name != CLONE) && !facts.later_files.is_empty() {
        checks.warn(
            codes::SETTING_OVERRIDDEN,
            format!("reads {} after replform's file: what stands there wins; configure looks before anything restarts", facts.later_files.join(", ")),
            Vec::new(),
        );
    }
    if facts.is_on("skip_networking") && !upstreams.new.is_empty() {
        checks.block(
            codes::NO_PATH,
            "has skip_networking on: nobody can reach it over the network".to_owned(),
            vec![choice(
                "let it listen",
                "take skip_networking out of its files; it restarts",
            )],
        );
    }
    let listens = changes.iter().any(|change| change.name == "bind_address");
    let address = &upstreams.member.address;
    if listens && !settings::is_literal(address) {
        checks.block(
            codes::SETTING_OVERRIDDEN,
            format!("must listen on {address}, but a name in bind_address is looked up at each start, and a wrong answer keeps the server down"),
            vec![choice("write the address", format!("address = \"10.…\" in server {}", upstreams.member.server))],
        );
    } else if listens && !facts.addresses.is_empty() && !facts.addresses.contains(address) {
        checks.block(
            codes::SETTING_OVERRIDDEN,
            format!("must listen on {address}, which is none of its host's addresses ({}): the server wouldn't start", facts.addresses.join(", ")),
            vec![choice("write an address it has", format!("address in server {}; or let bind_address be * by hand", upstreams.member.server))],
        );
    }
    let gtid = changes.iter().any(|change| change.name == "gtid_mode");
    let followed = facts
        .readers
        .iter()
        .any(|reader| reader.command.starts_with("Binlog Dump"));
    if gtid && followed {
        checks.block(
            codes::REPLICAS_FIRST,
            "gtid_mode must be turned on here, but it has replicas, which must take each of its steps too".to_owned(),
            vec![choice("turn it on by hand", "enforce_gtid_consistency and gtid_mode, one step at a time on all of them; then plan again")],
        );
    }
}

/// Requirements of one link.
pub(super) fn link(link: &Link<'_>) -> Vec<Finding> {
    let (Ok(facts), Ok(upstream)) = (
        MysqlFacts::of(link.instance),
        MysqlFacts::of(link.upstream_instance),
    ) else {
        return Vec::new();
    };
    let mut checks = Checks::of_link(link);
    if let Some(version) = &facts.mariadb {
        checks.block(
            codes::OTHER_VERSION,
            format!("its host has MariaDB {version}, and a MySQL can't feed a MariaDB: their files, their GTIDs and their replication differ"),
            vec![choice("another host", "one without MariaDB; Debian's packages of the two exclude each other")],
        );
        return checks.done();
    }
    version(link, &mut checks);
    one_server(link, &facts, &mut checks);
    data_directory(link, &mut checks);
    if link.relation.needs_copy() {
        movable_or_mounted(&facts.place, &mut checks);
        copy_place(&facts, &mut checks);
        disk(link, steps::copy_bytes(link), &mut checks);
    } else {
        same_identity(link, &mut checks);
    }
    if !facts.filters.is_empty() {
        checks.block(
            codes::CHANGES_FILTERED,
            format!(
                "leaves changes out ({}): it would not be a copy of its upstream",
                facts.filters.join(", ")
            ),
            vec![choice(
                "apply everything",
                "take the replicate-* options out of its files",
            )],
        );
    }
    tls::check_link(link, &mut checks);
    let listens = link
        .listens_at()
        .zip(upstream.setting("bind_address"))
        .is_some_and(|(address, now)| settings::listening(now, address).is_none());
    closed_port(link, listens, &mut checks);
    checks.done()
}

fn version(link: &Link<'_>, checks: &mut Checks<'_>) {
    let wanted = settings::series_of(link.upstream_instance).unwrap_or_default();
    installable(link, &format!("{} {wanted}", settings::PACKAGE), checks);
    if let Some(own) = settings::series_of(link.instance)
        && own != wanted
        && link.instance.server != ServerState::NotInstalled
    {
        checks.block(
            codes::OTHER_VERSION,
            format!("has MySQL {own}, the primary {wanted}: CLONE works within one series, and replicating to an older one isn't possible"),
            vec![choice("the same series", format!("install MySQL {wanted} there"))],
        );
    }
}

/// Debian runs one MySQL server a host, in one place.
fn one_server(link: &Link<'_>, facts: &MysqlFacts, checks: &mut Checks<'_>) {
    let wish = &link.replica.member.instance;
    if link.instance.server == ServerState::NoInstance
        && let Some(port) = facts.server_port
        && port != wish.port
    {
        checks.block(
            codes::NO_PATH,
            format!("its one MySQL server has port {port}, and port {} is wanted: Debian runs one a host", wish.port),
            vec![choice("write what is", format!("mysql {{ port = {port} }} in this replica"))],
        );
    }
    if link.instance.server == ServerState::NotInstalled
        && let Some(directory) = &wish.data_directory
        && directory.trim_end_matches('/') != settings::DATA_DIRECTORY
    {
        checks.block(
            codes::OTHER_DATA_DIRECTORY,
            format!(
                "data_directory = \"{directory}\" is written, but Debian's package makes {}",
                settings::DATA_DIRECTORY
            ),
            vec![choice(
                "take it out",
                "a file system of its own may be mounted on /var/lib",
            )],
        );
    }
    for package in ["percona-server-server"] {
        if facts.packages.contains_key(package) {
            checks.block(
                codes::OTHER_VERSION,
                format!(
                    "its host has {package}, which excludes Debian's {}",
                    settings::PACKAGE
                ),
                vec![choice("another host", "one without it")],
            );
        }
    }
}

/// mysqld itself writes the copy, where Debian's AppArmor profile lets it.
fn copy_place(facts: &MysqlFacts, checks: &mut Checks<'_>) {
    let (what, how) = match facts.copy_place.as_str() {
        "missing" => (
            "has no /var/lib/mysql-files that is mysql's, the one place where mysqld may write a copy",
            "install -d -m 0700 -o mysql -g mysql /var/lib/mysql-files",
        ),
        "elsewhere" => (
            "has /var/lib/mysql-files on another file system than its data directory: a copy there couldn't be renamed into place",
            "put both on one file system",
        ),
        _ => return,
    };
    checks.block(
        codes::DATA_DIRECTORY_PLACE,
        what.to_owned(),
        vec![choice("make that place", how)],
    );
}

/// Two members of one server_uuid: the upstream refuses the second.
fn same_identity(link: &Link<'_>, checks: &mut Checks<'_>) {
    let Some(own) = &link.instance.identity else {
        return;
    };
    if settings::others(link)
        .any(|other| other.identity.as_ref() == Some(own) && other.server == ServerState::Running)
    {
        checks.block(
            codes::SAME_SERVER_UUID,
            format!("has the server_uuid of another member ({own}): a machine that was cloned with its auto.cnf"),
            vec![choice("give it its own", "stop it, remove auto.cnf from its data directory, start it")],
        );
    }
}
