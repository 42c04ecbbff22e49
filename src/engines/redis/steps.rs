//! Redis' steps: which scripts carry an intent out, with which arguments, at what cost.

use super::facts::RedisFacts;
use super::release::Kind;
use super::settings::{self, upstream_changes};
use super::tls;
use crate::engines::secure::Proved;
use crate::engines::settings::Change;
use crate::engines::steps::{
    ASSUMED_RATE, Copy, LinkSteps, Retirement, UNLINK_SECONDS, configure, with_marker,
};
use crate::engines::{Link, Parting, Upstreams, account_of};
use crate::observe::{Instance, ServerState};
use crate::plan::{Argument, Call, Cost, Relation, Step, StepKind, Work};
use crate::topology::{Bytes, MemberId};

/// Bytes a second that redis-check-rdb reads (engine page, 3; 300 MB in 0.6 s).
const CHECK_RATE: f64 = 400e6;
/// Seconds that an upstream waits for more replicas before it takes a snapshot (repl-diskless-sync-delay).
pub(super) const SNAPSHOT_DELAY: f64 = 5.0;
/// Limits above the scripts' own. restore.sh: stop 600, checks. link.sh: start 3600, checks. verify.sh: 3600 and 60.
const RESTORE_SECONDS: u64 = 900;
const LINK_SECONDS: u64 = 3800;
const VERIFY_SECONDS: u64 = 3800;
/// unlink.sh: start 3660, catching up, a dump that somebody else takes, its own.
const UNLINK_LIMIT: u64 = 11_000 + UNLINK_SECONDS as u64;
/// The settings that apps on other hosts rely on.
const LISTEN: [&str; 2] = ["bind", "protected-mode"];

/// Bytes of a full copy.
pub(super) fn copy_bytes(link: &Link<'_>) -> Bytes {
    let data = link.upstream_instance.data.as_ref();
    data.map_or(Bytes(0), |data| data.copy_bytes)
}

/// The step that makes the upstream ready, where it isn't.
pub(super) fn prepare(upstreams: &Upstreams<'_>) -> Vec<Step> {
    let Ok(facts) = RedisFacts::of(upstreams.instance) else {
        return Vec::new();
    };
    let changes = upstream_changes(upstreams, &facts);
    let lines = |value: fn(&Change) -> &str| {
        let lines = changes
            .iter()
            .map(|change| format!("{} {}", change.name, value(change)));
        Argument::Lines(lines.collect())
    };
    let call = instance_call(
        "redis/configure.sh",
        60,
        facts.kind.unwrap_or_default(),
        &facts.conf,
        upstreams.member.instance.port,
    )
    .with("settings", lines(|change| &change.want))
    .with("expect", lines(|change| &change.now));
    let secure = tls::secure_upstream(upstreams, &facts);
    let configure = configure(upstreams, &changes, 0.0, call).map(|mut step| {
        // The settings name the files.
        step.needs.extend(secure.iter().map(|step| step.id.clone()));
        step
    });
    secure.into_iter().chain(configure).collect()
}

pub(super) fn instance_call(
    script: &str,
    timeout_seconds: u64,
    kind: Kind,
    conf: &str,
    port: u16,
) -> Call {
    Call::new(script, timeout_seconds)
        .text("kind", kind.word())
        .text("conf", conf)
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
        // The running copy holds the instance's lock and is logged in: the account is renewed when it is done.
        calls.backup(&mut steps);
        calls.account(&mut steps);
    } else {
        calls.account(&mut steps);
        calls.backup(&mut steps);
    }
    let restore = calls
        .on_replica("redis/restore.sh", RESTORE_SECONDS)
        .with("settings", Argument::Lines(calls.settings()))
        .text("replaced_identity", calls.replaced());
    steps.restore(restore);
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

/// The replica goes on by itself, then its upstream forgets it.
pub(super) fn part(parting: &Parting<'_>) -> Vec<Step> {
    let calls = Calls::new(&parting.link);
    let mut steps = LinkSteps::new(&parting.link);
    if parting.stands {
        let call = calls
            .on_replica("redis/unlink.sh", UNLINK_LIMIT)
            .with("accounts", Argument::Lines(parting.accounts()))
            .with("keep", kept(parting.keep_address));
        steps.unlink(None, call);
        // It saves all it has before it stops following.
        let data = parting.link.instance.data.as_ref();
        steps.takes_longer(data.map_or(0.0, |data| data.copy_bytes.0 as f64 / ASSUMED_RATE));
    }
    let what = format!("user {}", calls.name);
    steps.cleanup(&what, calls.on_upstream("redis/cleanup.sh", 180));
    steps.done()
}

