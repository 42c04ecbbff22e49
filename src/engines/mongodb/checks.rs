//! MongoDB's requirements, looked at before anything runs; each finding says what to do.

use super::facts::{MongoFacts, State};
use super::settings::{self, SMALLEST_OPLOG};
use super::{steps, summary};
use crate::diagnostics::codes;
use crate::engines::checks::{
    Checks, closed_port, data_directory, disk, installable, movable, required_version,
    upstream_data_directory,
};
use crate::engines::steps::copy_rate;
use crate::engines::{Link, Upstreams};
use crate::observe::{Instance, ServerState};
use crate::plan::findings::{about, choice, hazard};
use crate::plan::{Finding, Relation, Severity};
use crate::topology::{Bytes, Hazard, Replication};

/// The most voting members of a set (manual 6.0, Replica Set Members).
const MOST_VOTERS: usize = 7;

/// Requirements of the upstream.
pub(super) fn upstream(upstreams: &Upstreams<'_>) -> Vec<Finding> {
    let Ok(facts) = MongoFacts::of(upstreams.instance) else {
        return Vec::new();
    };
    let mut checks = Checks::of_upstream(upstreams);
    let release = upstreams.instance.version.as_deref().map(summary::release);
    required_version(upstreams, "MongoDB", release.as_deref(), &mut checks);
    upstream_data_directory(upstreams, &mut checks);
    arbiter(upstreams, &mut checks);
    if !upstreams.new.is_empty() {
        new_links(upstreams, &facts, &mut checks);
        voters(upstreams, &facts, &mut checks);
        retain(upstreams, &facts, &mut checks);
    }
    if facts.rollback_files > 0 {
        checks.warn(
            codes::CONFIGURATION_RISK,
            format!(
                "its data directory has {} file{} under rollback/: writes that an election took out; replform leaves them alone",
                facts.rollback_files,
                if facts.rollback_files == 1 { "" } else { "s" }
            ),
            Vec::new(),
        );
    }
    let mut findings = checks.done();
    if !upstreams.new.is_empty() {
        expose(upstreams, &facts, &mut findings);
    }
    findings
}

/// A set of three with one that holds no data: not built, so never quietly left out.
fn arbiter(upstreams: &Upstreams<'_>, checks: &mut Checks<'_>) {
    let Some((server, place)) = &upstreams.replication.arbiter else {
        return;
    };
    checks.block(
        codes::LINK_NOT_BUILT,
        format!(
            "its set is to have {server} as an arbiter ({place}): making arbiters isn't built in this version, and without it the set would have an even number of votes"
        ),
        vec![choice(
            "a replica instead",
            format!("write replica \"…\" {{ server = … }} for {server}: three copies survive the loss of one server, an arbiter keeps none"),
        )],
    );
}

/// The set chose another primary than the configuration's: that is its right, and no reason to stop. `None` where this isn't a
/// secondary in good order.
pub(super) fn elected(replication: &Replication, instance: &Instance) -> Option<Finding> {
    let facts = MongoFacts::of(instance).ok()?;
    let primary = facts.primary.as_deref()?;
    if facts.state != State::Secondary {
        return None;
    }
    let known = replication
        .members()
        .find(|(_, member)| settings::host_of(member) == primary);
    let (who, choices) = match &known {
        Some((id, member)) => (
            format!("{} ({id})", member.server),
            vec![choice(
                "agree with it",
                format!(
                    "write {} as primary ({}) and this one as a replica",
                    member.server, replication.primary_place
                ),
            )],
        ),
        None => (
            format!("{primary}, which isn't in the configuration"),
            Vec::new(),
        ),
    };
    Some(about(
        codes::PRIMARY_ELECTED,
        Severity::Warning,
        replication,
        &replication.primary,
        format!(
            "is written as the primary, but the set elected {who}; a set chooses by itself, after a failure too, and replform never fights that: apps that connect by the set's name follow it"
        ),
        choices,
    ))
}

