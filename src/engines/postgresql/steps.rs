//! PostgreSQL's steps: which scripts carry an intent out, with which arguments, at what cost.

use std::collections::BTreeSet;

use super::checks::{disk_needed, free_disk};
use super::facts::PostgresFacts;
use super::settings::{self, Change, account, line};
use crate::engines::{Link, Upstreams};
use crate::observe::{JobState, ServerState};
use crate::plan::{
    Action, Argument, Because, Call, Cost, JobCall, Marker, Relation, SecretName, Step, StepId,
    StepKind, Undo, Work, adopt, names, tenths,
};
use crate::topology::{Bytes, MachineId, MemberId};

/// Bytes a second that a copy is expected to move where no limit is written; measured on two shared cores (engine page, 13).
pub(super) const ASSUMED_RATE: f64 = 100e6;
/// Bytes a second that pg_verifybackup reads (engine page, 13: 300 to 600 MB/s).
const VERIFY_RATE: f64 = 400e6;
/// Limits above the scripts' own: a client that gave up earlier would call a restart failed that comes later.
/// configure.sh: CHECKPOINT 600, stop, start and putting back 90 each. link.sh: start 840, stop 120, checks.
const CONFIGURE_SECONDS: u64 = 1000;
const LINK_SECONDS: u64 = 1200;
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

/// Bytes a second that the copy is expected to move.
pub(super) fn copy_rate(link: &Link<'_>) -> f64 {
    link.replica
        .max_rate
        .map_or(ASSUMED_RATE, |limit| (limit.0 as f64).min(ASSUMED_RATE))
}

/// The step that makes the upstream ready, where it isn't.
pub(super) fn prepare(upstreams: &Upstreams<'_>) -> Vec<Step> {
    let Ok(facts) = PostgresFacts::of(upstreams.instance) else {
        return Vec::new();
    };
    let changes = settings::upstream_changes(upstreams, &facts);
    if changes.is_empty() {
        return Vec::new();
    }
    let restarts: Vec<&Change> = changes.iter().filter(|change| change.restart).collect();
    let shown: Vec<String> = changes
        .iter()
        .map(|change| {
            format!(
                "{} {} -> {}",
                change.name,
                quote(&change.now),
                quote(&change.want)
            )
        })
        .collect();
    let reasons: Vec<&str> = changes.iter().map(|change| change.why.as_str()).collect();
    let why = restarts
        .first()
        .map(|change| format!("{} is {}", change.name, quote(&change.now)));
    let lock = lock(upstreams.member.instance.port);
    let call = cluster_call(
        "postgresql/configure.sh",
        CONFIGURE_SECONDS,
        facts.cluster.as_deref(),
        upstreams.member.instance.port,
    )
    .with(
        "settings",
        Argument::Lines(
            changes
                .iter()
                .map(|change| line(change.name, &change.want))
                .collect(),
        ),
    )
    .with(
        "expect",
        Argument::Lines(
            changes
                .iter()
                .map(|change| format!("{}={}", change.name, change.now))
                .collect(),
        ),
    )
    .text("retire_auto", "")
    .text("restart", if restarts.is_empty() { "no" } else { "yes" });
    let action = |call| Action {
        machine: upstreams.member.machine.clone(),
        lock: lock.clone(),
        work: Work::Script(call),
    };
    vec![Step {
        id: StepId(format!("{}.primary.configure", upstreams.replication.name)),
        kind: StepKind::Configure,
        replication: upstreams.replication.name.clone(),
        member: Some(MemberId::Primary),
        subject: upstreams.member.server.to_string(),
        machine: upstreams.member.machine.clone(),
        what: shown.join(", "),
        because: Because {
            place: upstreams.member.place.clone(),
            fact: reasons.join("; "),
        },
        needs: BTreeSet::new(),
        cost: Cost {
            no_writes_seconds: why.as_ref().map(|_| RESTART_SECONDS),
            seconds: if why.is_some() { 4.0 } else { 0.5 },
            restarts: why,
            ..Cost::default()
        },
        undo: Undo::By("its marker keeps the values before; unlinking puts them back".to_owned()),
        env: Vec::new(),
        actions: vec![action(adopt::call(upstreams.wanted_marker)), action(call)],
    }]
}

fn quote(value: &str) -> String {
    if value.is_empty() || value.contains([' ', ',']) {
        format!("\"{value}\"")
    } else {
        value.to_owned()
    }
}

