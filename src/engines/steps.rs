//! Steps as all engines make them: their words, their order, costs that hold for every engine; the engine adds its calls.

use std::collections::BTreeSet;

use super::secure::Proved;
use super::settings::{self, Change};
use super::{Link, Upstreams, checks};
use crate::observe::{JobState, ServerState};
use crate::plan::host_files::job_name;
use crate::plan::jobs::{self, FoundJob};
use crate::plan::{
    Action, Argument, Because, Call, Cost, JobCall, Relation, SecretName, Step, StepId, StepKind,
    Undo, Work, adopt, names, tenths,
};
use crate::topology::{Bytes, Member, MemberId, Replication};

pub use crate::plan::adopt::with_marker;

/// Bytes a second that a copy is expected to move where no limit is written; measured on two shared cores
/// (engine page of PostgreSQL, 13; the other engines' copies lie between 80 and 250 MB/s).
pub const ASSUMED_RATE: f64 = 100e6;

/// The most that a replica which parts may take to catch up, seconds.
pub const UNLINK_SECONDS: u32 = 600;

/// Why a replica parts.
const GONE: &str = "the configuration has this replica no more";

/// Bytes a second that the copy is expected to move.
pub fn copy_rate(link: &Link<'_>) -> f64 {
    link.replica
        .max_rate
        .map_or(ASSUMED_RATE, |limit| (limit.0 as f64).min(ASSUMED_RATE))
}

/// The lock that a step holds on an instance while it works there: `postgresql:5432`.
pub fn lock(replication: &Replication, member: &Member) -> String {
    format!("{}:{}", replication.engine, member.instance.port)
}

/// The step that makes the upstream ready, where settings aren't as needed. It writes the marker, then runs `call`, which
/// gets the variable `restart` (`yes`, `no`).
/// `restart_seconds`: without writes, when it restarts.
pub fn configure(
    upstreams: &Upstreams<'_>,
    changes: &[Change],
    restart_seconds: f64,
    call: Call,
) -> Option<Step> {
    if changes.is_empty() {
        return None;
    }
    let why = settings::restart_reason(changes);
    let mut reasons: Vec<&str> = changes.iter().map(|change| change.why.as_str()).collect();
    reasons.dedup();
    let call = call.text("restart", if why.is_some() { "yes" } else { "no" });
    let action = |call| Action {
        machine: upstreams.member.machine.clone(),
        lock: lock(upstreams.replication, upstreams.member),
        work: Work::Script(call),
    };
    Some(Step {
        id: StepId(match upstreams.id {
            MemberId::Primary => format!("{}.primary.configure", upstreams.replication.name),
            MemberId::Replica(name) => format!("{}.{name}.configure", upstreams.replication.name),
        }),
        kind: StepKind::Configure,
        replication: upstreams.replication.name.clone(),
        member: Some(upstreams.id.clone()),
        subject: upstreams.member.server.to_string(),
        machine: upstreams.member.machine.clone(),
        what: settings::shown(changes),
        because: Because {
            place: upstreams.member.place.clone(),
            fact: reasons.join("; "),
        },
        needs: BTreeSet::new(),
        cost: Cost {
            no_writes_seconds: why
                .as_ref()
                .filter(|_| *upstreams.id == MemberId::Primary)
                .map(|_| restart_seconds),
            seconds: if why.is_some() { 4.0 } else { 0.5 },
            restarts: why,
            ..Cost::default()
        },
        undo: Undo::By("by hand: put the values before back, which its marker keeps".to_owned()),
        env: Vec::new(),
        actions: vec![action(adopt::call(upstreams.wanted_marker)), action(call)],
    })
}

/// What goes back on a primary that has no replica left.
#[derive(Debug)]
pub struct Retirement {
    /// One line: `listen_addresses back to localhost`.
    pub what: String,
    /// What it costs.
    pub cost: Cost,
    /// Runs on the primary.
    pub call: Call,
}