fn new_links(upstreams: &Upstreams<'_>, facts: &MongoFacts, checks: &mut Checks<'_>) {
    let version = upstreams.instance.version.as_deref().unwrap_or_default();
    let major: Option<u32> = version.split('.').next().and_then(|part| part.parse().ok());
    if major.is_some_and(|major| major < 5) {
        checks.block(
            codes::OTHER_VERSION,
            format!("runs MongoDB {version}: before 5.0 a change of the set's configuration may undo another one"),
            vec![choice("upgrade", "to MongoDB 5.0 or later first")],
        );
    }
    let in_memory = facts.setting("storage.engine") == "inMemory"
        || facts.storage_engine.as_deref() == Some("inMemory");
    if in_memory {
        checks.block(
            codes::CONFIGURATION_RISK,
            "keeps its data in memory only (storage.engine is inMemory): restarted, it would be empty, and its set after it".to_owned(),
            vec![choice("keep data on disk", "storage.engine: wiredTiger")],
        );
    }
    conf_refused(facts, checks);
    let cluster = facts.setting("security.clusterAuthMode");
    if !matches!(cluster, "" | "keyFile") {
        checks.block(
            codes::LINK_NOT_BUILT,
            format!("its members log in to one another by certificates (security.clusterAuthMode is {cluster}), which isn't built in this version"),
            vec![choice("use a key file", "security.clusterAuthMode: keyFile")],
        );
    }
    if facts.key_file == "missing" {
        checks.block(
            codes::CONFIGURATION_RISK,
            format!(
                "its key file {} isn't there: it wouldn't start again",
                facts.setting("security.keyFile")
            ),
            vec![choice("put it back", "then plan again")],
        );
    }
    if let Some(why) = facts.refused.get("login") {
        checks.block(
            codes::CONFIGURATION_RISK,
            format!("doesn't take the key of its own key file ({why}): the file was changed since it started, or its members use another way"),
            vec![choice("put the right key there", "then plan again")],
        );
    }
    if matches!(facts.state, State::Primary | State::Secondary) {
        in_a_set(upstreams, facts, checks);
    }
    if facts.huge_pages == "always" {
        checks.warn(
            codes::CONFIGURATION_RISK,
            "its kernel gives huge pages to every process (transparent_hugepage is always), which slows mongod down".to_owned(),
            Vec::new(),
        );
    }
}

/// What a set that exists must be like to get one more member.
fn in_a_set(upstreams: &Upstreams<'_>, facts: &MongoFacts, checks: &mut Checks<'_>) {
    let Some(config) = &facts.config else {
        checks.block(
            codes::NOT_UNDERSTOOD,
            format!(
                "is a member of the set \"{}\", but doesn't tell the set's configuration: {}",
                facts.set.as_deref().unwrap_or_default(),
                facts
                    .refused
                    .get("config")
                    .map_or("it gave no answer", String::as_str)
            ),
            vec![choice("let root in", "by a key file that the server takes")],
        );
        return;
    };
    let me = facts.me.as_deref().unwrap_or_default();
    let local = |host: &str| host.starts_with("localhost:") || host.starts_with("127.");
    if local(me) {
        checks.block(
            codes::NO_PATH,
            format!("calls itself {me} in its set's configuration, which means something else on every other host"),
            vec![choice(
                "name it rightly",
                format!("in mongosh there: c = rs.conf(); c.members[0].host = \"{}\"; rs.reconfig(c)", settings::host_of(upstreams.member)),
            )],
        );
    }
    let restarts = settings::upstream_changes(upstreams, facts)
        .iter()
        .any(|change| change.restart);
    if restarts && config.members.len() > 1 {
        checks.block(
            codes::REPLICAS_FIRST,
            format!("must listen on {}, which takes a restart: of a set's primary that is for an administrator, with a step-down before", upstreams.member.address),
            vec![choice(
                "by hand",
                "write net.bindIp into its mongod.conf, rs.stepDown(), restart it; then plan again",
            )],
        );
    }
    window(upstreams, facts, checks);
}

/// A copy must end before the oplog that it began with is gone.
fn window(upstreams: &Upstreams<'_>, facts: &MongoFacts, checks: &mut Checks<'_>) {
    let (Some(oplog), Some(data)) = (facts.oplog, &upstreams.instance.data) else {
        return;
    };
    let kept = oplog.last.saturating_sub(oplog.first) as f64;
    // A log that isn't full yet keeps all there ever was.
    let full = oplog.used.0 as f64 >= 0.9 * oplog.limit.0 as f64;
    let seconds = data.copy_bytes.0 as f64 / crate::engines::steps::ASSUMED_RATE;
    if full && kept < 2.0 * seconds {
        checks.warn(
            codes::RETAIN,
            format!("its oplog holds the last {kept:.0} s of writes; a copy takes about {seconds:.0} s, and should take less than half of that"),
            vec![choice("keep more", "db.adminCommand({replSetResizeOplog: 1, size: MEGABYTES}) there")],
        );
    }
}

