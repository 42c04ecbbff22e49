//! MariaDB's steps: which scripts carry an intent out, with which arguments.

use std::collections::BTreeSet;

use super::checks::{missing_tools, plugins};
use super::facts::MariaFacts;
use super::gtid::Gtids;
use super::settings::{self, line, source};
use super::tls;
use crate::engines::secure::Proved;
use crate::engines::steps::{Copy, LinkSteps, Retirement, UNLINK_SECONDS, configure, lock};
use crate::engines::{Link, Parting, Upstreams, account_of};
use crate::observe::ServerState;
use crate::plan::{
    Action, Argument, Because, Call, Cost, OneTimeCertificate, Relation, SecretName, Step, StepId,
    StepKind, Undo, Work,
};
use crate::topology::{Bytes, MemberId, Tls};

/// Bytes a second at which a copy is prepared: most of it is only looked at (engine page, 13).
const PREPARE_RATE: f64 = 1e9;
/// Limits above the scripts' own: a client that gave up earlier would call a restart failed that comes later.
/// configure.sh: stop and start 300, putting back 300, checks. link.sh: two starts of 840, a stop of 900. restore.sh: a stop of 900.
const CONFIGURE_SECONDS: u64 = 900;
const LINK_SECONDS: u64 = 2700;
const RESTORE_SECONDS: u64 = 7200;
/// unlink.sh: a start of 840, catching up, a transaction that ends before the threads stop 600.
const UNLINK_LIMIT: u64 = 1800 + UNLINK_SECONDS as u64;
/// Seconds without writes of a restart (measured in the lab: 0.5 idle; engine page, 3: 0.8 under a writer).
const RESTART_SECONDS: f64 = 0.8;
/// The port of the first copy from a host; the next one's is the next. The one that Galera and its tools use for copies.
const COPY_PORT: u16 = 4444;
/// The most memory that preparing a copy takes, and the least that makes sense.
const PREPARE_MEMORY: (u64, u64) = (64 << 20, 1 << 30);

/// Bytes of a full copy.
pub(super) fn copy_bytes(link: &Link<'_>) -> Bytes {
    let data = link.upstream_instance.data.as_ref();
    data.map_or(Bytes(0), |data| data.copy_bytes)
}

/// The steps that make the upstream ready, where it isn't.
pub(super) fn prepare(upstreams: &Upstreams<'_>) -> Vec<Step> {
    let Ok(facts) = MariaFacts::of(upstreams.instance) else {
        return Vec::new();
    };
    let mut steps: Vec<Step> = tools_step(upstreams, &facts).into_iter().collect();
    let changes = settings::upstream_changes(upstreams, &facts);
    let lines =
        |one: fn(&settings::Change) -> String| Argument::Lines(changes.iter().map(one).collect());
    let call = Call::new("mariadb/configure.sh", CONFIGURE_SECONDS)
        .number("port", upstreams.member.instance.port)
        .with("settings", lines(|change| line(change.name, &change.want)))
        .with(
            "values",
            lines(|change| format!("{}={}", change.name, change.want)),
        )
        .with(
            "expect",
            lines(|change| format!("{}={}", change.name, change.now)),
        );
    steps.extend(tls::secure_upstream(upstreams));
    if let Some(mut step) = configure(upstreams, &changes, RESTART_SECONDS, call) {
        step.needs
            .extend(steps.iter().map(|before| before.id.clone()));
        steps.push(step);
    }
    steps
}

