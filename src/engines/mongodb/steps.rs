//! MongoDB's steps: which scripts carry an intent out, with which arguments.

use std::collections::BTreeSet;

use super::facts::MongoFacts;
use super::settings::{self, Change};
use crate::engines::steps::{LinkSteps, NewStep, configure, copy_rate, lock, with_marker};
use crate::engines::{Link, Upstreams, checks};
use crate::observe::ServerState;
use crate::plan::{
    Action, Argument, Because, Call, Cost, JobCall, Relation, SecretName, Step, StepId, StepKind,
    Undo, Work, adopt, tenths,
};
use crate::topology::{Bytes, Member, MemberId};

/// Limits above the scripts' own: a client that gave up earlier would call a restart failed that comes later.
/// configure.sh: stop, start and putting back 120 each, primary 60. member.sh: stop and start 120 each.
const CONFIGURE_SECONDS: u64 = 480;
const MEMBER_SECONDS: u64 = 400;
/// votes.sh: 120 for each change, of two or three.
const VOTES_SECONDS: u64 = 620;
/// Seconds without writes of a restart and the making of a set (engine page, 3: 1.5 to 3.4 s), and of the login before the
/// set is made, where root needs one (the client's own SHA-256 takes 1 to 2 s on hosts that have no more of perl than its base).
const RESTART_SECONDS: f64 = 3.0;
const LOGIN_SECONDS: f64 = 1.5;
/// Seconds until a new member has its configuration and begins, and until it has its vote.
const JOIN_SECONDS: f64 = 6.0;

/// Bytes of a copy: all documents, uncompressed.
pub(super) fn copy_bytes(link: &Link<'_>) -> Bytes {
    link.upstream_instance
        .data
        .as_ref()
        .map_or(Bytes(0), |data| data.copy_bytes)
}

/// A call on a unit.
fn unit_call(script: &str, timeout_seconds: u64, facts: &MongoFacts, port: u16) -> Call {
    let unit = match facts.unit.as_str() {
        "" => settings::DEFAULT_UNIT,
        unit => unit,
    };
    Call::new(script, timeout_seconds)
        .text("unit", unit)
        .number("port", port)
}

/// The name of the set's key within one apply.
fn key_name(replication: &str) -> SecretName {
    SecretName(format!("{replication}.key"))
}

/// The step that makes the primary ready, where it isn't: settings, a restart, a set of one.
pub(super) fn prepare(upstreams: &Upstreams<'_>) -> Vec<Step> {
    let Ok(facts) = MongoFacts::of(upstreams.instance) else {
        return Vec::new();
    };
    let changes = settings::upstream_changes(upstreams, &facts);
    let written = settings::in_files(&changes);
    let lines = |one: fn(&Change) -> String| Argument::Lines(written.iter().map(one).collect());
    let initiate = changes.iter().any(|change| change.name == settings::SET);
    let makes_key = changes
        .iter()
        .any(|change| change.name == "security.keyFile");
    let call = unit_call(
        "mongodb/configure.sh",
        CONFIGURE_SECONDS,
        &facts,
        upstreams.member.instance.port,
    )
    .with(
        "wanted",
        lines(|change| format!("{}={}", change.name, change.want)),
    )
    .with(
        "expect",
        lines(|change| format!("{}={}", change.name, change.now)),
    )
    .text("set", settings::set_name(upstreams.replication, &facts))
    .text("me", settings::host_of(upstreams.member))
    .text("initiate", if initiate { "yes" } else { "no" });
    let call = if makes_key {
        let key = SecretName(format!("{}.new-key", upstreams.replication.name));
        call.with("key_text", Argument::Secret(key))
    } else {
        call.text("key_text", "")
    };
    let login = if settings::has_key(&facts) {
        LOGIN_SECONDS
    } else {
        0.0
    };
    configure(upstreams, &changes, RESTART_SECONDS + login, call)
        .into_iter()
        .collect()
}

/// A new member: prepared, added, copied by the set itself.
pub(super) fn seed(link: &Link<'_>) -> Vec<Step> {
    let calls = Calls::new(link);
    let mut steps = LinkSteps::new(link);
    if link.instance.server == ServerState::NotInstalled {
        calls.provision(&mut steps);
    }
    calls.account(&mut steps);
    calls.configure(&mut steps);
    calls.link(&mut steps);
    steps.verify(calls.on_replica("mongodb/verify.sh", 3700));
    steps.done()
}

/// A member that is one already, or was, and can go on.
pub(super) fn reconnect(link: &Link<'_>) -> Vec<Step> {
    let calls = Calls::new(link);
    let mut steps = LinkSteps::new(link);
    if calls.facts.key_file == "missing" {
        calls.account(&mut steps);
    }
    calls.link(&mut steps);
    steps.verify(calls.on_replica("mongodb/verify.sh", 3700));
    steps.done()
}