/// Without a login everybody who reaches the port may do everything.
fn expose(upstreams: &Upstreams<'_>, facts: &MongoFacts, findings: &mut Vec<Finding>) {
    if facts.authenticates() {
        return;
    }
    let transition = facts.setting("security.transitionToAuth") == "true";
    let because = if transition {
        "security.transitionToAuth lets clients in that don't log in"
    } else {
        "security.authorization isn't enabled"
    };
    let opened: Vec<String> = std::iter::once(upstreams.member)
        .filter(|member| settings::listening(facts, &member.address).is_some())
        .chain(upstreams.new.iter().map(|replica| &replica.member))
        .map(settings::host_of)
        .collect();
    findings.push(hazard(
        Hazard::Expose,
        codes::EXPOSE,
        upstreams.replication,
        upstreams.member,
        upstreams.options,
        format!(
            "has no logins ({because}), so whoever reaches {} may read, change and drop everything, on every member",
            opened.join(", ")
        ),
        Some(choice(
            "let clients log in",
            "make an administrator (db.createUser), set security.authorization: enabled, restart; then plan again",
        )),
    ));
}

/// A set votes: an even number can tie, and MongoDB knows at most seven votes.
fn voters(upstreams: &Upstreams<'_>, facts: &MongoFacts, checks: &mut Checks<'_>) {
    let Some(config) = &facts.config else {
        return;
    };
    let votes = config.members.iter().filter(|m| m.votes > 0).count();
    let added = upstreams
        .new
        .iter()
        .filter(|replica| {
            facts
                .configured(&settings::host_of(&replica.member))
                .is_none()
        })
        .count();
    let known: Vec<String> = upstreams
        .replication
        .members()
        .map(|(_, member)| settings::host_of(member))
        .collect();
    let others: Vec<&str> = config
        .members
        .iter()
        .map(|member| member.host.as_str())
        .filter(|host| !known.iter().any(|one| one == host) && facts.me.as_deref() != Some(host))
        .collect();
    let whose = if others.is_empty() {
        String::new()
    } else {
        format!(
            "; of the configuration's members it doesn't know {}",
            others.join(", ")
        )
    };
    let total = votes + added;
    if total > MOST_VOTERS {
        checks.block(
            codes::EVEN_VOTERS,
            format!("its set would have {total} votes, MongoDB's most is {MOST_VOTERS}{whose}"),
            vec![choice(
                "fewer members",
                "take replicas out, or votes from members by rs.reconfig",
            )],
        );
    } else if total.is_multiple_of(2) {
        checks.warn(
            codes::EVEN_VOTERS,
            format!("its set will have {total} votes, an even number{whose}: when half of them are away nobody accepts writes"),
            Vec::new(),
        );
    }
}

/// What a dead member can still catch up with is the oplog's size.
fn retain(upstreams: &Upstreams<'_>, facts: &MongoFacts, checks: &mut Checks<'_>) {
    let Some(wanted) = upstreams.replication.retain else {
        return;
    };
    if wanted.0 < SMALLEST_OPLOG {
        checks.block(
            codes::RETAIN,
            format!(
                "retain = {wanted}, but MongoDB's oplog is at least {}",
                Bytes(SMALLEST_OPLOG)
            ),
            vec![choice(
                "keep more",
                format!("write retain = \"{}\" or more", Bytes(SMALLEST_OPLOG)),
            )],
        );
    }
    if let Some(data) = &upstreams.instance.data
        && wanted.0 > data.disk_free.0
    {
        checks.block(
            codes::RETAIN,
            format!(
                "retain = {wanted}, but only {} is free there",
                data.disk_free
            ),
            vec![choice("keep less", "write a smaller retain, or make room")],
        );
    }
    if let Some(oplog) = facts.oplog
        && oplog.limit.0 / 1_048_576 != wanted.0 / 1_000_000
    {
        checks.warn(
            codes::RETAIN,
            format!("its oplog holds {}, and retain = {wanted} is for members that are made: a set's own isn't resized", oplog.limit),
            vec![choice("resize it", format!("db.adminCommand({{replSetResizeOplog: 1, size: {}}}) there", wanted.0 / 1_000_000))],
        );
    }
}