/// The upstream's own tools for sending a copy, where they are missing.
fn tools_step(upstreams: &Upstreams<'_>, facts: &MariaFacts) -> Option<Step> {
    let missing = missing_tools(facts);
    if upstreams.new.is_empty() || missing.is_empty() || !facts.relative.is_empty() {
        return None;
    }
    let call = Call::new("mariadb/provision.sh", 900)
        .number("port", upstreams.member.instance.port)
        .with("packages", Argument::Lines(missing.clone()))
        .text("fresh", "no")
        .text("reach", "");
    Some(Step {
        id: StepId(format!("{}.primary.provision", upstreams.replication.name)),
        kind: StepKind::Provision,
        replication: upstreams.replication.name.clone(),
        member: Some(MemberId::Primary),
        subject: upstreams.member.server.to_string(),
        machine: upstreams.member.machine.clone(),
        what: format!("install {}; the server stays as it is", missing.join(", ")),
        because: Because {
            place: upstreams.member.place.clone(),
            fact: "a copy is sent with it, and it isn't there".to_owned(),
        },
        needs: BTreeSet::new(),
        cost: Cost {
            seconds: 8.0,
            ..Cost::default()
        },
        undo: Undo::By(format!("apt-get remove {}", missing.join(" "))),
        env: Vec::new(),
        actions: vec![Action {
            machine: upstreams.member.machine.clone(),
            lock: lock(upstreams.replication, upstreams.member),
            work: Work::Script(call),
        }],
    })
}

/// A full copy, moved into place and linked.
pub(super) fn seed(link: &Link<'_>) -> Vec<Step> {
    let calls = Calls::new(link);
    let mut steps = LinkSteps::new(link);
    calls.provision(&mut steps);
    calls.secure(&mut steps);
    if steps.job_runs(StepKind::Backup) {
        // The running copy holds the instance's lock: the account is renewed when it is done.
        calls.backup(&mut steps);
        calls.account(&mut steps);
    } else {
        calls.account(&mut steps);
        calls.backup(&mut steps);
    }
    calls.restore(&mut steps);
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

/// The proof alone: it asks the upstream with the account that replform made, so a replica made by hand has none.
pub(super) fn verify(link: &Link<'_>) -> Option<Step> {
    let mut steps = LinkSteps::new(link);
    Calls::new(link).verify(&mut steps);
    let asks = MariaFacts::of(link.instance).is_ok_and(|facts| facts.login);
    steps.done().pop().filter(|_| asks)
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
        let keep = settings::staying(&calls.facts, parting.keep_address);
        let call = calls
            .on_replica("mariadb/unlink.sh", UNLINK_LIMIT)
            .with("accounts", Argument::Lines(parting.accounts()))
            .with("keep", Argument::Lines(keep));
        steps.unlink(None, call);
    }
    let call = Call::new("mariadb/cleanup.sh", 120)
        .number("port", parting.link.upstream.instance.port)
        .text("role", &calls.name);
    steps.cleanup(&format!("account {}", calls.name), call);
    steps.done()
}

/// The primary's drop-in goes.
pub(super) fn retire(upstreams: &Upstreams<'_>, keep_address: bool) -> Option<Retirement> {
    let facts = MariaFacts::of(upstreams.instance).ok()?;
    let keep = settings::staying(&facts, keep_address);
    let call = Call::new("mariadb/retire.sh", 120)
        .number("port", upstreams.member.instance.port)
        .with("keep", Argument::Lines(keep.clone()));
    let names: Vec<&str> = settings::set_by_us(&facts)
        .filter(|name| !keep.iter().any(|kept| kept == name))
        .collect();
    let later = settings::back_with_a_restart(&names);
    let reader = facts.foreign_reader().map(|dump| dump.user.as_str());
    Retirement::of_settings(&names, &later, reader, call)
}

/// The calls of one link share all this.
struct Calls<'a, 'b> {
    link: &'b Link<'a>,
    name: String,
    facts: MariaFacts,
    upstream: MariaFacts,
    settings: Vec<(&'static str, String)>,
}

impl<'a, 'b> Calls<'a, 'b> {
    fn new(link: &'b Link<'a>) -> Self {
        let read = |instance| {
            MariaFacts::of(instance)
                .map_or_else(|_| MariaFacts::default(), |facts| (*facts).clone())
        };
        let (facts, upstream) = (read(link.instance), read(link.upstream_instance));
        Self {
            settings: settings::replica_settings(link, &facts, &upstream),
            name: account_of(link.replication, link.replica),
            link,
            facts,
            upstream,
        }
    }

