//! Redis' requirements, looked at before anything runs; each finding says what to do.

use super::facts::RedisFacts;
use super::release::{self, Kind};
use super::settings::{self, upstream_changes};
use super::summary;
use super::tls;
use crate::diagnostics::codes;
use crate::engines::checks::{
    Checks, closed_port, data_directory, disk, movable_or_mounted, upstream_data_directory,
};
use crate::engines::{Link, Upstreams};
use crate::observe::ServerState;
use crate::plan::Finding;
use crate::plan::findings::{choice, hazard};
use crate::topology::{Bytes, Hazard, Member};

/// Commands without which a member can't be worked on.
const NEEDED_COMMANDS: [&str; 5] = ["CONFIG", "ACL", "INFO", "REPLICAOF", "CLIENT"];

/// Requirements of the upstream.
pub(super) fn upstream(upstreams: &Upstreams<'_>) -> Vec<Finding> {
    let Ok(facts) = RedisFacts::of(upstreams.instance) else {
        return Vec::new();
    };
    let mut checks = Checks::of_upstream(upstreams);
    version_required(upstreams, &facts, &mut checks);
    upstream_data_directory(upstreams, &mut checks);
    commands(&facts, &mut checks);
    configuration_file(&facts, &mut checks);
    admin(upstreams.member, &facts, &mut checks);
    if !upstreams.new.is_empty() {
        new_links(upstreams, &facts, &mut checks);
    }
    backlog(upstreams, &facts, &mut checks);
    tls::check_upstream(upstreams, &facts, &mut checks);
    let mut findings = checks.done();
    findings.extend(exposed(upstreams, &facts));
    findings.extend(unsaved(upstreams, &facts));
    findings
}

/// `version = "8"` and `version = "8.0"` both fit 8.0.2.
fn version_required(upstreams: &Upstreams<'_>, facts: &RedisFacts, checks: &mut Checks<'_>) {
    let (Some(wanted), Some(version)) = (
        &upstreams.replication.version,
        upstreams.instance.version.as_deref(),
    ) else {
        return;
    };
    let fits = version
        .strip_prefix(wanted.as_str())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    if !fits {
        let release = summary::release_of(upstreams.instance).unwrap_or_default();
        checks.block(
            codes::OTHER_VERSION,
            format!(
                "runs {} {version}, but version = \"{wanted}\" is required",
                facts.kind.unwrap_or_default().title()
            ),
            vec![choice(
                "require what runs",
                format!("version = \"{release}\" ({})", upstreams.replication.place),
            )],
        );
    }
}

/// What replform asks by name must be there under that name.
fn commands(facts: &RedisFacts, checks: &mut Checks<'_>) {
    let renamed: Vec<&str> = facts
        .renamed
        .iter()
        .map(String::as_str)
        .filter(|name| NEEDED_COMMANDS.contains(name))
        .collect();
    let why = if renamed.is_empty() {
        let Some(said) = &facts.settings_error else {
            return;
        };
        format!("doesn't tell its settings: {said}")
    } else {
        format!(
            "renames {} in its configuration, which replform needs",
            renamed.join(", ")
        )
    };
    checks.block(
        codes::SETTING_OVERRIDDEN,
        why,
        vec![choice(
            "give the commands back",
            "take the rename-command lines away and restrict users by ACL instead",
        )],
    );
}

/// `admin` has no use where root reads the password from the server's own file.
fn admin(member: &Member, facts: &RedisFacts, checks: &mut Checks<'_>) {
    if member.instance.admin.is_some() {
        checks.warn(
            codes::CONFIGURATION_RISK,
            format!(
                "admin {{ … }} isn't used for {} in this version: root gets in where nobody needs a password, or by the requirepass in {}",
                facts.kind.unwrap_or_default().title(),
                facts.conf
            ),
            Vec::new(),
        );
    }
}