/// replform can't write its values into this file.
fn conf_refused(facts: &MongoFacts, checks: &mut Checks<'_>) {
    if facts.setting("config").is_empty() && !facts.unit.is_empty() {
        checks.block(
            codes::SETTING_OVERRIDDEN,
            format!(
                "{} starts its mongod without a configuration file, so nothing can be set for it",
                facts.unit
            ),
            vec![choice(
                "give it one",
                "mongod --config /etc/mongod.conf, with what stands in its arguments now",
            )],
        );
    } else if !facts.conf_refused.is_empty() {
        checks.block(
            codes::SETTING_OVERRIDDEN,
            format!(
                "replform can't write its values into the configuration: {}",
                facts.conf_refused
            ),
            vec![choice(
                "write it in block style",
                "as the package's own mongod.conf is, indented by spaces",
            )],
        );
    }
}

/// Requirements of one link.
pub(super) fn link(link: &Link<'_>) -> Vec<Finding> {
    let (Ok(facts), Ok(upstream)) = (
        MongoFacts::of(link.instance),
        MongoFacts::of(link.upstream_instance),
    ) else {
        return Vec::new();
    };
    let mut checks = Checks::of_link(link);
    version(link, &mut checks);
    data_directory(link, &mut checks);
    if link.instance.server == ServerState::NoInstance {
        let others: Vec<String> = facts
            .other_units
            .iter()
            .map(|(unit, port)| format!("{unit} on {port}"))
            .collect();
        checks.block(
            codes::NOT_UNDERSTOOD,
            format!(
                "has MongoDB, but no unit whose mongod has port {} (there: {})",
                link.replica.member.instance.port,
                if others.is_empty() { "none".to_owned() } else { others.join(", ") }
            ),
            vec![choice("make one", "a systemd unit mongod….service with its own mongod.conf; or write the port of the one that is there")],
        );
    }
    if let Some(limit) = link.replica.max_rate {
        checks.block(
            codes::LINK_NOT_BUILT,
            format!(
                "max_rate = {limit} is asked for, but MongoDB copies by itself and knows no limit"
            ),
            vec![choice("without a limit", "take max_rate out")],
        );
    }
    conf_refused(&facts, &mut checks);
    if !matches!(link.relation, Relation::Disconnected(_) | Relation::Worn(_)) {
        movable(&facts.place, &mut checks);
        disk(link, steps::copy_bytes(link), &mut checks);
    }
    // A server that lets nobody look may not have started yet with what its file says; becoming a set it restarts with it.
    let restarts = upstream.state == State::Standalone && upstream.running_bind.is_none();
    let listens = settings::listening(&upstream, &link.upstream.address).is_none() && !restarts;
    closed_port(link, listens, &mut checks);
    if facts.setting("net.tls.mode").starts_with("require") {
        checks.block(
            codes::LINK_NOT_BUILT,
            "takes TLS connections only (net.tls.mode is requireTLS), which isn't built in this version".to_owned(),
            vec![choice("allow both", "net.tls.mode: preferTLS")],
        );
    }
    slow(link, &mut checks);
    checks.done()
}

fn version(link: &Link<'_>, checks: &mut Checks<'_>) {
    let release = |version: Option<&str>| version.map(summary::release);
    let Some(wanted) = release(link.upstream_instance.version.as_deref()) else {
        return;
    };
    if link.instance.server == ServerState::NotInstalled {
        let package = format!("{} {wanted}", settings::PACKAGE);
        installable(link, &package, checks);
    } else if let Some(own) = release(link.instance.version.as_deref())
        && own != wanted
    {
        checks.block(
            codes::OTHER_VERSION,
            format!("has MongoDB {own}, the primary {wanted}: a set's members are of one release"),
            vec![choice(
                "the same release",
                format!("install MongoDB {wanted} there"),
            )],
        );
    }
}

/// What a copy of this size means while it runs.
fn slow(link: &Link<'_>, checks: &mut Checks<'_>) {
    let seconds = steps::copy_bytes(link).0 as f64 / copy_rate(link);
    if seconds > 3600.0 {
        checks.warn(
            codes::CONFIGURATION_RISK,
            format!("its copy takes about {:.0} hours, and as long again for indexes; a restart of its mongod meanwhile begins it anew", seconds / 3600.0),
            Vec::new(),
        );
    }
}