/// The proof alone, of a member that stands.
pub(super) fn verify(link: &Link<'_>) -> Option<Step> {
    let calls = Calls::new(link);
    let mut steps = LinkSteps::new(link);
    steps.verify(calls.on_replica("mongodb/verify.sh", 3700));
    steps.done().pop()
}

/// The votes of the members that join: given when all have their copies, so that the set's majority is what it was until then.
pub(super) fn finish(upstreams: &Upstreams<'_>, needs: &BTreeSet<StepId>) -> Option<Step> {
    let facts = MongoFacts::of(upstreams.instance).ok()?;
    let has_vote = |member: &Member| {
        let listed = facts.configured(&settings::host_of(member));
        listed.is_some_and(|listed| !listed.joining)
    };
    let joining: Vec<&Member> = upstreams
        .new
        .iter()
        .map(|replica| &replica.member)
        .filter(|member| !has_vote(member))
        .collect();
    if joining.is_empty() {
        return None;
    }
    let names: Vec<String> = joining
        .iter()
        .map(|member| member.server.to_string())
        .collect();
    let hosts = joining
        .iter()
        .map(|member| settings::host_of(member))
        .collect();
    let member = upstreams.member;
    let call = unit_call(
        "mongodb/votes.sh",
        VOTES_SECONDS,
        &facts,
        member.instance.port,
    )
    .text("upstream", settings::host_of(member))
    .with(
        "set_id",
        Argument::Volatile(upstreams.instance.identity.clone().unwrap_or_default()),
    )
    .with("members", Argument::Lines(hosts));
    Some(Step {
        id: StepId(format!("{}.primary.promote", upstreams.replication.name)),
        kind: StepKind::Promote,
        replication: upstreams.replication.name.clone(),
        member: Some(MemberId::Primary),
        subject: member.server.to_string(),
        machine: member.machine.clone(),
        what: format!(
            "give {}; from then on each member may be elected primary",
            if names.len() == 1 {
                format!("{} its vote in the set", names.join(", "))
            } else {
                format!("{} their votes in the set, one by one", names.join(", "))
            }
        ),
        because: Because {
            place: member.place.clone(),
            fact: "a member without its copy must not count in the set's majority".to_owned(),
        },
        needs: needs.clone(),
        cost: Cost {
            seconds: tenths(2.0 * joining.len() as f64),
            ..Cost::default()
        },
        undo: Undo::By("rs.reconfig with votes and priority 0".to_owned()),
        env: Vec::new(),
        actions: vec![Action {
            machine: member.machine.clone(),
            lock: lock(upstreams.replication, member),
            work: Work::Script(call),
        }],
    })
}

/// The calls of one link share all this.
struct Calls<'a, 'b> {
    link: &'b Link<'a>,
    facts: std::sync::Arc<MongoFacts>,
    upstream: std::sync::Arc<MongoFacts>,
    set: String,
}

impl<'a, 'b> Calls<'a, 'b> {
    fn new(link: &'b Link<'a>) -> Self {
        let upstream = MongoFacts::of(link.upstream_instance).unwrap_or_default();
        Self {
            link,
            facts: MongoFacts::of(link.instance).unwrap_or_default(),
            set: settings::set_name(link.replication, &upstream),
            upstream,
        }
    }

    /// A call on the replica's unit.
    fn on_replica(&self, script: &str, timeout_seconds: u64) -> Call {
        let port = self.link.replica.member.instance.port;
        unit_call(script, timeout_seconds, &self.facts, port)
            .text("upstream", settings::host_of(self.link.upstream))
            .text("set", &self.set)
    }

    fn provision(&self, steps: &mut LinkSteps<'_, '_>) {
        let version = checks::candidate(self.link).unwrap_or_default();
        let call = self
            .on_replica("mongodb/provision.sh", 900)
            .text("package", settings::PACKAGE)
            .text("package_version", version);
        steps.provision(settings::PACKAGE, settings::NOUN, call);
    }

    /// The key by which members log in to one another: read on the primary, kept on the replica.
    fn account(&self, steps: &mut LinkSteps<'_, '_>) {
        if !settings::has_key(&self.upstream) {
            return;
        }
        let key = key_name(&self.link.replication.name);
        let port = self.link.upstream.instance.port;
        let read =
            unit_call("mongodb/account.sh", 60, &self.upstream, port).text("key_name", &key.0);
        let keep = self
            .on_replica("mongodb/keyfile.sh", 60)
            .text("key_file", settings::replica_key(&self.facts))
            .with("key_data", Argument::Secret(key));
        let actions = vec![
            steps.on_upstream(Work::Script(read)),
            steps.on_replica(Work::Script(keep)),
        ];
        steps.push(
            StepKind::Account,
            NewStep {
                what: format!(
                    "give {} the set's key file; members log in to one another by it",
                    self.link.replica.member.server
                ),
                fact: "MongoDB has no other replication account, and can't tie it to an address"
                    .to_owned(),
                cost: Cost {
                    seconds: 2.0,
                    ..Cost::default()
                },
                undo: Undo::By("remove the key file from the replica".to_owned()),
                actions,
            },
        );
    }