impl Retirement {
    /// Settings of ours go back: `names` in the order of their lines, `later` of them with the next restart. `reader`: an account by
    /// which somebody else replicates, for whose sake they stay. `None`: none is there to go or to tell of.
    pub fn of_settings(
        names: &[&str],
        later: &[&str],
        reader: Option<&str>,
        call: Call,
    ) -> Option<Self> {
        let later = match later {
            [] => String::new(),
            later => format!(" ({} with its next restart)", later.join(", ")),
        };
        let what = match (names, reader) {
            ([], None) => return None,
            (_, Some(reader)) => {
                format!("leave its settings as they are, as {reader} replicates from it too")
            }
            (names, None) => format!("put back {}{later}", names.join(", ")),
        };
        Some(Self {
            what,
            cost: Cost {
                seconds: 0.5,
                ..Cost::default()
            },
            call,
        })
    }
}

/// The step in which a primary becomes an ordinary server again: its settings go back, then its marker goes.
pub fn retire(
    upstreams: &Upstreams<'_>,
    retirement: Option<Retirement>,
    needs: BTreeSet<StepId>,
) -> Step {
    let (replication, member) = (upstreams.replication, upstreams.member);
    let action = |call| Action {
        machine: member.machine.clone(),
        lock: lock(replication, member),
        work: Work::Script(call),
    };
    let jobs = format!(
        "{}.{}.",
        upstreams.topology.name,
        names::in_files(&replication.name)
    );
    let forget = action(adopt::forget(upstreams.wanted_marker, &jobs));
    let mut cost = Cost {
        seconds: 0.5,
        ..Cost::default()
    };
    let mut what = "remove its marker; it is an ordinary server again".to_owned();
    let mut actions = Vec::new();
    if let Some(retirement) = retirement {
        what = format!("{}; remove its marker", retirement.what);
        cost = retirement.cost;
        actions.push(action(retirement.call));
    }
    actions.push(forget);
    Step {
        id: StepId(format!("{}.primary.cleanup", replication.name)),
        kind: StepKind::Cleanup,
        replication: replication.name.clone(),
        member: Some(MemberId::Primary),
        subject: member.server.to_string(),
        machine: member.machine.clone(),
        what,
        because: Because {
            place: member.place.clone(),
            fact: "no replica of it is left".to_owned(),
        },
        needs,
        cost,
        undo: Undo::By("write its replicas again and apply".to_owned()),
        env: Vec::new(),
        actions,
    }
}

/// The step in which a host forgets that its server was a replica; the server stays as it is.
pub fn forget(link: &Link<'_>) -> Step {
    let mut steps = LinkSteps::new(link);
    let forget = steps.on_replica(Work::Script(adopt::forget(
        link.wanted_marker,
        &steps.job_prefix(),
    )));
    steps.push(
        StepKind::Unlink,
        NewStep {
            what: "remove its marker; its server stays as it is".to_owned(),
            fact: GONE.to_owned(),
            cost: Cost {
                seconds: 0.2,
                ..Cost::default()
            },
            undo: Undo::By("write the replica again and apply".to_owned()),
            actions: vec![forget],
        },
    );
    steps.steps.remove(0)
}

/// What the engine says of one step; the rest is the same for all.
#[derive(Debug)]
pub struct NewStep {
    /// What it does: one line.
    pub what: String,
    /// The observed fact that makes it necessary.
    pub fact: String,
    /// What it costs.
    pub cost: Cost,
    /// How it is undone.
    pub undo: Undo,
    /// What runs, in order.
    pub actions: Vec<Action>,
}

/// A full copy, as the engine makes it.
#[derive(Debug)]
pub struct Copy {
    /// How, after the donor's name: `checked against its manifest`.
    pub how: String,
    /// What must be begun before the job: the sending end of a copy that the target can't pull by itself.
    pub before: Vec<Action>,
    /// The job's script.
    pub call: Call,
    /// What it moves.
    pub bytes: Bytes,
    /// Bytes a second at which the whole copy is checked on the target.
    pub check_rate: f64,
}

/// The steps of one link, each after the one before.
#[derive(Debug)]
pub struct LinkSteps<'a, 'b> {
    link: &'b Link<'a>,
    steps: Vec<Step>,
}

impl<'a, 'b> LinkSteps<'a, 'b> {
    /// No step yet.
    pub fn new(link: &'b Link<'a>) -> Self {
        Self {
            link,
            steps: Vec::new(),
        }
    }

    /// The steps.
    pub fn done(self) -> Vec<Step> {
        self.steps
    }