/// What stays of our part of a configuration.
fn kept(address: bool) -> Argument {
    let names = address.then_some(LISTEN).into_iter().flatten();
    Argument::Lines(names.map(str::to_owned).collect())
}

/// Our part of the primary's configuration goes.
pub(super) fn retire(upstreams: &Upstreams<'_>, keep_address: bool) -> Option<Retirement> {
    let facts = RedisFacts::of(upstreams.instance).ok()?;
    if facts.block.is_empty() {
        return None;
    }
    let directives = facts.block.iter().filter_map(|line| line.split_once(' '));
    let names: Vec<&str> = directives
        .map(|(name, _)| name)
        .filter(|name| !matches!(*name, "user" | "dir" | "port" | "requirepass" | "#"))
        .filter(|name| !keep_address || !LISTEN.contains(name))
        .collect();
    let noted = upstreams.marker.into_iter().flat_map(|m| &m.settings);
    let before = noted
        .filter(|(name, _)| names.contains(&name.as_str()))
        .map(|(name, change)| format!("{name} {}", change.before));
    let call = instance_call(
        "redis/retire.sh",
        60,
        facts.kind.unwrap_or_default(),
        &facts.conf,
        upstreams.member.instance.port,
    )
    .with("before", Argument::Lines(before.collect()))
    .with("keep", kept(keep_address));
    let what = if names.is_empty() {
        format!("take our part of {} away", facts.conf)
    } else {
        format!("put back {} while it runs", names.join(", "))
    };
    Some(Retirement {
        what,
        cost: Cost {
            seconds: 0.5,
            ..Cost::default()
        },
        call,
    })
}

/// What tells the data that was allowed to be set aside from other data: the server's history, of a stopped one its dump's,
/// else the dump's size and time. The same words as restore.sh's.
fn mark(instance: &Instance, facts: &RedisFacts) -> String {
    if let Some(history) = facts.info("master_replid") {
        return history.to_owned();
    }
    match (&facts.dump, &instance.server) {
        (Some(dump), ServerState::Stopped { .. }) => dump
            .replication_id
            .clone()
            .unwrap_or_else(|| format!("dump:{}:{}", dump.bytes, dump.modified)),
        _ => String::new(),
    }
}

/// The calls of one link share all this.
struct Calls<'a, 'b> {
    link: &'b Link<'a>,
    name: String,
    kind: Kind,
    conf: String,
    facts: std::sync::Arc<RedisFacts>,
    upstream: std::sync::Arc<RedisFacts>,
}

impl<'a, 'b> Calls<'a, 'b> {
    fn new(link: &'b Link<'a>) -> Self {
        Self {
            link,
            name: account_of(link.replication, link.replica),
            kind: settings::kind_of(link),
            conf: settings::conf_of(link),
            facts: RedisFacts::of(link.instance).unwrap_or_default(),
            upstream: RedisFacts::of(link.upstream_instance).unwrap_or_default(),
        }
    }

    /// A call on the replica's server.
    fn on_replica(&self, script: &str, timeout_seconds: u64) -> Call {
        let call = instance_call(
            script,
            timeout_seconds,
            self.kind,
            &self.conf,
            self.link.replica.member.instance.port,
        )
        .text("upstream_address", self.link.upstream_address())
        .number(
            "upstream_port",
            tls::dialled_port(self.link, &self.upstream),
        )
        .text("role", &self.name);
        tls::login(self.link, call)
    }

    /// The replica's certificate; its server takes it up, and the upstream lets it in.
    fn secure(&self, steps: &mut LinkSteps<'_, '_>) {
        if !self.link.verifies() {
            return;
        }
        let id = MemberId::Replica(self.link.replica.name.clone());
        let port = self.link.replica.member.instance.port;
        let place = tls::place(&self.conf, port);
        let proved = Proved::replica(self.link, &id, &self.name, &place, tls::owner(&self.conf));
        let follows = matches!(self.link.relation, Relation::Linked | Relation::Unmanaged);
        let mut then = Vec::new();
        if follows {
            let show = tls::show(self.kind, &self.conf, port, &place);
            let let_in = self.on_replica("redis/let-in.sh", 60);
            then.extend([show, let_in].map(|call| steps.on_replica(Work::Script(call))));
        }
        steps.secure(&proved, then);
    }

    fn verify(&self, steps: &mut LinkSteps<'_, '_>) {
        let mut more = Vec::new();
        if self.link.verifies() {
            let port = tls::dialled_port(self.link, &self.upstream);
            let call = self.on_upstream("redis/encrypted.sh", 90);
            more.push(steps.on_upstream(Work::Script(call.number("tls_port", port))));
        }
        steps.verify_with(self.on_replica("redis/verify.sh", VERIFY_SECONDS), more);
    }

