//! PostgreSQL's requirements, looked at before anything runs; each finding says what to do.

use super::facts::PostgresFacts;
use super::settings::{self, has_foreign_slots, upstream_changes};
use crate::diagnostics::{Code, codes};
use crate::engines::{Link, Upstreams};
use crate::observe::ServerState;
use crate::plan::findings::{about, choice};
use crate::plan::{Choice, Finding, Relation, Severity};
use crate::topology::Bytes;

/// Requirements of the upstream.
pub(super) fn upstream(upstreams: &Upstreams<'_>) -> Vec<Finding> {
    let Ok(facts) = PostgresFacts::of(upstreams.instance) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut add = |code, severity, what: String, choices: Vec<Choice>| {
        findings.push(about(
            code,
            severity,
            upstreams.replication,
            upstreams.member,
            what,
            choices,
        ));
    };
    let major = settings::major(upstreams.instance.version.as_deref());
    if let (Some(wanted), Some(major)) = (&upstreams.replication.version, major)
        && wanted.parse() != Ok(major)
    {
        add(
            codes::OTHER_VERSION,
            Severity::Blocked,
            format!("runs PostgreSQL {major}, but version = \"{wanted}\" is required"),
            vec![choice(
                "require what runs",
                format!("version = \"{major}\" ({})", upstreams.replication.place),
            )],
        );
    }
    if let (Some(wanted), Some(data)) = (
        &upstreams.member.instance.data_directory,
        &upstreams.instance.data,
    ) && wanted.trim_end_matches('/') != data.directory
    {
        add(
            codes::OTHER_DATA_DIRECTORY,
            Severity::Blocked,
            format!(
                "its data directory is {}, but data_directory = \"{wanted}\" is written",
                data.directory
            ),
            vec![choice(
                "write what is",
                format!(
                    "data_directory = \"{}\", or the port of the other instance",
                    data.directory
                ),
            )],
        );
    }
    if !upstreams.new.is_empty() {
        new_links(&facts, &mut add);
    }
    let changes = upstream_changes(upstreams, &facts);
    let followed = facts.senders.iter().any(|sender| sender.state != "backup")
        || !upstreams.standing.is_empty();
    if followed
        && changes
            .iter()
            .any(|change| change.name == "max_wal_senders")
    {
        add(
            codes::REPLICAS_FIRST,
            Severity::Blocked,
            "max_wal_senders must grow here, but the replicas it has would stop replaying while theirs is smaller".to_owned(),
            vec![choice(
                "raise it by hand",
                "max_wal_senders on every replica first (they restart), then on the primary; then plan again",
            )],
        );
    }
    for change in &changes {
        overridden(upstreams, &facts, change.name, &mut add);
    }
    if !changes.is_empty() && !facts.reads_drop_ins {
        add(
            codes::SETTING_OVERRIDDEN,
            Severity::Blocked,
            "its postgresql.conf doesn't read conf.d, where replform writes its settings"
                .to_owned(),
            vec![choice(
                "read it",
                "add the line include_dir = 'conf.d' to its postgresql.conf",
            )],
        );
    }
    if let Some(error) = facts.config_errors.first() {
        add(
            codes::SETTING_OVERRIDDEN,
            Severity::Blocked,
            format!(
                "its configuration has an error, so it can't be reloaded: {}:{} {} ({})",
                error.file, error.line, error.name, error.error
            ),
            vec![choice("mend it", "then plan again")],
        );
    }
    if facts.setting("fsync") == Some("off") || facts.setting("full_page_writes") == Some("off") {
        add(
            codes::CONFIGURATION_RISK,
            Severity::Warning,
            "runs with fsync or full_page_writes off: after a power cut its replicas may have writes that it lost".to_owned(),
            Vec::new(),
        );
    }
    retain(upstreams, &facts, &mut add);
    findings
}

type Add<'a> = &'a mut dyn FnMut(Code, Severity, String, Vec<Choice>);