fn lock(port: u16) -> String {
    format!("postgresql:{port}")
}

fn cluster_call(script: &str, timeout_seconds: u64, cluster: Option<&str>, port: u16) -> Call {
    let (version, name) = cluster
        .and_then(|cluster| cluster.split_once('/'))
        .unwrap_or_default();
    Call::new(script, timeout_seconds)
        .text("version", version)
        .text("cluster", name)
        .number("port", port)
}

/// Steps of one link share all this.
struct Maker<'a, 'b> {
    link: &'b Link<'a>,
    name: String,
    cluster: String,
    password: SecretName,
    steps: Vec<Step>,
}

/// A full copy, moved into place and linked.
pub(super) fn seed(link: &Link<'_>) -> Vec<Step> {
    let mut maker = Maker::new(link);
    if matches!(
        link.instance.server,
        ServerState::NotInstalled | ServerState::NoInstance
    ) {
        maker.provision();
    }
    if maker.copy_runs() {
        // The running copy holds the instance's lock and has its connections: the account is renewed when it is done.
        maker.backup();
        maker.account();
    } else {
        maker.account();
        maker.backup();
    }
    maker.restore();
    maker.link();
    maker.verify();
    maker.steps
}

/// The link alone.
pub(super) fn reconnect(link: &Link<'_>) -> Vec<Step> {
    let mut maker = Maker::new(link);
    maker.account();
    maker.link();
    maker.verify();
    maker.steps
}

impl<'a, 'b> Maker<'a, 'b> {
    fn new(link: &'b Link<'a>) -> Self {
        Self {
            link,
            name: account(&link.replication.name, &link.replica.name),
            cluster: settings::cluster_of(link),
            password: SecretName(format!(
                "{}.{}.password",
                link.replication.name, link.replica.name
            )),
            steps: Vec::new(),
        }
    }

    /// A call on the replica's cluster.
    fn on_replica(&self, script: &str, timeout_seconds: u64) -> Call {
        cluster_call(
            script,
            timeout_seconds,
            Some(&self.cluster),
            self.link.replica.member.instance.port,
        )
        .text("upstream_address", self.link.upstream_address())
        .number("upstream_port", self.link.upstream.instance.port)
        .text("role", &self.name)
        .text("slot", &self.name)
    }

    fn marker(call: Call, marker: &Marker) -> Call {
        call.text("marker_file", marker.own_file_name())
            .text("marker_json", marker.to_json())
    }

    fn here(&self, work: Work) -> Action {
        let member = &self.link.replica.member;
        Action {
            machine: member.machine.clone(),
            lock: lock(member.instance.port),
            work,
        }
    }

    fn push(
        &mut self,
        kind: StepKind,
        what: String,
        fact: String,
        cost: Cost,
        undo: Undo,
        actions: Vec<Action>,
    ) {
        let (subject, machine) = match kind {
            StepKind::Account => (&self.link.upstream.server, &self.link.upstream.machine),
            _ => (
                &self.link.replica.member.server,
                &self.link.replica.member.machine,
            ),
        };
        let needs = match self.steps.last() {
            Some(before) => BTreeSet::from([before.id.clone()]),
            None => self.link.prepared.into_iter().cloned().collect(),
        };
        let machine: MachineId = machine.clone();
        self.steps.push(Step {
            id: self.link.step(kind),
            kind,
            replication: self.link.replication.name.clone(),
            member: Some(MemberId::Replica(self.link.replica.name.clone())),
            subject: subject.to_string(),
            machine,
            what,
            because: Because {
                place: self.link.replica.member.place.clone(),
                fact,
            },
            needs,
            cost,
            undo,
            env: Vec::new(),
            actions,
        });
    }