    /// A call on the replica's server.
    fn on_replica(&self, script: &str, timeout_seconds: u64) -> Call {
        Call::new(script, timeout_seconds)
            .number("port", self.link.replica.member.instance.port)
            .text("upstream_address", self.link.upstream_address())
            .number("upstream_port", self.link.upstream.instance.port)
            .text("role", &self.name)
            .text("source", source(self.link))
    }

    fn encrypted(&self) -> &'static str {
        let version = self.link.upstream_instance.version.as_deref();
        match self.link.replication.tls {
            _ if self.link.verifies() => "yes",
            Some(Tls::Off) => "no",
            _ if settings::link_is_encrypted(&self.upstream, version) => "yes",
            _ => "no",
        }
    }

    /// The replica's certificate; a connection that stands takes it up.
    fn secure(&self, steps: &mut LinkSteps<'_, '_>) {
        if !self.link.verifies() {
            return;
        }
        let id = MemberId::Replica(self.link.replica.name.clone());
        let proved = Proved::replica(self.link, &id, &self.name, tls::PLACE, tls::OWNER);
        let reread = self.on_replica("mariadb/reread.sh", 90);
        let reads = matches!(self.link.relation, Relation::Linked | Relation::Unmanaged);
        let reread = reads.then(|| steps.on_replica(Work::Script(reread)));
        steps.secure(&proved, reread.into_iter().collect());
    }

    fn verify(&self, steps: &mut LinkSteps<'_, '_>) {
        let call = tls::login(self.link, self.on_replica("mariadb/verify.sh", 3700));
        let mut more = Vec::new();
        if self.link.verifies() {
            let call = Call::new("mariadb/encrypted.sh", 60)
                .number("port", self.link.upstream.instance.port)
                .text("role", &self.name)
                .text("address", self.link.replica_address())
                .text("requires", tls::requires(self.link));
            more.push(steps.on_upstream(Work::Script(call)));
        }
        steps.verify_with(call, more);
    }

    /// The lines of the replica's drop-in.
    fn lines(&self) -> Argument {
        let lines = self.settings.iter().map(|(name, value)| line(name, value));
        Argument::Lines(lines.collect())
    }

    fn provision(&self, steps: &mut LinkSteps<'_, '_>) {
        let fresh = self.link.instance.server == ServerState::NotInstalled;
        let plugins = plugins(&self.upstream);
        let packages: Vec<String> = if fresh {
            ["mariadb-server", "mariadb-backup", "socat"]
                .map(str::to_owned)
                .into_iter()
                .chain(plugins)
                .collect()
        } else {
            let lacks = |name: &String| !self.facts.packages.contains_key(name);
            missing_tools(&self.facts)
                .into_iter()
                .chain(plugins.into_iter().filter(lacks))
                .collect()
        };
        if packages.is_empty() {
            return;
        }
        let call = self
            .on_replica("mariadb/provision.sh", 900)
            .with("packages", Argument::Lines(packages.clone()))
            .text("fresh", if fresh { "yes" } else { "no" });
        if fresh {
            steps.provision("mariadb-server", NOTHING_TO_MAKE, call);
        } else {
            steps.tools(&packages, call);
        }
    }

    fn account(&self, steps: &mut LinkSteps<'_, '_>) {
        let make = Call::new("mariadb/account.sh", 60)
            .number("port", self.link.upstream.instance.port)
            .text("role", &self.name)
            .text("address", self.link.replica_address())
            .text("requires", tls::requires(self.link))
            .with("verifier", Argument::Proof(steps.password()));
        let keep = tls::login(self.link, self.on_replica("mariadb/passfile.sh", 60))
            .text("tls", self.encrypted())
            .text("upstream_name", &self.upstream.hostname)
            .with("password", Argument::Secret(steps.password()));
        let mut accounts = self.upstream.accounts.iter();
        let exists = accounts.any(|account| account.user == self.name);
        steps.account("account", &self.name, exists, make, keep);
    }