    /// Settings, an empty data directory, a start in which the server waits for its set.
    fn configure(&self, steps: &mut LinkSteps<'_, '_>) {
        let relation = self.link.relation;
        let foreign = relation.sets_data_aside();
        let broken = matches!(relation, Relation::Broken(_));
        let yes = |it: bool| if it { "yes" } else { "no" };
        let data = self.link.instance.data.as_ref();
        let holds_nothing = data.is_none_or(|data| data.bytes.0 == 0 || data.empty);
        let known = self.facts.databases.is_some();
        let replaced = data.map_or_else(Vec::new, |data| {
            let names = data.databases.iter().map(|database| database.name.clone());
            names.collect()
        });
        let lines = settings::replica_lines(self.link, &self.facts, &self.upstream);
        let call = self
            .on_replica("mongodb/member.sh", MEMBER_SECONDS)
            .text("set_id", steps.upstream_identity())
            .text("expect_empty", yes(!foreign && !broken))
            .text("replace", yes(foreign))
            // What was allowed to go are these databases, not whatever lies there later: part of the plan's hash.
            .with("replaced", Argument::Lines(replaced))
            .text("replaced_unseen", yes(foreign && !known))
            .text("copy_of_upstream", yes(broken))
            .with("wanted", Argument::Lines(lines.clone()));
        let running = matches!(self.link.instance.server, ServerState::Running);
        let aside = if holds_nothing && !running {
            "an empty data directory"
        } else {
            "set its data directory aside beside an empty one"
        };
        let fact = match relation {
            Relation::ForeignData(why) | Relation::Diverged(why) | Relation::Broken(why) => {
                why.clone()
            }
            _ => "a member must know its set and begin empty".to_owned(),
        };
        let action = steps.on_replica(Work::Script(call));
        steps.push(
            StepKind::Configure,
            NewStep {
                what: format!(
                    "{}; {aside}; start it, to wait for its set",
                    lines.join(", ")
                ),
                fact,
                cost: Cost {
                    restarts: (broken && running)
                        .then(|| "it serves old data until it has its new copy".to_owned()),
                    seconds: 4.0,
                    ..Cost::default()
                },
                undo: Undo::By(
                    "move the directory that was set aside back, and the settings out".to_owned(),
                ),
                actions: vec![action],
            },
        );
    }

    /// One member more, and its copy.
    fn link(&self, steps: &mut LinkSteps<'_, '_>) {
        let copies = steps.has(StepKind::Configure)
            || self
                .facts
                .status
                .as_ref()
                .is_some_and(|status| status.state == 5);
        let bytes = copies.then(|| copy_bytes(self.link));
        let from = self.link.upstream.server.to_string();
        let kept = match self.link.relation {
            Relation::Worn(_) => settings::kept_lines(self.link, &self.facts, &self.upstream),
            _ => Vec::new(),
        };
        let lines: Vec<String> = kept
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let call = self
            .on_replica("mongodb/link.sh", 60)
            .text("me", settings::host_of(&self.link.replica.member))
            .with("wanted", Argument::Lines(lines.clone()))
            // Not known before the set is made; whoever goes on with a running copy knows it.
            .with("set_id", Argument::Volatile(steps.upstream_identity()));
        let job = JobCall {
            name: steps.job_name(StepKind::Link),
            call: with_marker(call, self.link.wanted_marker),
            expected: bytes,
        };
        let fact = match self.link.relation {
            Relation::Disconnected(why) | Relation::Worn(why) => why.clone(),
            _ => "it waits for its set, and is empty".to_owned(),
        };
        let what = if steps.job_runs(StepKind::Link) {
            format!(
                "go on with joining the set \"{}\", which runs there",
                self.set
            )
        } else if !lines.is_empty() {
            format!(
                "write {} into its file; it goes on as a member of the set \"{}\", nothing restarts",
                lines.join(", "),
                self.set
            )
        } else if copies {
            format!(
                "join the set \"{}\" of {from}; MongoDB copies by itself: backup and restore in one",
                self.set
            )
        } else {
            format!("join the set \"{}\" of {from} again", self.set)
        };
        let moved = bytes.map_or(0.0, |bytes| bytes.0 as f64 / copy_rate(self.link));
        let cost = Cost {
            bytes,
            from: bytes.map(|_| from),
            seconds: tenths(JOIN_SECONDS + moved),
            disk_needed: bytes.map(|bytes| checks::disk_needed(self.link, bytes)),
            disk_free: bytes
                .and_then(|_| checks::free_disk(self.link))
                .map(|(free, _)| free),
            ..Cost::default()
        };
        let actions = vec![
            steps.on_upstream(Work::Script(adopt::call(self.link.wanted_upstream_marker))),
            steps.on_replica(Work::Job(job)),
        ];
        steps.push(
            StepKind::Link,
            NewStep {
                what,
                fact,
                cost,
                undo: Undo::By("unlink: it becomes a standalone server with its data".to_owned()),
                actions,
            },
        );
    }
}