    fn provision(&mut self) {
        let major = settings::major_of(self.link);
        let installed = matches!(self.link.instance.server, ServerState::NoInstance);
        let candidate = self
            .link
            .instance
            .installable
            .iter()
            .find(|(version, _)| version.parse() == Ok(major));
        let what = if installed {
            format!(
                "make cluster {} on port {}, leave it stopped",
                self.cluster, self.link.replica.member.instance.port
            )
        } else {
            let version =
                candidate.map_or_else(String::new, |(_, version)| format!(" ({version})"));
            format!("install postgresql-{major}{version}, leave it stopped")
        };
        let fact = if installed {
            "wants a replica here and no cluster has this port"
        } else {
            "wants a replica here and none is installed"
        };
        let reach = format!(
            "{}:{}",
            self.link.upstream_address(),
            self.link.upstream.instance.port
        );
        let call = self
            .on_replica("postgresql/provision.sh", 900)
            .text("package", format!("postgresql-{major}"))
            .text(
                "data_directory",
                self.link
                    .replica
                    .member
                    .instance
                    .data_directory
                    .clone()
                    .unwrap_or_default(),
            )
            .text("reach", reach);
        let cost = Cost {
            seconds: if installed { 3.0 } else { 15.0 },
            ..Cost::default()
        };
        let undo = Undo::By(format!(
            "apt-get remove postgresql-{major}; nothing else used it"
        ));
        let action = self.here(Work::Script(call));
        self.push(
            StepKind::Provision,
            what,
            fact.to_owned(),
            cost,
            undo,
            vec![action],
        );
    }

    fn account(&mut self) {
        let upstream_cluster = PostgresFacts::of(self.link.upstream_instance)
            .ok()
            .and_then(|facts| facts.cluster.clone());
        let upstream = &self.link.upstream;
        let make = cluster_call(
            "postgresql/account.sh",
            60,
            upstream_cluster.as_deref(),
            upstream.instance.port,
        )
        .text("role", &self.name)
        .text("slot", &self.name)
        .text("address", self.link.replica_address())
        .with("verifier", Argument::ScramVerifier(self.password.clone()));
        let make = Self::marker(make, self.link.wanted_upstream_marker);
        let keep = self
            .on_replica("postgresql/passfile.sh", 60)
            .text(
                "expect_identity",
                self.link
                    .upstream_instance
                    .identity
                    .clone()
                    .unwrap_or_default(),
            )
            .with("password", Argument::Secret(self.password.clone()));
        let exists = PostgresFacts::of(self.link.upstream_instance)
            .is_ok_and(|facts| facts.roles.iter().any(|role| role.name == self.name));
        let verb = if exists { "renew" } else { "create" };
        let what = format!(
            "{verb} role and slot {}, from {} only",
            self.name,
            self.link.replica_address()
        );
        let fact = if exists {
            "its replica isn't linked; a new link gets a new password"
        } else {
            "no account for this replica exists"
        };
        let actions = vec![
            Action {
                machine: upstream.machine.clone(),
                lock: lock(upstream.instance.port),
                work: Work::Script(make),
            },
            self.here(Work::Script(keep)),
        ];
        self.push(
            StepKind::Account,
            what,
            fact.to_owned(),
            Cost {
                seconds: 0.6,
                ..Cost::default()
            },
            Undo::By("drop the slot, its lines in pg_hba.conf and the role".to_owned()),
            actions,
        );
    }

    /// The backup job's name on its host.
    fn job_name(&self) -> String {
        let (topology, replication) = (&self.link.topology.name, &self.link.replication.name);
        format!(
            "{topology}.{}.{}.backup",
            names::in_files(replication),
            names::in_files(&self.link.replica.name)
        )
    }

    /// Whether the copy runs already: left by a client that went away.
    fn copy_runs(&self) -> bool {
        let name = self.job_name();
        self.link
            .facts
            .jobs
            .values()
            .any(|job| job.name == name && job.state == JobState::Running)
    }

    fn backup(&mut self) {
        let bytes = copy_bytes(self.link);
        let limit = self.link.replica.max_rate;
        let rate = copy_rate(self.link);
        let seconds = tenths(2.0 + bytes.0 as f64 / rate + bytes.0 as f64 / VERIFY_RATE);
        let call = self
            .on_replica("postgresql/backup.sh", 60)
            .text(
                "max_rate",
                limit.map_or_else(String::new, |limit| limit.0.to_string()),
            )
            .with("expected_bytes", Argument::Volatile(bytes.0.to_string()));
        let job = JobCall {
            name: self.job_name(),
            call,
            expected: Some(bytes),
            user: None,
        };
        let from = &self.link.upstream.server;
        let limited = limit.map_or_else(String::new, |limit| format!(", at most {limit}"));
        let what = if self.copy_runs() {
            format!("go on with the copy from {from} that runs there")
        } else {
            format!("copy from {from}, checked against its manifest{limited}")
        };
        let cost = Cost {
            bytes: Some(bytes),
            from: Some(self.link.upstream.server.to_string()),
            seconds,
            disk_needed: Some(disk_needed(self.link)),
            disk_free: free_disk(self.link).map(|(free, _)| free),
            ..Cost::default()
        };
        let action = self.here(Work::Job(job));
        self.push(
            StepKind::Backup,
            what,
            self.reason(),
            cost,
            Undo::By("remove the copy beside the data directory".to_owned()),
            vec![action],
        );
    }

