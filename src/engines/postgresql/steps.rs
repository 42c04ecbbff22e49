//! PostgreSQL's steps: which scripts carry an intent out, with which arguments.

use super::facts::{PostgresFacts, Slot};
use super::settings::{self, line};
use super::tls;
use crate::engines::secure::Proved;
use crate::engines::steps::{Copy, LinkSteps, Retirement, UNLINK_SECONDS, configure, with_marker};
use crate::engines::{Link, Parting, Upstreams, account_of};
use crate::observe::{Instance, ServerState};
use crate::plan::{Argument, Call, Cost, Step, StepKind, Work};
use crate::topology::{Bytes, Member, MemberId};

/// Bytes a second that pg_verifybackup reads (engine page, 13: 300 to 600 MB/s).
const VERIFY_RATE: f64 = 400e6;
/// Limits above the scripts' own: a client that gave up earlier would call a restart failed that comes later.
/// configure.sh: CHECKPOINT 600, stop, start and putting back 90 each. link.sh: start 840, stop 120, checks.
const CONFIGURE_SECONDS: u64 = 1000;
const LINK_SECONDS: u64 = 1200;
/// unlink.sh: start 840, catching up, promotion 120.
const UNLINK_LIMIT: u64 = 1200 + UNLINK_SECONDS as u64;
/// The setting that apps on other hosts rely on.
const LISTEN: &str = "listen_addresses";
/// Seconds in which a role that the primary has must have come to a replica that others read from.
const ROLE_SECONDS: i64 = 60;
/// Seconds without writes of a restart right after a CHECKPOINT (engine page, 3.1: 1.1 s).
const RESTART_SECONDS: f64 = 1.1;

/// Bytes of a full copy: the databases, and the log file that makes it whole.
pub(super) fn copy_bytes(link: &Link<'_>) -> Bytes {
    let log = PostgresFacts::of(link.upstream_instance).map_or(0, |facts| facts.segment_bytes());
    link.upstream_instance
        .data
        .as_ref()
        .map_or(Bytes(0), |data| Bytes(data.copy_bytes.0 + log))
}

/// The step that makes the upstream ready, where it isn't.
pub(super) fn prepare(upstreams: &Upstreams<'_>) -> Vec<Step> {
    let Ok(facts) = PostgresFacts::of(upstreams.instance) else {
        return Vec::new();
    };
    let changes = settings::upstream_changes(upstreams, &facts);
    let lines =
        |one: fn(&settings::Change) -> String| Argument::Lines(changes.iter().map(one).collect());
    let call = cluster_call(
        "postgresql/configure.sh",
        CONFIGURE_SECONDS,
        facts.cluster.as_deref(),
        upstreams.member.instance.port,
    )
    .with("settings", lines(|change| line(change.name, &change.want)))
    .with(
        "expect",
        lines(|change| format!("{}={}", change.name, change.now)),
    )
    .text("retire_auto", "");
    let secure = tls::secure_upstream(upstreams, &facts);
    let configure = configure(upstreams, &changes, RESTART_SECONDS, call).map(|mut step| {
        // The settings name the files.
        step.needs.extend(secure.iter().map(|step| step.id.clone()));
        step
    });
    secure.into_iter().chain(configure).collect()
}

pub(super) fn cluster_call(
    script: &str,
    timeout_seconds: u64,
    cluster: Option<&str>,
    port: u16,
) -> Call {
    let (version, name) = cluster
        .and_then(|cluster| cluster.split_once('/'))
        .unwrap_or_default();
    Call::new(script, timeout_seconds)
        .text("version", version)
        .text("cluster", name)
        .number("port", port)
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
        calls.account(&mut steps);
    } else {
        calls.account(&mut steps);
        calls.backup(&mut steps);
    }
    steps.restore(calls.on_replica("postgresql/restore.sh", 7200));
    calls.link(&mut steps);
    calls.verify(&mut steps);
    steps.done()
}

