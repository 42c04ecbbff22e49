//! MySQL's steps: which scripts carry an intent out, with which arguments.

use super::facts::MysqlFacts;
use super::gtid::GtidSet;
use super::settings::{self, CLONE, line};
use super::tls;
use crate::engines::secure::Proved;
use crate::engines::steps::{Copy, LinkSteps, Retirement, UNLINK_SECONDS, configure};
use crate::engines::{Link, Parting, Upstreams, account_of};
use crate::observe::ServerState;
use crate::plan::{Argument, Call, Marker, Relation, Step, StepKind, Work};
use crate::topology::{Bytes, MemberId, Tls};

/// Bytes a second at which innochecksum reads a copy's pages, the copy's own server made and ended included for small ones.
const CHECK_RATE: f64 = 150e6;
/// Limits above the scripts' own: a client that gave up earlier would call a restart failed that comes later.
/// configure.sh: pages 60, GTIDs 130, stop, start and putting back 180 each. link.sh: start 840, stop, checks.
const CONFIGURE_SECONDS: u64 = 1000;
const LINK_SECONDS: u64 = 1200;
/// unlink.sh: a start of 840, catching up, a transaction that ends before the applier stops 600.
const UNLINK_LIMIT: u64 = 1800 + UNLINK_SECONDS as u64;
/// Seconds without writes of a restart whose pages were written before (engine page, 13: 5.4 s without that).
const RESTART_SECONDS: f64 = 4.0;

/// Bytes of a full copy: the files of the tablespaces.
pub(super) fn copy_bytes(link: &Link<'_>) -> Bytes {
    let data = link.upstream_instance.data.as_ref();
    data.map_or(Bytes(0), |data| data.copy_bytes)
}

/// The step that makes the upstream ready, where it isn't.
pub(super) fn prepare(upstreams: &Upstreams<'_>) -> Vec<Step> {
    let Ok(facts) = MysqlFacts::of(upstreams.instance) else {
        return Vec::new();
    };
    let changes = settings::upstream_changes(upstreams, &facts);
    let plugin = changes.iter().any(|change| change.name == CLONE);
    let lines = changes.iter().filter(|change| change.name != CLONE);
    let seen = changes
        .iter()
        .map(|change| format!("{}={}", change.name, change.now));
    let call = Call::new("mysql/configure.sh", CONFIGURE_SECONDS)
        .number("port", upstreams.member.instance.port)
        .with(
            "settings",
            Argument::Lines(lines.map(settings::change_line).collect()),
        )
        .with("expect", Argument::Lines(seen.collect()))
        .text("plugin", yes(plugin));
    let secure = tls::secure_upstream(upstreams);
    let configure = configure(upstreams, &changes, RESTART_SECONDS, call).map(|mut step| {
        // The settings name the files.
        step.needs.extend(secure.iter().map(|step| step.id.clone()));
        step
    });
    secure.into_iter().chain(configure).collect()
}

fn yes(it: bool) -> &'static str {
    if it { "yes" } else { "no" }
}

/// A full copy, moved into place and linked.
pub(super) fn seed(link: &Link<'_>) -> Vec<Step> {
    let calls = Calls::new(link);
    let mut steps = LinkSteps::new(link);
    if matches!(
        link.instance.server,
        ServerState::NotInstalled | ServerState::NoInstance
    ) {
        calls.provision(&mut steps);
    }
    calls.secure(&mut steps);
    if steps.job_runs(StepKind::Backup) {
        // The running copy holds the instance's lock and has its connections: the account is renewed when it is done.
        calls.backup(&mut steps);
        calls.account(&mut steps, true);
    } else {
        calls.account(&mut steps, true);
        calls.backup(&mut steps);
    }
    let settings = calls.lines(Some(line("skip_replica_start", "ON")));
    steps.restore(
        calls
            .on_replica("mysql/restore.sh", 7200)
            .with("settings", settings),
    );
    calls.link(&mut steps);
    calls.verify(&mut steps);
    steps.done()
}

/// The link alone.
pub(super) fn reconnect(link: &Link<'_>) -> Vec<Step> {
    let calls = Calls::new(link);
    let mut steps = LinkSteps::new(link);
    calls.secure(&mut steps);
    calls.account(&mut steps, false);
    calls.link(&mut steps);
    calls.verify(&mut steps);
    steps.done()
}

/// The replica's certificate, made anew in time.
pub(super) fn keep(link: &Link<'_>) -> Vec<Step> {
    let mut steps = LinkSteps::new(link);
    Calls::new(link).secure(&mut steps);
    steps.done()
}