    /// Why a copy is needed.
    fn reason(&self) -> String {
        match self.link.relation {
            Relation::Broken(why) | Relation::ForeignData(why) => why.clone(),
            _ => "wants a replica here and it holds no data".to_owned(),
        }
    }

    fn restore(&mut self) {
        let foreign = matches!(self.link.relation, Relation::ForeignData(_));
        let broken = matches!(self.link.relation, Relation::Broken(_));
        // What was allowed to go is that database, not whatever lies there later: also part of the plan's hash.
        let replaced = self.link.instance.identity.clone().filter(|_| foreign);
        let call = self
            .on_replica("postgresql/restore.sh", 7200)
            .text("expect_empty", if foreign || broken { "no" } else { "yes" })
            .text("replace", if foreign { "yes" } else { "no" })
            .text("replaced_identity", replaced.unwrap_or_default())
            .text("copy_of_upstream", if broken { "yes" } else { "no" })
            .text(
                "upstream_identity",
                self.link
                    .upstream_instance
                    .identity
                    .clone()
                    .unwrap_or_default(),
            );
        let running = matches!(self.link.instance.server, ServerState::Running);
        let cost = Cost {
            restarts: (broken && running)
                .then(|| "it serves old data until its new copy is in place".to_owned()),
            seconds: 3.0,
            ..Cost::default()
        };
        let what = if foreign && running {
            "stop the server there, set its data aside beside it, swap the copy in"
        } else {
            "swap it in; the old directory stays beside it"
        };
        let action = self.here(Work::Script(call));
        self.push(
            StepKind::Restore,
            what.to_owned(),
            "the copy is whole and checked".to_owned(),
            cost,
            Undo::By("move the directory that was set aside back".to_owned()),
            vec![action],
        );
    }

    fn link(&mut self) {
        let (facts, upstream) = (
            PostgresFacts::of(self.link.instance).unwrap_or_default(),
            PostgresFacts::of(self.link.upstream_instance).unwrap_or_default(),
        );
        let raised = settings::limits(&facts, &upstream)
            .iter()
            .any(|(name, value)| {
                facts
                    .setting(name)
                    .and_then(|now| now.parse::<u64>().ok())
                    .is_some_and(|now| now < *value)
            });
        let reconnects = self.steps.iter().all(|step| step.kind != StepKind::Restore);
        let restarts =
            reconnects && raised && matches!(self.link.instance.server, ServerState::Running);
        let call = self
            .on_replica("postgresql/link.sh", LINK_SECONDS)
            .with(
                "settings",
                Argument::Lines(settings::replica_lines(self.link, &facts, &upstream)),
            )
            .text("restart", if restarts { "yes" } else { "no" });
        let action = self.here(Work::Script(Self::marker(call, self.link.wanted_marker)));
        let fact = match self.link.relation {
            Relation::Disconnected(why) => why.clone(),
            _ => "its data is a copy now".to_owned(),
        };
        self.push(
            StepKind::Link,
            format!(
                "stream from {} through slot {}",
                self.link.upstream.server, self.name
            ),
            fact,
            Cost {
                restarts: restarts.then(|| "settings below the primary's stop replay".to_owned()),
                seconds: 3.0,
                ..Cost::default()
            },
            Undo::By("unlink: it becomes a standalone server with its data".to_owned()),
            vec![action],
        );
    }

    fn verify(&mut self) {
        let call = self
            .on_replica("postgresql/verify.sh", 3700)
            .number("deadline", 3600)
            .text(
                "upstream_identity",
                self.link
                    .upstream_instance
                    .identity
                    .clone()
                    .unwrap_or_default(),
            );
        let action = self.here(Work::Script(call));
        self.push(
            StepKind::Verify,
            "caught up, read-only".to_owned(),
            "only what is replayed proves that it follows".to_owned(),
            Cost {
                seconds: 1.5,
                ..Cost::default()
            },
            Undo::Nothing,
            vec![action],
        );
    }
}