/// The link alone.
pub(super) fn reconnect(link: &Link<'_>) -> Vec<Step> {
    let calls = Calls::new(link);
    let mut steps = LinkSteps::new(link);
    calls.secure(&mut steps);
    calls.account(&mut steps);
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

/// The proof alone: it asks the upstream with the account that replform made, so a replica made by hand has none.
pub(super) fn verify(link: &Link<'_>) -> Option<Step> {
    let mut steps = LinkSteps::new(link);
    Calls::new(link).verify(&mut steps);
    let asks = PostgresFacts::of(link.instance).is_ok_and(|facts| facts.passfile);
    steps.done().pop().filter(|_| asks)
}

/// The replica is promoted where it stands, then its upstream forgets it.
pub(super) fn part(parting: &Parting<'_>) -> Vec<Step> {
    let calls = Calls::new(&parting.link);
    let mut steps = LinkSteps::new(&parting.link);
    if parting.stands {
        let call = calls
            .on_replica("postgresql/unlink.sh", UNLINK_LIMIT)
            .with("accounts", Argument::Lines(parting.accounts()))
            .with("keep", kept(parting.keep_address));
        steps.unlink(None, call);
    }
    let upstream = PostgresFacts::of(parting.link.upstream_instance).unwrap_or_default();
    let what = format!("role and slot {}, its lines in pg_hba.conf", calls.name);
    let call = calls.cleanup(&upstream, parting.link.upstream);
    if parting.link.cascades() {
        // Its role is the primary's to drop.
        let primary = PostgresFacts::of(parting.link.primary_instance).unwrap_or_default();
        let drop = calls.cleanup(&primary, &parting.link.replication.primary);
        let actions = vec![
            steps.on_upstream(Work::Script(call)),
            steps.on_primary(Work::Script(drop)),
        ];
        steps.cleanup_by(&what, actions);
    } else {
        steps.cleanup(&what, call);
    }
    steps.done()
}

/// Members that kept log for a replica which reads from another now let go of it.
pub(super) fn sweep(link: &Link<'_>, holders: &[(&Member, &Instance)]) -> Option<Step> {
    let calls = Calls::new(link);
    let mut steps = LinkSteps::new(link);
    let (mut members, mut actions) = (Vec::new(), Vec::new());
    for (member, instance) in holders {
        let Ok(facts) = PostgresFacts::of(instance) else {
            continue;
        };
        let slot = |slot: &Slot| slot.name == calls.name && slot.kind == "physical";
        let keeps = facts.slots.iter().any(slot) || facts.hba_blocks.contains_key(&calls.name);
        if keeps && matches!(instance.server, ServerState::Running) {
            let call = calls.cleanup(&facts, member).text("keep_role", "yes");
            members.push(*member);
            actions.push(steps.on_member(member, Work::Script(call)));
        }
    }
    if actions.is_empty() {
        return None;
    }
    let what = format!("slot {}, its lines in pg_hba.conf", calls.name);
    steps.sweep(&what, &members, actions);
    steps.done().pop()
}

/// What stays of a drop-in.
fn kept(address: bool) -> Argument {
    let names = address.then(|| LISTEN.to_owned());
    Argument::Lines(names.into_iter().collect())
}

/// The primary's drop-in goes.
pub(super) fn retire(upstreams: &Upstreams<'_>, keep_address: bool) -> Option<Retirement> {
    let facts = PostgresFacts::of(upstreams.instance).ok()?;
    let names: Vec<&str> = facts
        .drop_in
        .iter()
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name)
        .filter(|name| !keep_address || *name != LISTEN)
        .collect();
    if names.is_empty() {
        return None;
    }
    let restart = settings::needing_restart(&names);
    let call = cluster_call(
        "postgresql/retire.sh",
        60,
        facts.cluster.as_deref(),
        upstreams.member.instance.port,
    )
    .with("keep", kept(keep_address));
    let later = if restart.is_empty() {
        String::new()
    } else {
        format!(" ({} with its next restart)", restart.join(", "))
    };
    Some(Retirement {
        what: format!("put back {}{later}", names.join(", ")),
        cost: Cost {
            seconds: 0.5,
            ..Cost::default()
        },
        call,
    })
}

/// The calls of one link share all this.
struct Calls<'a, 'b> {
    link: &'b Link<'a>,
    name: String,
    cluster: String,
    /// A call on the replica's cluster, of no script yet.
    on_replica: Call,
}

impl<'a, 'b> Calls<'a, 'b> {
    fn new(link: &'b Link<'a>) -> Self {
        let name = account_of(link.replication, link.replica);
        let cluster = settings::cluster_of(link);
        let port = link.replica.member.instance.port;
        let on_replica = cluster_call("", 0, Some(&cluster), port)
            .text("upstream_address", link.upstream_address())
            .number("upstream_port", link.upstream.instance.port)
            .text("conninfo", settings::conninfo(link))
            .text("role", &name)
            .text("slot", &name);
        Self {
            link,
            name,
            cluster,
            on_replica,
        }
    }

    /// A call on the replica's cluster.
    fn on_replica(&self, script: &str, timeout_seconds: u64) -> Call {
        self.on_replica.of(script, timeout_seconds)
    }

    /// A member forgets the replica.
    fn cleanup(&self, facts: &PostgresFacts, member: &Member) -> Call {
        cluster_call(
            "postgresql/cleanup.sh",
            180,
            facts.cluster.as_deref(),
            member.instance.port,
        )
        .text("role", &self.name)
        .text("slot", &self.name)
    }

    /// The replica's certificate, and the proof that the upstream lets it in with that.
    fn secure(&self, steps: &mut LinkSteps<'_, '_>) {
        if !self.link.verifies() {
            return;
        }
        let id = MemberId::Replica(self.link.replica.name.clone());
        let place = tls::place(&self.cluster);
        let proved = Proved::replica(self.link, &id, &self.name, &place, tls::OWNER);
        let lets_in = PostgresFacts::of(self.link.instance).is_ok_and(|facts| facts.passfile);
        let check = self.on_replica("postgresql/let-in.sh", 60);
        let check = lets_in.then(|| steps.on_replica(Work::Script(check)));
        steps.secure(&proved, check.into_iter().collect());
    }