fn new_links(facts: &PostgresFacts, add: Add<'_>) {
    if !facts.tablespaces.is_empty() {
        let places: Vec<String> = facts
            .tablespaces
            .iter()
            .map(|space| format!("{} in {}", space.name, space.location))
            .collect();
        add(
            codes::TABLESPACES,
            Severity::Blocked,
            format!(
                "has tablespaces ({}): a copy would write to the same paths on the replica, which this version can't check",
                places.join(", ")
            ),
            vec![choice(
                "without them",
                "move the tables into the data directory: ALTER TABLE … SET TABLESPACE pg_default",
            )],
        );
    }
    for name in ["recovery_min_apply_delay", "restore_command"] {
        if facts.auto_conf.iter().any(|own| own == name) {
            add(
                codes::CONFIGURATION_RISK,
                Severity::Warning,
                format!(
                    "{name} is set in its postgresql.auto.conf, which every copy carries along: it will act on the replica"
                ),
                Vec::new(),
            );
        }
    }
}

/// A setting of ours that another file would win over.
fn overridden(upstreams: &Upstreams<'_>, facts: &PostgresFacts, name: &str, add: Add<'_>) {
    let Some(setting) = facts.settings.get(name) else {
        return;
    };
    let by = if setting.source.ends_with("postgresql.auto.conf") {
        "ALTER SYSTEM (postgresql.auto.conf)".to_owned()
    } else if setting.source == "command line" {
        "the server's command line".to_owned()
    } else if let Some((_, file)) = setting.source.rsplit_once("/conf.d/")
        && file > "90-replform.conf"
    {
        format!("conf.d/{file}, which is read after replform's file")
    } else {
        return;
    };
    add(
        codes::SETTING_OVERRIDDEN,
        Severity::Blocked,
        format!("{name} must change, but it is set by {by}, which wins over replform's settings"),
        vec![choice(
            "give it up there",
            format!(
                "on {}: ALTER SYSTEM RESET {name}, or take the line out of that file",
                upstreams.member.server
            ),
        )],
    );
}

/// Rule 9: what a dead replica makes its upstream keep is capped, and fits on the disk.
fn retain(upstreams: &Upstreams<'_>, facts: &PostgresFacts, add: Add<'_>) {
    let Some(data) = &upstreams.instance.data else {
        return;
    };
    let links = upstreams.new.len() + upstreams.standing.len();
    if links == 0 {
        return;
    }
    let uncapped = facts.setting("max_slot_wal_keep_size") == Some("-1");
    match upstreams.replication.retain {
        Some(wanted) if wanted.0 > data.disk_free.0 => add(
            codes::RETAIN,
            Severity::Blocked,
            format!("retain = {wanted}, but only {} is free: a dead replica could fill this disk", data.disk_free),
            vec![choice("keep less", "write a smaller retain, or make room")],
        ),
        None if uncapped && has_foreign_slots(upstreams.replication, facts) => add(
            codes::RETAIN,
            Severity::Warning,
            "keeps log without a limit for dead replicas; the limit isn't set by itself, as slots that aren't replform's rely on it"
                .to_owned(),
            vec![choice("cap it", "write retain = \"…\" once the other slots' owners agree")],
        ),
        Some(_) | None => {}
    }
    let (Some(rate), Some(cap)) = (facts.wal_bytes_per_second, upstreams.replication.retain) else {
        return;
    };
    let seconds = data.copy_bytes.0 as f64 / super::steps::ASSUMED_RATE;
    if rate * seconds > cap.0 as f64 {
        add(
            codes::RETAIN,
            Severity::Warning,
            format!(
                "writes about {}/s of log; while a copy takes {seconds:.0} s that is more than retain = {cap}",
                Bytes(rate as u64)
            ),
            vec![choice(
                "keep more",
                "write a larger retain, or the copy may have to be made again",
            )],
        );
    }
}