/// The replica becomes a standalone server where it stands, then its upstream forgets it.
pub(super) fn part(parting: &Parting<'_>) -> Vec<Step> {
    let calls = Calls::new(&parting.link);
    let mut steps = LinkSteps::new(&parting.link);
    if parting.stands {
        let (facts, _) = calls.facts();
        let keep = settings::staying(&facts, parting.keep_address);
        // It came with the data.
        let plugin = plugin_is_ours(parting.link.wanted_upstream_marker);
        let call = calls
            .on_replica("mysql/unlink.sh", UNLINK_LIMIT)
            .with("accounts", Argument::Lines(parting.accounts()))
            .with("keep", Argument::Lines(keep))
            .text("plugin", yes(plugin));
        steps.unlink(None, call);
    }
    let call = Call::new("mysql/cleanup.sh", 120)
        .number("port", parting.link.upstream.instance.port)
        .text("role", &calls.name);
    steps.cleanup(&format!("account {}", calls.name), call);
    steps.done()
}

/// Whether replform loaded the clone plugin.
fn plugin_is_ours(marker: &Marker) -> bool {
    marker.settings.contains_key(CLONE)
}

/// The primary's file and plugin go; GTIDs stay.
pub(super) fn retire(upstreams: &Upstreams<'_>, keep_address: bool) -> Option<Retirement> {
    let facts = MysqlFacts::of(upstreams.instance).ok()?;
    let reader = facts.foreign_reader().map(|reader| reader.user.as_str());
    let mut keep = settings::staying(&facts, keep_address);
    let gtids: Vec<&str> = settings::set_by_us(&facts)
        .filter(|name| settings::GTIDS.contains(name))
        .collect();
    keep.extend(gtids.iter().map(|&name| name.to_owned()));
    let loaded = facts.plugins.contains_key(CLONE);
    let plugin = loaded && reader.is_none() && upstreams.marker.is_some_and(plugin_is_ours);
    let mut names: Vec<&str> = settings::set_by_us(&facts)
        .filter(|name| !keep.iter().any(|kept| kept == name))
        .collect();
    let later = settings::back_with_a_restart(&names);
    if plugin {
        names.push("the clone plugin");
    }
    let call = Call::new("mysql/retire.sh", 120)
        .number("port", upstreams.member.instance.port)
        .with("keep", Argument::Lines(keep))
        .text("plugin", yes(plugin));
    let mut retirement = Retirement::of_settings(&names, &later, reader, call)?;
    if reader.is_none() && !gtids.is_empty() {
        retirement
            .what
            .push_str("; GTIDs stay on, as backups and other readers may rely on them");
    }
    Some(retirement)
}

/// The calls of one link share all this.
struct Calls<'a, 'b> {
    link: &'b Link<'a>,
    name: String,
}

impl<'a, 'b> Calls<'a, 'b> {
    fn new(link: &'b Link<'a>) -> Self {
        Self {
            link,
            name: account_of(link.replication, link.replica),
        }
    }

    fn facts(&self) -> (MysqlFacts, MysqlFacts) {
        let of = |instance| {
            MysqlFacts::of(instance)
                .map(|facts| (*facts).clone())
                .unwrap_or_default()
        };
        (of(self.link.instance), of(self.link.upstream_instance))
    }

    /// The lines of the replica's file, and one more.
    fn lines(&self, more: Option<String>) -> Argument {
        let (facts, upstream) = self.facts();
        let mut lines = settings::replica_lines(self.link, &facts, &upstream);
        lines.extend(more);
        Argument::Lines(lines)
    }

    /// A call on the replica's server.
    fn on_replica(&self, script: &str, timeout_seconds: u64) -> Call {
        Call::new(script, timeout_seconds)
            .number("port", self.link.replica.member.instance.port)
            .text("upstream_address", self.link.upstream_address())
            .number("upstream_port", self.link.upstream.instance.port)
            .text("role", &self.name)
    }

    /// The same, for scripts that log in upstream.
    fn with_login(&self, steps: &LinkSteps<'_, '_>, script: &str, timeout_seconds: u64) -> Call {
        let call = self.on_replica(script, timeout_seconds);
        tls::login(self.link, call).with("password", Argument::Secret(steps.password()))
    }

