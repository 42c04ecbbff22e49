//! PostgreSQL's requirements, looked at before anything runs; each finding says what to do.

use super::facts::PostgresFacts;
use super::settings::{self, has_foreign_slots, upstream_changes};
use super::tls;
use crate::diagnostics::codes;
use crate::engines::checks::{
    Checks, closed_port, data_directory, disk, installable, movable, required_version,
    upstream_data_directory,
};
use crate::engines::{Link, Upstreams, account_of};
use crate::observe::ServerState;
use crate::plan::findings::choice;
use crate::plan::{Finding, Relation};
use crate::topology::Bytes;

/// Requirements of the upstream.
pub(super) fn upstream(upstreams: &Upstreams<'_>) -> Vec<Finding> {
    let Ok(facts) = PostgresFacts::of(upstreams.instance) else {
        return Vec::new();
    };
    let mut checks = Checks::of_upstream(upstreams);
    let major =
        settings::major(upstreams.instance.version.as_deref()).map(|major| major.to_string());
    required_version(upstreams, "PostgreSQL", major.as_deref(), &mut checks);
    upstream_data_directory(upstreams, &mut checks);
    if !upstreams.new.is_empty() {
        new_links(&facts, &mut checks);
    }
    let changes = upstream_changes(upstreams, &facts);
    let followed = facts.senders.iter().any(|sender| sender.state != "backup")
        || !upstreams.standing.is_empty();
    if followed
        && changes
            .iter()
            .any(|change| change.name == "max_wal_senders")
    {
        checks.block(
            codes::REPLICAS_FIRST,
            "max_wal_senders must grow here, but the replicas it has would stop replaying while theirs is smaller".to_owned(),
            vec![choice(
                "raise it by hand",
                "max_wal_senders on every replica first (they restart), then on the primary; then plan again",
            )],
        );
    }
    for change in &changes {
        overridden(upstreams, &facts, change.name, &mut checks);
    }
    if changes.iter().any(|change| change.restart) {
        let mut names = facts.pending_of_others();
        names.retain(|name| changes.iter().all(|change| change.name != *name));
        pending(&names, &upstreams.member.server.to_string(), &mut checks);
    }
    if !changes.is_empty() && !facts.reads_drop_ins {
        checks.block(
            codes::SETTING_OVERRIDDEN,
            "its postgresql.conf doesn't read conf.d, where replform writes its settings"
                .to_owned(),
            vec![choice(
                "read it",
                "add the line include_dir = 'conf.d' to its postgresql.conf",
            )],
        );
    }
    if let Some(error) = facts.config_errors.first() {
        checks.block(
            codes::SETTING_OVERRIDDEN,
            format!(
                "its configuration has an error, so it can't be reloaded: {}:{} {} ({})",
                error.file, error.line, error.name, error.error
            ),
            vec![choice("mend it", "then plan again")],
        );
    }
    if facts.setting("fsync") == Some("off") || facts.setting("full_page_writes") == Some("off") {
        checks.warn(
            codes::CONFIGURATION_RISK,
            "runs with fsync or full_page_writes off: after a power cut its replicas may have writes that it lost".to_owned(),
            Vec::new(),
        );
    }
    retain(upstreams, &facts, &mut checks);
    tls::check_upstream(upstreams, &facts, &mut checks);
    checks.done()
}