/// Requirements of one link.
pub(super) fn link(link: &Link<'_>) -> Vec<Finding> {
    let (Ok(facts), Ok(upstream)) = (
        PostgresFacts::of(link.instance),
        PostgresFacts::of(link.upstream_instance),
    ) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut add = |code, severity, what: String, choices: Vec<Choice>| {
        findings.push(about(
            code,
            severity,
            link.replication,
            &link.replica.member,
            what,
            choices,
        ));
    };
    version(link, &mut add);
    data_directory(link, &mut add);
    if !matches!(link.relation, Relation::Disconnected(_)) {
        if !facts.place.is_empty() {
            add(
                codes::DATA_DIRECTORY_PLACE,
                Severity::Blocked,
                format!(
                    "its data directory is a {} and can't be renamed",
                    facts.place
                ),
                vec![choice(
                    "make it a plain directory",
                    "on the file system that is to hold the data; or use another host",
                )],
            );
        }
        disk(link, &mut add);
        collations(link, &facts, &upstream, &mut add);
    }
    closed_port(link, &upstream, &mut add);
    if matches!(link.instance.server, ServerState::Running)
        && !facts.reads_drop_ins
        && facts.cluster.is_some()
    {
        add(
            codes::SETTING_OVERRIDDEN,
            Severity::Blocked,
            "its postgresql.conf doesn't read conf.d, where replform writes its settings"
                .to_owned(),
            vec![choice(
                "read it",
                "add the line include_dir = 'conf.d' to its postgresql.conf",
            )],
        );
    }
    for name in facts
        .auto_conf
        .iter()
        .filter(|name| name.starts_with("primary_"))
    {
        if matches!(link.relation, Relation::Disconnected(_)) {
            add(
                codes::SETTING_OVERRIDDEN,
                Severity::Blocked,
                format!(
                    "{name} is set in its postgresql.auto.conf, which wins over replform's settings"
                ),
                vec![choice(
                    "give it up there",
                    format!(
                        "on {}: ALTER SYSTEM RESET {name}",
                        link.replica.member.server
                    ),
                )],
            );
        }
    }
    findings
}

fn version(link: &Link<'_>, add: Add<'_>) {
    let wanted = settings::major_of(link);
    match link.instance.server {
        ServerState::NotInstalled => {
            if !link
                .instance
                .installable
                .iter()
                .any(|(major, _)| major.parse() == Ok(wanted))
            {
                let known: Vec<&str> = link
                    .instance
                    .installable
                    .iter()
                    .map(|(major, _)| major.as_str())
                    .collect();
                let known = if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                };
                add(
                    codes::NO_PACKAGE,
                    Severity::Blocked,
                    format!(
                        "no package source of this host has postgresql-{wanted}, the primary's version (there: {known})"
                    ),
                    vec![choice(
                        "add a source",
                        format!("one that has postgresql-{wanted}, and run apt-get update there"),
                    )],
                );
            }
        }
        _ => {
            let own = settings::major(link.instance.version.as_deref());
            if let Some(own) = own
                && own != wanted
            {
                add(
                    codes::OTHER_VERSION,
                    Severity::Blocked,
                    format!(
                        "has PostgreSQL {own}, the primary {wanted}: physical replication needs the same major version"
                    ),
                    vec![choice(
                        "the same version",
                        format!("set up PostgreSQL {wanted} on another port or host"),
                    )],
                );
            }
        }
    }
}

fn data_directory(link: &Link<'_>, add: Add<'_>) {
    let exists = !matches!(
        link.instance.server,
        ServerState::NotInstalled | ServerState::NoInstance
    );
    if let (true, Some(wanted), Some(data)) = (
        exists,
        &link.replica.member.instance.data_directory,
        &link.instance.data,
    ) && wanted.trim_end_matches('/') != data.directory
    {
        add(
            codes::OTHER_DATA_DIRECTORY,
            Severity::Blocked,
            format!(
                "its data directory is {}, but data_directory = \"{wanted}\" is written",
                data.directory
            ),
            vec![choice(
                "write what is",
                format!("data_directory = \"{}\"", data.directory),
            )],
        );
    }
}

/// The free disk where the copy goes, and the data directory there: that of the instance, else where it will be made.
pub(super) fn free_disk(link: &Link<'_>) -> Option<(Bytes, String)> {
    if let Some(data) = &link.instance.data {
        return Some((data.disk_free, data.directory.clone()));
    }
    let usual = || format!("/var/lib/postgresql/{}", settings::cluster_of(link));
    let directory = link
        .replica
        .member
        .instance
        .data_directory
        .clone()
        .unwrap_or_else(usual);
    Some((link.facts.host.disk_of(&directory)?.free, directory))
}

/// Free bytes that a copy needs: the copy, the log written meanwhile and 10 %, and at least twice the copy together with what is there.
pub(super) fn disk_needed(link: &Link<'_>) -> Bytes {
    let copy = super::steps::copy_bytes(link).0;
    let there = link.instance.data.as_ref().map_or(0, |data| data.bytes.0);
    let seconds = copy as f64 / super::steps::copy_rate(link);
    let log = PostgresFacts::of(link.upstream_instance)
        .ok()
        .and_then(|facts| facts.wal_bytes_per_second)
        .map_or(0.0, |rate| rate * seconds) as u64;
    let needed = (copy + copy / 10 + log).max((2 * copy).saturating_sub(there));
    // What an unfinished copy of ours takes is used again, or freed first.
    let copied: u64 = link
        .instance
        .set_aside
        .iter()
        .filter(|directory| directory.path.ends_with(".replform-copy"))
        .map(|directory| directory.bytes.0)
        .sum();
    Bytes(needed.saturating_sub(copied))
}