/// What is written into the configuration must be what the server reads at its next start.
fn configuration_file(facts: &RedisFacts, checks: &mut Checks<'_>) {
    if let Some(file) = facts.info("config_file")
        && file != facts.conf
    {
        let file = if file.is_empty() {
            "no configuration file"
        } else {
            file
        };
        checks.block(
            codes::SETTING_OVERRIDDEN,
            format!(
                "was started with {file} instead of {}, so what replform writes would have no effect",
                facts.conf
            ),
            vec![choice(
                "start it by its unit",
                format!("systemctl restart {}, once nobody writes", facts.unit_name),
            )],
        );
    }
}

fn new_links(upstreams: &Upstreams<'_>, facts: &RedisFacts, checks: &mut Checks<'_>) {
    let host = &upstreams.facts.host;
    if let Some(used) = facts.number("used_memory")
        && facts.overcommit != "1"
        && host.memory_available.0 < used
    {
        checks.warn(
            codes::LESS_MEMORY,
            format!(
                "uses {} of memory and {} is free: the fork for a copy may be refused, and pages written meanwhile take room again",
                Bytes(used),
                host.memory_available
            ),
            vec![choice("let it fork", "sysctl vm.overcommit_memory=1")],
        );
    }
    if facts.huge_pages == "always" && facts.setting("disable-thp") != Some("yes") {
        checks.warn(
            codes::CONFIGURATION_RISK,
            "has transparent huge pages on: while a copy is taken, each small write copies 2 MB and makes clients wait".to_owned(),
            vec![choice("turn them off for this server", "disable-thp yes in its configuration")],
        );
    }
    let others: Vec<&str> = facts
        .users
        .iter()
        .map(|user| user.name.as_str())
        .filter(|name| *name != "default" && !name.starts_with("replform_"))
        .collect();
    if !others.is_empty() {
        checks.warn(
            codes::CONFIGURATION_RISK,
            format!(
                "has users of its own ({}); users aren't replicated, so whoever logs in as one of them can't read from a replica",
                others.join(", ")
            ),
            vec![choice("make them there", "with the same rules, on each replica")],
        );
    }
}

/// `retain`: the backlog is memory.
fn backlog(upstreams: &Upstreams<'_>, facts: &RedisFacts, checks: &mut Checks<'_>) {
    let Some(wanted) = upstreams.replication.retain else {
        return;
    };
    let free = upstreams.facts.host.memory_available;
    if wanted.0 > free.0 {
        checks.block(
            codes::RETAIN,
            format!("retain = {wanted} is the size of its backlog, which is memory, and only {free} is free"),
            vec![choice("keep less", "write a smaller retain")],
        );
        return;
    }
    let copy = upstreams
        .instance
        .data
        .as_ref()
        .map_or(0, |data| data.copy_bytes.0);
    let seconds = super::steps::SNAPSHOT_DELAY + copy as f64 / crate::engines::steps::ASSUMED_RATE;
    if let Some(rate) = settings::write_rate(facts)
        && !upstreams.new.is_empty()
        && rate * seconds > wanted.0 as f64
    {
        checks.warn(
            codes::RETAIN,
            format!(
                "takes about {}/s of writes; while a copy takes {seconds:.0} s that is more than retain = {wanted}",
                Bytes(rate as u64)
            ),
            vec![choice(
                "keep more",
                "write a larger retain, or the copy may have to be made again",
            )],
        );
    }
}

/// Opening a server that asks for no password.
fn exposed(upstreams: &Upstreams<'_>, facts: &RedisFacts) -> Option<Finding> {
    let opens = upstream_changes(upstreams, facts)
        .iter()
        .any(|change| change.name == "bind" || change.name == "protected-mode");
    (facts.is_open() && opens).then(|| {
        hazard(
            Hazard::Expose,
            codes::EXPOSE,
            upstreams.replication,
            upstreams.member,
            upstreams.options,
            format!(
                "asks nobody for a password and is to listen on {}: whoever reaches that address could read and write everything",
                upstreams.member.address
            ),
            Some(choice(
                "give it a password",
                format!(
                    "requirepass in {} and CONFIG SET requirepass, and the same to its apps; its replicas then ask for it too",
                    facts.conf
                ),
            )),
        )
    })
}