    /// A call on the upstream's server.
    fn on_upstream(&self, script: &str, timeout_seconds: u64) -> Call {
        instance_call(
            script,
            timeout_seconds,
            self.upstream.kind.unwrap_or_default(),
            &self.upstream.conf,
            self.link.upstream.instance.port,
        )
        .text("role", &self.name)
    }

    fn settings(&self) -> Vec<String> {
        settings::replica_lines(self.link, &self.facts, &self.upstream)
    }

    fn replaced(&self) -> String {
        if self.link.relation.sets_data_aside() {
            mark(self.link.instance, &self.facts)
        } else {
            String::new()
        }
    }

    fn provision(&self, steps: &mut LinkSteps<'_, '_>) {
        let wish = &self.link.replica.member.instance;
        let package = self.kind.package();
        let instance = format!("a server on port {}", wish.port);
        let call = self
            .on_replica("redis/provision.sh", 900)
            .text("package", &package)
            .text(
                "reach",
                format!(
                    "{}:{}",
                    self.link.upstream_address(),
                    tls::dialled_port(self.link, &self.upstream)
                ),
            )
            .text(
                "data_directory",
                wish.data_directory.clone().unwrap_or_default(),
            );
        steps.provision(&package, &instance, call);
    }

    /// The account on the upstream and its password on the replica. Where the new replica is to ask for the upstream's own
    /// password, the account may read that one for as long as this step takes.
    fn account(&self, steps: &mut LinkSteps<'_, '_>) {
        let tells = settings::takes_password(self.link, &self.facts, &self.upstream);
        let make = |tell: bool| {
            let call = self
                .on_upstream("redis/account.sh", 60)
                .with("hash", Argument::Proof(steps.password()))
                .text("tell", if tell { "yes" } else { "no" });
            steps.on_upstream(Work::Script(with_marker(
                call,
                self.link.wanted_upstream_marker,
            )))
        };
        let keep = self
            .on_replica("redis/keep.sh", 60)
            .with("password", Argument::Secret(steps.password()))
            .text("tell", if tells { "yes" } else { "no" });
        let mut actions = vec![make(tells), steps.on_replica(Work::Script(keep))];
        if tells {
            actions.push(make(false));
        }
        let exists = self
            .upstream
            .users
            .iter()
            .any(|user| user.name == self.name);
        let shared = if tells {
            "; the replica takes over the primary's requirepass"
        } else {
            ""
        };
        steps.account_of(
            exists,
            &format!(
                "user {}, which may replicate and nothing else{shared}",
                self.name
            ),
            format!(
                "ACL DELUSER {}, and its line in {}",
                self.name, self.upstream.conf
            ),
            actions,
        );
    }

    fn backup(&self, steps: &mut LinkSteps<'_, '_>) {
        let copy = Copy {
            how: match self.kind {
                Kind::Redis => "checked by redis-check-rdb",
                Kind::Valkey => "checked by valkey-check-rdb",
            }
            .to_owned(),
            before: Vec::new(),
            call: self.on_replica("redis/backup.sh", 60),
            bytes: copy_bytes(self.link),
            check_rate: CHECK_RATE,
        };
        let kept = self.copy_goes_on();
        steps.backup_unless(kept, copy);
        if !kept {
            steps.takes_longer(SNAPSHOT_DELAY);
        }
    }

    /// A checked copy beside the data directory, and a backlog upstream that holds all that came after it: backup.sh asks the
    /// same (common.sh: rd_covered).
    fn copy_goes_on(&self) -> bool {
        let (Some(id), Some(at)) = (&self.facts.waiting_id, self.facts.waiting_offset) else {
            return false;
        };
        let number = |name: &str| self.upstream.info(name)?.parse::<u64>().ok();
        let on_its_way = if self.upstream.info("master_replid") == Some(id) {
            number("master_repl_offset").is_some_and(|end| at <= end)
        } else {
            self.upstream.info("master_replid2") == Some(id)
                && number("second_repl_offset").is_some_and(|end| at < end)
        };
        let held = number("repl_backlog_first_byte_offset").is_some_and(|first| at + 1 >= first);
        let active = self.upstream.info("repl_backlog_active") == Some("1");
        self.facts.copy_verified && active && on_its_way && held
    }

    fn link(&self, steps: &mut LinkSteps<'_, '_>) {
        let call = self
            .on_replica("redis/link.sh", LINK_SECONDS)
            .with("settings", Argument::Lines(self.settings()));
        steps.link(&format!("as user {}", self.name), None, call);
    }
}