    fn verify(&self, steps: &mut LinkSteps<'_, '_>) {
        let mut more = Vec::new();
        if self.link.verifies() {
            let upstream = PostgresFacts::of(self.link.upstream_instance).unwrap_or_default();
            let port = self.link.upstream.instance.port;
            let cluster = upstream.cluster.as_deref();
            let call = cluster_call("postgresql/encrypted.sh", 90, cluster, port);
            more.push(steps.on_upstream(Work::Script(call.text("role", &self.name))));
        }
        steps.verify_with(self.on_replica("postgresql/verify.sh", 3700), more);
    }

    fn provision(&self, steps: &mut LinkSteps<'_, '_>) {
        let wish = &self.link.replica.member.instance;
        let package = settings::package(self.link);
        let instance = format!("cluster {} on port {}", self.cluster, wish.port);
        let call = self
            .on_replica("postgresql/provision.sh", 900)
            .text("package", &package)
            .text(
                "data_directory",
                wish.data_directory.clone().unwrap_or_default(),
            );
        steps.provision(&package, &instance, call);
    }

    fn account(&self, steps: &mut LinkSteps<'_, '_>) {
        let upstream = PostgresFacts::of(self.link.upstream_instance).unwrap_or_default();
        let make = cluster_call(
            "postgresql/account.sh",
            60,
            upstream.cluster.as_deref(),
            self.link.upstream.instance.port,
        )
        .text("role", &self.name)
        .text("slot", &self.name)
        .text("address", self.link.replica_address())
        .text("access", tls::access(self.link))
        .with("verifier", Argument::Proof(steps.password()));
        let keep = self
            .on_replica("postgresql/passfile.sh", 60)
            .text("expect_identity", steps.upstream_identity())
            .with("password", Argument::Secret(steps.password()));
        let exists = upstream.roles.iter().any(|role| role.name == self.name);
        let actions = if self.link.cascades() {
            // The role comes from the primary; only slot and lines are the upstream's own.
            let primary = PostgresFacts::of(self.link.primary_instance).unwrap_or_default();
            let (role, port) = (make.clone(), self.link.replication.primary.instance.port);
            let (version, cluster) = primary
                .cluster
                .as_deref()
                .and_then(|cluster| cluster.split_once('/'))
                .unwrap_or_default();
            let role = role
                .text("version", version)
                .text("cluster", cluster)
                .number("port", port)
                .text("part", "role");
            let role = with_marker(role, self.link.wanted_primary_marker);
            let admit = with_marker(make, self.link.wanted_upstream_marker)
                .text("verifier", "")
                .text("part", "slot");
            vec![
                steps.on_primary(Work::Script(role)),
                steps.on_upstream(Work::Script(admit)),
                steps.on_replica(Work::Script(keep.number("patience", ROLE_SECONDS))),
            ]
        } else {
            vec![
                steps.on_upstream(Work::Script(with_marker(
                    make,
                    self.link.wanted_upstream_marker,
                ))),
                steps.on_replica(Work::Script(keep)),
            ]
        };
        let (name, address) = (&self.name, self.link.replica_address());
        steps.account_of(
            exists,
            &format!("role and slot {name}, from {address} only"),
            format!("drop the slot and the role {name}, and its lines in pg_hba.conf"),
            actions,
        );
    }

    fn backup(&self, steps: &mut LinkSteps<'_, '_>) {
        let copy = Copy {
            how: "checked against its manifest".to_owned(),
            before: Vec::new(),
            call: self.on_replica("postgresql/backup.sh", 60),
            bytes: copy_bytes(self.link),
            check_rate: VERIFY_RATE,
        };
        steps.backup_unless(self.copy_is_kept(), copy);
    }

    /// A checked copy beside the data directory, and a slot that keeps what it goes on with: backup.sh asks the same.
    fn copy_is_kept(&self) -> bool {
        let end = PostgresFacts::of(self.link.instance)
            .ok()
            .filter(|facts| facts.copy_verified)
            .and_then(|facts| facts.copy_end);
        let keeps = |slot: &Slot| {
            let from = slot.restart_lsn.filter(|_| slot.wal_status != "lost");
            slot.name == self.name && from.is_some() && from <= end
        };
        PostgresFacts::of(self.link.upstream_instance)
            .is_ok_and(|upstream| upstream.slots.iter().any(keeps))
    }

    fn link(&self, steps: &mut LinkSteps<'_, '_>) {
        let (facts, upstream) = (
            PostgresFacts::of(self.link.instance).unwrap_or_default(),
            PostgresFacts::of(self.link.upstream_instance).unwrap_or_default(),
        );
        let raised = settings::below_upstream(&facts, &upstream);
        let running = matches!(self.link.instance.server, ServerState::Running);
        let restarts = !steps.has(StepKind::Restore) && raised && running;
        let call = self
            .on_replica("postgresql/link.sh", LINK_SECONDS)
            .with(
                "settings",
                Argument::Lines(settings::replica_lines(self.link, &facts, &upstream)),
            )
            .text("restart", if restarts { "yes" } else { "no" });
        let why = restarts.then(|| "settings below the primary's stop replay".to_owned());
        steps.link(&format!("through slot {}", self.name), why, call);
    }
}