/// A primary that keeps nothing on disk.
fn unsaved(upstreams: &Upstreams<'_>, facts: &RedisFacts) -> Option<Finding> {
    if facts.persists() {
        return None;
    }
    let what = "keeps nothing on disk (save is empty, appendonly is no): a restart empties it, and its replicas right after it";
    if upstreams.new.is_empty() {
        let mut checks = Checks::of_upstream(upstreams);
        checks.warn(codes::NO_PERSISTENCE, what.to_owned(), vec![let_it_save()]);
        return checks.done().pop();
    }
    Some(hazard(
        Hazard::LoseWrites,
        codes::NO_PERSISTENCE,
        upstreams.replication,
        upstreams.member,
        upstreams.options,
        what.to_owned(),
        Some(let_it_save()),
    ))
}

fn let_it_save() -> crate::plan::Choice {
    choice(
        "let it save",
        "CONFIG SET save \"3600 1 300 100 60 10000\" (or appendonly yes), and the same in its configuration",
    )
}

/// Requirements of one link.
pub(super) fn link(link: &Link<'_>) -> Vec<Finding> {
    let (Ok(facts), Ok(upstream)) = (
        RedisFacts::of(link.instance),
        RedisFacts::of(link.upstream_instance),
    ) else {
        return Vec::new();
    };
    let mut checks = Checks::of_link(link);
    product(link, &facts, &mut checks);
    data_directory(link, &mut checks);
    commands(&facts, &mut checks);
    configuration_file(&facts, &mut checks);
    admin(&link.replica.member, &facts, &mut checks);
    if settings::copies(link) {
        movable_or_mounted(&facts.place, &mut checks);
        disk(link, super::steps::copy_bytes(link), &mut checks);
        memory(link, &facts, &upstream, &mut checks);
        append_only(link, &facts, &mut checks);
    }
    tls::check_link(link, &mut checks);
    let listens = link
        .listens_at()
        .zip(upstream.setting("bind"))
        .is_some_and(|(address, bind)| settings::listening(bind, address).is_none());
    closed_port(link, listens, &mut checks);
    let mut findings = checks.done();
    if settings::becomes_open(link, &facts, &upstream) {
        findings.push(hazard(
            Hazard::Expose,
            codes::EXPOSE,
            link.replication,
            &link.replica.member,
            link.options,
            format!(
                "will ask nobody for a password and listen on {}: whoever reaches that address could read everything",
                link.replica.member.address
            ),
            Some(choice(
                "give its primary a password",
                "requirepass; a new replica takes it over",
            )),
        ));
    }
    findings
}

/// The package that a bare host would get: its product's, new enough to read what the upstream writes.
pub(super) fn candidate<'a>(link: &Link<'a>) -> Option<(Kind, &'a str)> {
    let kind = settings::upstream_kind(link);
    let upstream = link.upstream_instance.version.as_deref()?;
    let known = link.instance.installable.iter();
    known
        .filter(|(name, _)| name.split(' ').next() == Some(kind.word()))
        .map(|(_, version)| (kind, version.as_str()))
        .find(|(kind, version)| release::unreadable((*kind, version), (*kind, upstream)).is_none())
}