fn disk(link: &Link<'_>, add: Add<'_>) {
    let needed = disk_needed(link);
    match free_disk(link) {
        Some((free, directory)) if free < needed => add(
            codes::DISK_TOO_SMALL,
            Severity::Blocked,
            format!("needs {needed} free beside {directory} for the copy, has {free}"),
            vec![choice(
                "make room",
                format!("{} more on that file system", Bytes(needed.0 - free.0)),
            )],
        ),
        Some(_) => {}
        None => add(
            codes::DISK_TOO_SMALL,
            Severity::Blocked,
            "its free disk isn't known, so a copy isn't begun".to_owned(),
            vec![choice(
                "look there",
                "df must answer for the data directory's file system",
            )],
        ),
    }
}

/// Another C or ICU library sorts otherwise: indexes of the copy would lie, without an error (engine page, 14.8).
fn collations(link: &Link<'_>, facts: &PostgresFacts, upstream: &PostgresFacts, add: Add<'_>) {
    let sorted_by_libc: Vec<&str> = upstream
        .databases
        .iter()
        .filter(|database| database.provider != "i" && database.provider != "b")
        .filter(|database| {
            !matches!(
                database.collate.as_str(),
                "C" | "POSIX" | "C.UTF-8" | "C.utf8"
            )
        })
        .map(|database| database.name.as_str())
        .filter(|name| *name != "template0")
        .collect();
    let (own, other) = (&link.facts.host.libc, &link.upstream_facts.host.libc);
    if !sorted_by_libc.is_empty() && own != other {
        add(
            codes::COLLATIONS_DIFFER,
            Severity::Blocked,
            format!(
                "has C library {own}, the primary {other}: they may sort text differently, and indexes of {} would silently be wrong",
                sorted_by_libc.join(", ")
            ),
            vec![choice(
                "the same release",
                "use a host with the primary's operating system release",
            )],
        );
    }
    let icu: Vec<&str> = upstream
        .databases
        .iter()
        .filter(|database| database.provider == "i")
        .map(|database| database.name.as_str())
        .collect();
    if let (false, Some(own), Some(other)) = (
        icu.is_empty(),
        facts.collation_versions.get("i"),
        upstream.collation_versions.get("i"),
    ) && own != other
    {
        add(
            codes::COLLATIONS_DIFFER,
            Severity::Blocked,
            format!(
                "has ICU collations {own}, the primary {other}: indexes of {} would silently be wrong",
                icu.join(", ")
            ),
            vec![choice(
                "the same release",
                "use a host with the primary's operating system release",
            )],
        );
    } else if !icu.is_empty() && link.facts.host.os != link.upstream_facts.host.os {
        add(
            codes::COLLATIONS_DIFFER,
            Severity::Blocked,
            format!(
                "runs {}, the primary {}: ICU collations of {} may sort differently there",
                link.facts.host.os,
                link.upstream_facts.host.os,
                icu.join(", ")
            ),
            vec![choice(
                "the same release",
                "use a host with the primary's operating system release",
            )],
        );
    }
}

/// The primary listens on its address, yet the replica is refused: a firewall that rejects.
fn closed_port(link: &Link<'_>, upstream: &PostgresFacts, add: Add<'_>) {
    let target = crate::observe::reach_key(link.upstream_address(), link.upstream.instance.port);
    let listens = upstream
        .setting("listen_addresses")
        .is_some_and(|now| settings::listening(now, &link.upstream.address).is_none());
    if listens && link.facts.reach.get(&target) == Some(&crate::observe::Reach::Refused) {
        add(
            codes::NO_PATH,
            Severity::Blocked,
            format!(
                "is refused by {target}, although the server there listens on that address (a firewall rejects it?)"
            ),
            vec![choice(
                "open the path",
                format!("from {} to {target}", link.replica.member.address),
            )],
        );
    }
}