    /// Whether there is a step of this kind already.
    pub fn has(&self, kind: StepKind) -> bool {
        self.steps.iter().any(|step| step.kind == kind)
    }

    /// Work on the replica's machine, under its instance's lock.
    pub fn on_replica(&self, work: Work) -> Action {
        self.on(&self.link.replica.member, work)
    }

    /// Work on the primary's machine, under its instance's lock.
    pub fn on_primary(&self, work: Work) -> Action {
        self.on(&self.link.replication.primary, work)
    }

    /// Work on any member's machine, under its instance's lock.
    pub fn on_member(&self, member: &Member, work: Work) -> Action {
        self.on(member, work)
    }

    /// Work on the upstream's machine, under its instance's lock.
    pub fn on_upstream(&self, work: Work) -> Action {
        self.on(self.link.upstream, work)
    }

    fn on(&self, member: &Member, work: Work) -> Action {
        Action {
            machine: member.machine.clone(),
            lock: lock(self.link.replication, member),
            work,
        }
    }

    /// The name of this link's password within one apply.
    pub fn password(&self) -> SecretName {
        SecretName(format!(
            "{}.{}.password",
            self.link.replication.name, self.link.replica.name
        ))
    }

    /// One more step, after those before it. What is made or taken away for a replica is on the upstream, everything else happens
    /// on the replica.
    pub fn push(&mut self, kind: StepKind, step: NewStep) {
        let at = match kind {
            StepKind::Account | StepKind::Cleanup => self.link.upstream,
            _ => &self.link.replica.member,
        };
        let needs = self.needs();
        self.steps.push(Step {
            id: self.link.step(kind),
            kind,
            replication: self.link.replication.name.clone(),
            member: Some(MemberId::Replica(self.link.replica.name.clone())),
            subject: at.server.to_string(),
            machine: at.machine.clone(),
            what: step.what,
            because: Because {
                place: self.link.replica.member.place.clone(),
                fact: step.fact,
            },
            needs,
            cost: step.cost,
            undo: step.undo,
            env: Vec::new(),
            actions: step.actions,
        });
    }

    /// What the names of this link's jobs begin with.
    fn job_prefix(&self) -> String {
        format!(
            "{}.{}.{}.",
            self.link.topology.name,
            names::in_files(&self.link.replication.name),
            names::in_files(&self.link.replica.name)
        )
    }

    /// The name of this link's job of a kind on its host.
    pub fn job_name(&self, kind: StepKind) -> String {
        format!("{}{}", self.job_prefix(), kind.word())
    }

    /// Whether the job of a kind runs already: left by a client that went away.
    pub fn job_runs(&self, kind: StepKind) -> bool {
        let name = job_name(&self.job_name(kind));
        let mut jobs = self.link.facts.jobs.values();
        jobs.any(|job| job.name == name && job.state == JobState::Running)
    }

    /// The replica's certificate, where it isn't as wanted: the step that makes it, after those before it.
    pub fn secure(&mut self, proved: &Proved<'_>, then: Vec<Action>) {
        let Some(fault) = proved.fault() else {
            return;
        };
        let mut step = proved.step(&fault, "", then);
        step.needs = self.needs();
        self.steps.push(step);
    }

    /// What the next step waits for.
    fn needs(&self) -> BTreeSet<StepId> {
        match self.steps.last() {
            Some(before) => BTreeSet::from([before.id.clone()]),
            None => self.link.prepared.into_iter().cloned().collect(),
        }
    }

    /// The server's packages (and an instance on the wanted port), left stopped. `package`: its name, as a person installs it;
    /// `instance`: what is made where the package is there and no instance is, for people.
    pub fn provision(&mut self, package: &str, instance: &str, call: Call) {
        let installed = matches!(self.link.instance.server, ServerState::NoInstance);
        let candidate = checks::candidate(self.link);
        let (what, fact) = if installed {
            (
                format!("make {instance}, leave it stopped"),
                "wants a replica here and no server has this port",
            )
        } else {
            let version = candidate.map_or_else(String::new, |version| format!(" ({version})"));
            (
                format!("install {package}{version}, leave it stopped"),
                "wants a replica here and none is installed",
            )
        };
        let reach = format!(
            "{}:{}",
            self.link.upstream_address(),
            self.link.upstream.instance.port
        );
        // A port of its own is the engine's to say.
        let call = match call.arguments.contains_key("reach") {
            true => call,
            false => call.text("reach", reach),
        };
        let action = self.on_replica(Work::Script(call));
        self.push(
            StepKind::Provision,
            NewStep {
                what,
                fact: fact.to_owned(),
                cost: Cost {
                    seconds: if installed { 3.0 } else { 15.0 },
                    ..Cost::default()
                },
                undo: Undo::By(format!("apt-get remove {package}; nothing else used it")),
                actions: vec![action],
            },
        );
    }