/// The replica's server, or the one that its host could install, reads what the upstream writes.
fn product(link: &Link<'_>, facts: &RedisFacts, checks: &mut Checks<'_>) {
    let kind = settings::upstream_kind(link);
    let Some(upstream) = link.upstream_instance.version.as_deref() else {
        return;
    };
    match link.instance.server {
        ServerState::NotInstalled if candidate(link).is_none() => {
            let known: Vec<String> = link
                .instance
                .installable
                .iter()
                .map(|(name, version)| format!("{name} ({version})"))
                .collect();
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            checks.block(
                codes::NO_PACKAGE,
                format!(
                    "no package source of this host has {} of at least {upstream}, the primary's version (there: {known})",
                    kind.package()
                ),
                vec![choice(
                    "add a source",
                    format!("one that has {}, and run apt-get update there", kind.package()),
                )],
            );
        }
        ServerState::NotInstalled => {}
        ServerState::NoInstance => {
            let others: Vec<String> = facts
                .others
                .iter()
                .map(|other| format!("{} on port {}", other.conf, other.port))
                .collect();
            checks.block(
                codes::NO_PACKAGE,
                format!(
                    "has a server installed, but none on port {} ({}); replform makes no second instance of one on a host",
                    link.replica.member.instance.port,
                    others.join(", ")
                ),
                vec![
                    choice("take the one that is there", "write its port in the redis block of this replica"),
                    choice("make one", format!("a configuration /etc/{0}/{0}-NAME.conf of its own, as {0}-server@.service says", kind.word())),
                ],
            );
        }
        _ => running_product(link, facts, (kind, upstream), checks),
    }
}

fn running_product(
    link: &Link<'_>,
    facts: &RedisFacts,
    upstream: (Kind, &str),
    checks: &mut Checks<'_>,
) {
    let (Some(kind), Some(version)) = (facts.kind, link.instance.version.as_deref()) else {
        return;
    };
    if let Some(why) = release::unreadable((kind, version), upstream) {
        checks.block(
            codes::OTHER_VERSION,
            why,
            vec![choice(
                "the same version",
                format!("{} {} on the replica", upstream.0.title(), upstream.1),
            )],
        );
    } else if release::unreadable(upstream, (kind, version)).is_some() {
        checks.warn(
            codes::OTHER_VERSION,
            format!(
                "runs {} {version}, its primary {} {}: after a switchover to it the way back is closed",
                kind.title(),
                upstream.0.title(),
                upstream.1
            ),
            Vec::new(),
        );
    }
}

/// The data must fit into the replica's memory.
fn memory(link: &Link<'_>, facts: &RedisFacts, upstream: &RedisFacts, checks: &mut Checks<'_>) {
    let Some(used) = upstream.number("used_memory") else {
        return;
    };
    let host = &link.facts.host;
    let own = facts.number("used_memory").unwrap_or(0);
    if host.memory_total.0 < used {
        checks.block(
            codes::LESS_MEMORY,
            format!(
                "has {} of memory, and the data takes {} there",
                host.memory_total,
                Bytes(used)
            ),
            vec![choice(
                "use another host",
                "one with more memory than its primary uses",
            )],
        );
    } else if host.memory_available.0 + own < used {
        checks.warn(
            codes::LESS_MEMORY,
            format!(
                "has {} of memory free, and the data takes {}: it may be ended for want of memory",
                host.memory_available,
                Bytes(used)
            ),
            Vec::new(),
        );
    }
    let limit: u64 = facts
        .setting("maxmemory")
        .and_then(|limit| limit.parse().ok())
        .unwrap_or(0);
    if limit > 0 && limit < used {
        checks.warn(
            codes::LESS_MEMORY,
            format!(
                "has maxmemory {}, and the data takes {}: as a replica it keeps all, after a switchover it would throw keys away at once",
                Bytes(limit),
                Bytes(used)
            ),
            Vec::new(),
        );
    }
}

/// With an append-only file the copy would be passed over at the start.
fn append_only(link: &Link<'_>, facts: &RedisFacts, checks: &mut Checks<'_>) {
    if facts.setting("appendonly") == Some("yes") {
        checks.warn(
            codes::CONFIGURATION_RISK,
            format!(
                "has appendonly yes, which is turned off there: its own file would be read instead of the copy, and with one a replica takes a full copy at each restart ({})",
                link.replica.member.server
            ),
            Vec::new(),
        );
    }
}