    fn backup(&self, steps: &mut LinkSteps<'_, '_>) {
        let link = self.link;
        let authority = SecretName(format!(
            "{}.{}.copy",
            link.replication.name, link.replica.name
        ));
        let certificate = |end: &str| {
            Argument::Certificate(Box::new(OneTimeCertificate {
                authority: authority.clone(),
                common_name: format!("replform-{end}"),
            }))
        };
        let port = self.copy_port();
        let rate = link.replica.max_rate;
        let send = Call::new("mariadb/send.sh", 90)
            .number("port", link.upstream.instance.port)
            .text(
                "unit_name",
                format!("replform-{}.send", steps.job_name(StepKind::Backup)),
            )
            .text(
                "listen_address",
                link.listens_at().unwrap_or(&link.upstream.address),
            )
            .text("address", link.replica_address())
            .number("copy_port", port)
            .text(
                "max_rate",
                rate.map_or_else(String::new, |rate| rate.0.to_string()),
            )
            .with("authority", Argument::Authority(authority.clone()))
            .with("certificate", certificate("donor"));
        let (least, most) = PREPARE_MEMORY;
        let memory = (link.facts.host.memory_available.0 / 4).clamp(least, most);
        let call = self
            .on_replica("mariadb/backup.sh", 60)
            .number("copy_port", port)
            .with("memory_bytes", Argument::Volatile(memory.to_string()))
            .with("authority", Argument::Authority(authority.clone()))
            .with("certificate", certificate("target"));
        // What is on its way needs no second sender.
        let before = match steps.job_runs(StepKind::Backup) {
            true => Vec::new(),
            false => vec![steps.on_upstream(Work::Script(send))],
        };
        let copy = Copy {
            how: format!("by mutual TLS over port {port}, prepared and checked"),
            before,
            call,
            bytes: copy_bytes(link),
            check_rate: PREPARE_RATE,
        };
        steps.backup_unless(self.copy_goes_on(), copy);
    }

    /// A whole copy of this upstream waits beside the data directory, and the upstream has the binlogs from there on.
    fn copy_goes_on(&self) -> bool {
        let note = self.facts.verified.as_ref();
        let from = note
            .filter(|note| note.source == source(self.link))
            .and_then(|note| note.gtid.parse::<Gtids>().ok());
        from.is_some_and(|from| self.upstream.keeps_binlogs_from(&from).is_none())
    }

    /// Each replica that copies from this host has a port of its own, whatever else is copied at the same time.
    fn copy_port(&self) -> u16 {
        let (own, host) = (self.link.replica, &self.link.upstream.machine);
        let mut port = COPY_PORT;
        for replication in &self.link.topology.replications {
            if replication.engine == self.link.replication.engine
                && replication.primary.machine == *host
            {
                for replica in &replication.replicas {
                    if replication.name == self.link.replication.name && replica.name == own.name {
                        return port;
                    }
                    port = port.saturating_add(1);
                }
            }
        }
        port
    }

    fn restore(&self, steps: &mut LinkSteps<'_, '_>) {
        // What was allowed to go are those databases, not whatever lies there later.
        let replaced = if self.link.relation.sets_data_aside() {
            self.facts.directory_identity.as_str()
        } else {
            ""
        };
        let call = self
            .on_replica("mariadb/restore.sh", RESTORE_SECONDS)
            .with("settings", self.lines())
            .text("replaced_identity", replaced);
        steps.restore(call);
    }

    fn link(&self, steps: &mut LinkSteps<'_, '_>) {
        let restarts = match steps.has(StepKind::Restore) {
            true => None,
            false => settings::replica_restart(self.link, &self.facts, &self.settings),
        };
        let values = self
            .settings
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let call = tls::login(self.link, self.on_replica("mariadb/link.sh", LINK_SECONDS))
            .with("settings", self.lines())
            .with("values", Argument::Lines(values.collect()))
            .text("tls", self.encrypted())
            .text("restart", if restarts.is_some() { "yes" } else { "no" });
        steps.link("by GTID (slave_pos)", restarts, call);
    }
}

/// A host has the package's one server: none is ever made beside it (checks.rs blocks that).
const NOTHING_TO_MAKE: &str = "a server";