    /// Packages that are missing beside a server that is there; it stays as it is.
    pub fn tools(&mut self, packages: &[String], call: Call) {
        let action = self.on_replica(Work::Script(call.text("reach", "")));
        self.push(
            StepKind::Provision,
            NewStep {
                what: format!("install {}; the server stays as it is", packages.join(", ")),
                fact: "a copy needs it, and it isn't there".to_owned(),
                cost: Cost {
                    seconds: 8.0,
                    ..Cost::default()
                },
                undo: Undo::By(format!("apt-get remove {}", packages.join(" "))),
                actions: vec![action],
            },
        );
    }

    /// The account that the replica logs in with, made on the upstream by `make` (which also writes the upstream's marker) and
    /// kept on the replica by `keep`. `noun`: `role and slot`; `exists`: whether it is there and gets a new password.
    pub fn account(&mut self, noun: &str, name: &str, exists: bool, make: Call, keep: Call) {
        let make = with_marker(make, self.link.wanted_upstream_marker);
        let actions = vec![
            self.on_upstream(Work::Script(make)),
            self.on_replica(Work::Script(keep)),
        ];
        self.account_of(
            exists,
            &format!("{noun} {name}, from {} only", self.link.replica_address()),
            format!("drop the {noun} {name}"),
            actions,
        );
    }

    /// The same for an engine whose accounts are of another kind. `what`: after the verb; `undo`: by hand.
    pub fn account_of(&mut self, exists: bool, what: &str, undo: String, actions: Vec<Action>) {
        let (verb, fact) = if exists {
            (
                "renew",
                "its replica isn't linked; a new link gets a new password",
            )
        } else {
            ("create", "no account for this replica exists")
        };
        self.push(
            StepKind::Account,
            NewStep {
                what: format!("{verb} {what}"),
                fact: fact.to_owned(),
                cost: Cost {
                    seconds: 0.6,
                    ..Cost::default()
                },
                undo: Undo::By(undo),
                actions,
            },
        );
    }

    /// The full copy, a job on the replica's machine. The call gets `max_rate` (bytes a second, empty: none) and `expected_bytes`.
    pub fn backup(&mut self, copy: Copy) {
        self.backup_unless(false, copy);
    }

    /// The same; `kept`: whether what an earlier job of this call made waits there still, checked, and the upstream keeps what
    /// comes after it.
    pub fn backup_unless(&mut self, kept: bool, copy: Copy) {
        let (bytes, from) = (copy.bytes, self.link.upstream.server.to_string());
        let limit = self.link.replica.max_rate;
        let moved = bytes.0 as f64 / copy_rate(self.link);
        let seconds = tenths(2.0 + moved + bytes.0 as f64 / copy.check_rate);
        let call = copy
            .call
            .with(
                "max_rate",
                Argument::Pace(limit.map_or_else(String::new, |limit| limit.0.to_string())),
            )
            .with("expected_bytes", Argument::Volatile(bytes.0.to_string()));
        let job = JobCall {
            name: self.job_name(StepKind::Backup),
            call,
            expected: Some(bytes),
        };
        let limited = limit.map_or_else(String::new, |limit| format!(", at most {limit}"));
        let found = jobs::found(self.link.facts, &job);
        let there = kept && found == FoundJob::Done;
        let what = match found {
            FoundJob::Runs => {
                format!("go on with the copy from {from} that runs there, at its own rate")
            }
            FoundJob::Done if there => {
                format!("the copy from {from} is there already, checked; take it up")
            }
            _ => format!("copy from {from}, {}{limited}", copy.how),
        };
        let cost = if there {
            Cost {
                seconds: 1.0,
                ..Cost::default()
            }
        } else {
            Cost {
                bytes: Some(bytes),
                from: Some(from),
                seconds,
                disk_needed: Some(checks::disk_needed(self.link, bytes)),
                disk_free: checks::free_disk(self.link).map(|(free, _)| free),
                ..Cost::default()
            }
        };
        let mut actions = if there { Vec::new() } else { copy.before };
        actions.push(self.on_replica(Work::Job(job)));
        self.push(
            StepKind::Backup,
            NewStep {
                what,
                fact: self.reason(),
                cost,
                undo: Undo::By("remove the copy beside the data directory".to_owned()),
                actions,
            },
        );
    }