    /// The replica's certificate; a channel that stands takes it up.
    fn secure(&self, steps: &mut LinkSteps<'_, '_>) {
        if !self.link.verifies() {
            return;
        }
        let id = MemberId::Replica(self.link.replica.name.clone());
        let proved = Proved::replica(self.link, &id, &self.name, tls::PLACE, tls::OWNER);
        let reread = self.on_replica("mysql/reread.sh", 90);
        let reads = matches!(self.link.relation, Relation::Linked | Relation::Unmanaged);
        let reread = reads.then(|| steps.on_replica(Work::Script(reread)));
        steps.secure(&proved, reread.into_iter().collect());
    }

    fn provision(&self, steps: &mut LinkSteps<'_, '_>) {
        let port = self.link.replica.member.instance.port;
        let series = settings::series_of(self.link.upstream_instance).unwrap_or_default();
        let call = Call::new("mysql/provision.sh", 900)
            .number("port", port)
            .text("package", settings::PACKAGE)
            .text("series", series)
            .with(
                "settings",
                self.lines(Some(line("skip_replica_start", "ON"))),
            );
        steps.provision(
            settings::PACKAGE,
            &format!("the server on port {port}"),
            call,
        );
    }

    fn account(&self, steps: &mut LinkSteps<'_, '_>, clones: bool) {
        let (_, upstream) = self.facts();
        let make = Call::new("mysql/account.sh", 60)
            .number("port", self.link.upstream.instance.port)
            .text("role", &self.name)
            .text("address", self.link.replica_address())
            .text("clone", yes(clones))
            .text("requires", tls::requires(self.link))
            .with("proof", Argument::Proof(steps.password()));
        let keep = self
            .with_login(steps, "mysql/login.sh", 60)
            .text("expect_identity", steps.upstream_identity());
        let exists = upstream
            .accounts
            .iter()
            .any(|account| account.user == self.name);
        steps.account("account", &self.name, exists, make, keep);
    }

    fn backup(&self, steps: &mut LinkSteps<'_, '_>) {
        let (_, upstream) = self.facts();
        // The plugin compares these of its two servers; those that a data directory is made with only where they aren't usual.
        let always = ["character_set_server", "collation_server"].map(|name| (name, ""));
        let same = settings::DONORS.into_iter().chain(always);
        let recipient = same.filter_map(|(name, usual)| {
            let value = upstream.setting(name).filter(|value| *value != usual)?;
            Some(format!("--{}={value}", name.replace('_', "-")))
        });
        let call = self
            .with_login(steps, "mysql/backup.sh", 60)
            .text("upstream_identity", steps.upstream_identity())
            .with("recipient", Argument::Lines(recipient.collect()));
        let copy = Copy {
            how: "every page checked".to_owned(),
            before: Vec::new(),
            call,
            bytes: copy_bytes(self.link),
            check_rate: CHECK_RATE,
        };
        steps.backup_unless(self.copy_goes_on(), copy);
    }

    /// A checked copy of this upstream beside the data directory, and binary logs that hold all that came after it: backup.sh
    /// asks the same.
    fn copy_goes_on(&self) -> bool {
        let (facts, upstream) = self.facts();
        let held = facts
            .waiting_executed
            .as_deref()
            .and_then(|text| text.parse::<GtidSet>().ok());
        facts.copy_verified
            && facts.waiting_source.is_some()
            && facts.waiting_source == self.link.upstream_instance.identity
            && matches!((held, upstream.purged()), (Some(held), Some(purged)) if purged.without(&held).is_empty())
    }

    fn link(&self, steps: &mut LinkSteps<'_, '_>) {
        let (_, upstream) = self.facts();
        let call = self
            .with_login(steps, "mysql/link.sh", LINK_SECONDS)
            .text("upstream_identity", steps.upstream_identity())
            .number(
                "tls",
                i64::from(
                    upstream.tls != Some(false) && self.link.replication.tls != Some(Tls::Off),
                ),
            )
            .with("settings", self.lines(None));
        steps.link(&format!("by GTID as {}", self.name), None, call);
    }

    fn verify(&self, steps: &mut LinkSteps<'_, '_>) {
        let call = self.with_login(steps, "mysql/verify.sh", 3700);
        let mut more = Vec::new();
        if self.link.verifies() {
            let call = Call::new("mysql/encrypted.sh", 90)
                .number("port", self.link.upstream.instance.port)
                .text("role", &self.name)
                .text("requires", tls::requires(self.link));
            more.push(steps.on_upstream(Work::Script(call)));
        }
        steps.verify_with(call, more);
    }
}