fn new_links(facts: &PostgresFacts, checks: &mut Checks<'_>) {
    if !facts.tablespaces.is_empty() {
        let places: Vec<String> = facts
            .tablespaces
            .iter()
            .map(|space| format!("{} in {}", space.name, space.location))
            .collect();
        checks.block(
            codes::TABLESPACES,
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
}

/// A restart would also bring into force what somebody else changed and left waiting for one.
fn pending(names: &[&str], server: &str, checks: &mut Checks<'_>) {
    if names.is_empty() {
        return;
    }
    let names = names.join(", ");
    checks.block(
        codes::PENDING_RESTART,
        format!(
            "has to restart, which would bring into force, too, what somebody changed and left waiting for it: {names}"
        ),
        vec![
            choice(
                "take it back",
                format!("on {server}: ALTER SYSTEM RESET, or the value in force in its file, then pg_reload_conf()"),
            ),
            choice(
                "bring it in yourself",
                format!("restart {server} when it suits, then plan again"),
            ),
        ],
    );
}

/// A setting of ours that another file would win over.
fn overridden(
    upstreams: &Upstreams<'_>,
    facts: &PostgresFacts,
    name: &str,
    checks: &mut Checks<'_>,
) {
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
    checks.block(
        codes::SETTING_OVERRIDDEN,
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
fn retain(upstreams: &Upstreams<'_>, facts: &PostgresFacts, checks: &mut Checks<'_>) {
    let Some(data) = &upstreams.instance.data else {
        return;
    };
    let links = upstreams.new.len() + upstreams.standing.len();
    if links == 0 {
        return;
    }
    let uncapped = facts.setting("max_slot_wal_keep_size") == Some("-1");
    match upstreams.replication.retain {
        Some(wanted) if wanted.0 > data.disk_free.0 => checks.block(
            codes::RETAIN,
            format!("retain = {wanted}, but only {} is free: a dead replica could fill this disk", data.disk_free),
            vec![choice("keep less", "write a smaller retain, or make room")],
        ),
        None if uncapped && has_foreign_slots(upstreams, facts) => checks.warn(
            codes::RETAIN,
            "keeps log without a limit for dead replicas; the limit isn't set by itself, as slots that aren't replform's rely on it"
                .to_owned(),
            vec![choice("cap it", "write retain = \"…\" once the other slots' owners agree")],
        ),
        Some(_) | None => {}
    }
    let (Some(cap), written) = (
        settings::retained(upstreams, facts),
        settings::log_of_a_copy(upstreams, facts),
    ) else {
        return;
    };
    let copies = upstreams.replication.retain.is_some() || !upstreams.new.is_empty();
    if written > cap.0 && copies {
        let whose = match upstreams.replication.retain {
            Some(retain) => format!("retain = {retain}"),
            None => format!("the {cap} that it keeps at most"),
        };
        checks.warn(
            codes::RETAIN,
            format!(
                "writes about {} of log while the slowest copy is made, more than {whose}",
                Bytes(written)
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
    let mut checks = Checks::of_link(link);
    version(link, &mut checks);
    data_directory(link, &mut checks);
    if link.relation.needs_copy() {
        movable(&facts.place, &mut checks);
        disk(link, super::steps::copy_bytes(link), &mut checks);
        collations(link, &facts, &upstream, &mut checks);
    }
    let running = matches!(link.instance.server, ServerState::Running);
    let broken = matches!(link.relation, Relation::Broken(_));
    if running && (broken || settings::below_upstream(&facts, &upstream)) {
        let server = link.replica.member.server.to_string();
        pending(&facts.pending_of_others(), &server, &mut checks);
    }
    former_slot(link, &facts, &upstream, &mut checks);
    tls::check_link(link, &mut checks);
    // As it is now: one that gets its copy by this plan may not be there yet.
    let now = link
        .upstream_facts
        .instance(&link.replication.engine.0, link.upstream.instance.port)
        .and_then(|instance| PostgresFacts::of(instance).ok());
    let listens = link
        .listens_at()
        .zip(now.as_ref().and_then(|now| now.setting("listen_addresses")))
        .is_some_and(|(address, now)| settings::listening(now, address).is_none());
    closed_port(link, listens, &mut checks);
    if matches!(link.instance.server, ServerState::Running)
        && !facts.reads_drop_ins
        && facts.cluster.is_some()
    {
        checks.block(
            codes::SETTING_OVERRIDDEN,
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
            checks.block(
                codes::SETTING_OVERRIDDEN,
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
    checks.done()
}

/// A replica made by hand gets a slot of ours; nobody reads through its old one any more.
fn former_slot(
    link: &Link<'_>,
    facts: &PostgresFacts,
    upstream: &PostgresFacts,
    checks: &mut Checks<'_>,
) {
    let ours = account_of(link.replication, link.replica);
    let used = facts.setting_or_configured("primary_slot_name");
    let Some(slot) = upstream
        .slots
        .iter()
        .find(|slot| used == Some(slot.name.as_str()) && slot.name != ours)
    else {
        return;
    };
    checks.warn(
        codes::FORMER_SLOT,
        format!(
            "has read through the slot {} of {} until now, and then reads through {ours}: the old one stays and keeps log",
            slot.name, link.upstream.server
        ),
        vec![choice(
            "drop it",
            format!(
                "when the new link stands, on {}: select pg_drop_replication_slot('{}')",
                link.upstream.server, slot.name
            ),
        )],
    );
}

fn version(link: &Link<'_>, checks: &mut Checks<'_>) {
    installable(link, &settings::package(link), checks);
    let wanted = settings::major_of(link);
    let own = settings::major(link.instance.version.as_deref());
    if let Some(own) = own
        && own != wanted
        && link.instance.server != ServerState::NotInstalled
    {
        checks.block(
            codes::OTHER_VERSION,
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

/// Another C or ICU library sorts otherwise: indexes of the copy would lie, without an error (engine page, 14.8).
fn collations(
    link: &Link<'_>,
    facts: &PostgresFacts,
    upstream: &PostgresFacts,
    checks: &mut Checks<'_>,
) {
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
        checks.block(
            codes::COLLATIONS_DIFFER,
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
        checks.block(
            codes::COLLATIONS_DIFFER,
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
        checks.block(
            codes::COLLATIONS_DIFFER,
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