    /// The step that was pushed last takes so many seconds more than bytes and rates say.
    pub fn takes_longer(&mut self, seconds: f64) {
        if let Some(step) = self.steps.last_mut() {
            step.cost.seconds = tenths(step.cost.seconds + seconds);
        }
    }

    /// Why a copy is needed.
    pub fn reason(&self) -> String {
        match self.link.relation {
            Relation::Broken(why) | Relation::ForeignData(why) | Relation::Diverged(why) => {
                why.clone()
            }
            _ => "wants a replica here and it holds no data".to_owned(),
        }
    }

    /// The databases that a reader of the plan sees go, where it sets foreign data aside.
    fn shown_databases(&self, foreign: bool) -> Vec<String> {
        let data = self.link.instance.data.iter().filter(|_| foreign);
        data.flat_map(|data| &data.databases)
            .map(|database| database.name.clone())
            .filter(|name| !matches!(name.as_str(), "template0" | "template1"))
            .collect::<BTreeSet<String>>()
            .into_iter()
            .collect()
    }

    /// The copy is moved to the data's place. The call gets what may be set aside: `expect_empty`, `replace` with
    /// `replaced_identity` and `replaced_databases` (names, one a line) where they are known (`replaced_shown`: the server ran),
    /// `copy_of_upstream` (each `yes` or `no`), and `upstream_identity`. A `replaced_identity` of the engine's own stays.
    pub fn restore(&mut self, call: Call) {
        let foreign = self.link.relation.sets_data_aside();
        let broken = matches!(self.link.relation, Relation::Broken(_));
        let yes = |it: bool| if it { "yes" } else { "no" };
        // What was allowed to go is that database, not whatever lies there later: also part of the plan's hash.
        let replaced = self.link.instance.identity.clone().filter(|_| foreign);
        let running = matches!(self.link.instance.server, ServerState::Running);
        let named = call.arguments.contains_key("replaced_identity");
        let call = if named {
            call
        } else {
            call.text("replaced_identity", replaced.unwrap_or_default())
        };
        let call = call
            .text("expect_empty", yes(!foreign && !broken))
            .text("replace", yes(foreign))
            .with(
                "replaced_databases",
                Argument::Lines(self.shown_databases(foreign)),
            )
            .text("replaced_shown", yes(foreign && running))
            .text("copy_of_upstream", yes(broken))
            .text("upstream_identity", self.upstream_identity());
        let what = if foreign && running {
            "stop the server there, set its data aside beside it, swap the copy in"
        } else {
            "swap it in; the old directory stays beside it"
        };
        let action = self.on_replica(Work::Script(call));
        self.push(
            StepKind::Restore,
            NewStep {
                what: what.to_owned(),
                fact: "the copy is whole and checked".to_owned(),
                cost: Cost {
                    restarts: (broken && running)
                        .then(|| "it serves old data until its new copy is in place".to_owned()),
                    seconds: 3.0,
                    ..Cost::default()
                },
                undo: Undo::By("move the directory that was set aside back".to_owned()),
                actions: vec![action],
            },
        );
    }

    /// The replica reads from its upstream. `how`: after the upstream's name, `through slot x`; `restarts`: why its server
    /// has to restart. The call writes the replica's marker.
    pub fn link(&mut self, how: &str, restarts: Option<String>, call: Call) {
        let fact = match self.link.relation {
            Relation::Disconnected(why) | Relation::Worn(why) => why.clone(),
            _ => "its data is a copy now".to_owned(),
        };
        let action = self.on_replica(Work::Script(with_marker(call, self.link.wanted_marker)));
        self.push(
            StepKind::Link,
            NewStep {
                what: format!("stream from {} {how}", self.link.upstream.server),
                fact,
                cost: Cost {
                    restarts,
                    seconds: 3.0,
                    ..Cost::default()
                },
                undo: Undo::By(
                    "by hand: promote it by the server's own command; it keeps its data".to_owned(),
                ),
                actions: vec![action],
            },
        );
    }

    /// The proof that it follows. The call gets `deadline` (seconds for catching up) and `upstream_identity`; its own limit
    /// must lie above the deadline.
    pub fn verify(&mut self, call: Call) {
        self.verify_with(call, Vec::new());
    }

    /// The same, and proofs that `more` brings: that the connection is encrypted, as the upstream sees it.
    pub fn verify_with(&mut self, call: Call, more: Vec<Action>) {
        let what = if more.is_empty() {
            "caught up, read-only"
        } else {
            "caught up, read-only, encrypted"
        };
        let call = call
            .number("deadline", 3600)
            .text("upstream_identity", self.upstream_identity());
        let mut actions = vec![self.on_replica(Work::Script(call))];
        actions.extend(more);
        self.push(
            StepKind::Verify,
            NewStep {
                what: what.to_owned(),
                fact: "only what is replayed proves that it follows".to_owned(),
                cost: Cost {
                    seconds: 1.5,
                    ..Cost::default()
                },
                undo: Undo::Nothing,
                actions,
            },
        );
    }

    /// The replica becomes a standalone server: `call`, which is given `deadline` (seconds to catch up in), then its marker goes.
    /// `restarts`: why its server has to restart.
    pub fn unlink(&mut self, restarts: Option<String>, call: Call) {
        let jobs = self.job_prefix();
        let actions = vec![
            self.on_replica(Work::Script(
                call.number("deadline", i64::from(UNLINK_SECONDS)),
            )),
            self.on_replica(Work::Script(adopt::forget(self.link.wanted_marker, &jobs))),
        ];
        self.push(
            StepKind::Unlink,
            NewStep {
                what: "catch up, then standalone and writable; its data stays".to_owned(),
                fact: GONE.to_owned(),
                cost: Cost {
                    restarts,
                    seconds: 3.0,
                    ..Cost::default()
                },
                undo: Undo::By(format!(
                    "write replica \"{}\" again: that takes a new copy, and its own writes are set aside",
                    self.link.replica.name
                )),
                actions,
            },
        );
    }

    /// Members that the replica doesn't read from any more forget it. `what`: after "remove".
    pub fn sweep(&mut self, what: &str, members: &[&Member], actions: Vec<Action>) {
        let servers: Vec<String> = members
            .iter()
            .map(|member| member.server.to_string())
            .collect();
        let servers = servers.join(", ");
        self.push(
            StepKind::Cleanup,
            NewStep {
                what: format!("remove {what} on {servers}"),
                fact: format!("it reads from {} now", self.link.upstream.server),
                cost: Cost {
                    seconds: 0.6,
                    ..Cost::default()
                },
                undo: Undo::By(format!(
                    "write its upstream as before and apply: {what} is made again"
                )),
                actions,
            },
        );
        if let (Some(step), Some(first)) = (self.steps.last_mut(), members.first()) {
            step.subject = servers;
            step.machine = first.machine.clone();
        }
    }

    /// The upstream forgets the replica: its account and whatever else was made there for it. `what`: after "remove".
    pub fn cleanup(&mut self, what: &str, call: Call) {
        let action = self.on_upstream(Work::Script(call));
        self.cleanup_by(what, vec![action]);
    }

    /// The same, where more than one host has to forget it.
    pub fn cleanup_by(&mut self, what: &str, actions: Vec<Action>) {
        self.push(
            StepKind::Cleanup,
            NewStep {
                what: format!("remove {what}"),
                fact: GONE.to_owned(),
                cost: Cost {
                    seconds: 0.6,
                    ..Cost::default()
                },
                undo: Undo::By("write the replica again and apply".to_owned()),
                actions,
            },
        );
    }

    /// The upstream's data set, as it was seen; empty when it has no identity.
    pub fn upstream_identity(&self) -> String {
        let identity = self.link.upstream_instance.identity.clone();
        identity.unwrap_or_default()
    }
}
