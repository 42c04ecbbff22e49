//! The rules of DESIGN's "Planning" in every state that applies cut off anywhere can leave, other people's deeds between.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use replform::observe::Reach;
use replform::plan::{
    Argument, Arguments, Options, Plan, Severity, Step, StepId, StepKind, Work, former, plan,
};
use replform::topology::{Hazard, MemberId, Topology};

use super::execute::{Budget, Stop, execute};
use super::observe::observe;
use super::random::{Tape, deed, repoint, topology, world};
use super::world::{Job, World};

/// A history: the wish, the world, and what must stay true of it.
pub struct History {
    /// What is wanted now.
    pub topology: Topology,
    /// The hosts.
    pub world: World,
    /// Nobody else does anything meanwhile.
    pub alone: bool,
    /// Each person's directory and its machine.
    kept: BTreeSet<(String, u64)>,
    /// What `kept` was when the plan that runs was made: all that its reviewer can have allowed to be set aside.
    reviewed: BTreeSet<(String, u64)>,
    applies: u64,
    /// Whether other people did something since the plan that runs was made.
    disturbed: bool,
    /// What happened, in words, and how often.
    met: BTreeMap<String, u32>,
}

/// How one apply ended.
#[derive(PartialEq, Debug)]
pub enum Ended {
    /// The plan may not be applied.
    Blocked,
    /// All was done.
    Whole,
    /// A step failed.
    Partly(String),
    /// It was cut off.
    Cut,
}

pub fn planned(topology: &Topology, world: &World) -> Plan {
    // As the client does it: what markers name besides is looked at too.
    let seen = observe(world, topology);
    let topology = former::extended(topology, &seen);
    let seen = observe(world, &topology);
    plan(&topology, &seen, &Options::default()).expect("steps form a DAG")
}

impl History {
    pub fn new(tape: &mut Tape<'_>) -> Self {
        let topology = topology(tape);
        let world = world(tape, &topology);
        Self::with(topology, world)
    }

    pub fn with(topology: Topology, world: World) -> Self {
        Self {
            topology,
            world,
            alone: false,
            kept: BTreeSet::new(),
            reviewed: BTreeSet::new(),
            applies: 0,
            disturbed: false,
            met: BTreeMap::new(),
        }
    }

    fn allows(&self, hazard: Hazard) -> bool {
        self.topology
            .replications
            .iter()
            .any(|one| one.allow.contains_key(&hazard))
    }

    /// Notes what persons own now.
    pub fn note(&mut self) {
        for (machine, host) in &self.world.hosts {
            for data in host
                .clusters
                .values()
                .filter_map(|cluster| cluster.data.as_ref())
            {
                if data.precious {
                    self.kept.insert((machine.clone(), data.id));
                }
            }
        }
    }

    fn meet(&mut self, word: &str) {
        *self.met.entry(word.to_owned()).or_default() += 1;
    }

    pub fn plan(&self) -> Plan {
        planned(&self.topology, &self.world)
    }

    /// One apply; `cut`: after so many parts of actions.
    pub fn apply(&mut self, tape: &mut Tape<'_>, cut: Option<u32>) -> Ended {
        let plan = self.plan();
        check_plan(self, &plan);
        self.reviewed = self.kept.clone();
        self.applies += 1;
        for row in plan.replications.iter().flat_map(|one| &one.picture) {
            if let Some(relation) = &row.relation {
                let word = format!("{relation:?}");
                self.meet(word.split('(').next().unwrap_or_default());
            }
        }
        if plan.is_blocked() {
            return Ended::Blocked;
        }
        self.disturbed = false;
        let mut budget = Budget(cut);
        let mut done: BTreeSet<StepId> = BTreeSet::new();
        let mut left: Vec<&Step> = plan.steps.iter().collect();
        let mut failure = None;
        loop {
            let ready: Vec<usize> = (0..left.len())
                .filter(|at| left[*at].needs.is_subset(&done))
                .collect();
            let Some(at) = ready.get(tape.pick(ready.len())).copied() else {
                break;
            };
            let step = left.remove(at);
            if cut.is_some() && !self.alone && tape.one_in(12) {
                deed(tape, &mut self.world, &self.topology);
                self.note();
                self.disturbed = true;
            }
            match self.step(step, &mut budget, tape) {
                Ok(()) => {
                    self.meet(&format!("done {}", step.kind));
                    done.insert(step.id.clone());
                }
                Err(Stop::Failed(why)) => failure = Some(format!("{}: {why}", step.id)),
                Err(Stop::Cut) => {
                    self.meet(&format!("cut {}", step.kind));
                    return Ended::Cut;
                }
            }
        }
        match failure {
            None => Ended::Whole,
            Some(why) => Ended::Partly(why),
        }
    }

    fn step(&mut self, step: &Step, budget: &mut Budget, tape: &mut Tape<'_>) -> Result<(), Stop> {
        for action in &step.actions {
            let before = self.world.clone();
            if let Work::Script(call) = &action.work
                && call.script == "apply/env.sh"
                && !self.disturbed
            {
                self.apps_are_told_the_truth(&action.machine.0, &call.arguments);
            }
            let result = execute(&mut self.world, action, self.applies, budget);
            self.check_change(&before, step);
            if result == Err(Stop::Cut) && tape.one_in(2) {
                self.world.reboot(&action.machine.0);
                self.check_change(&before, step);
            }
            result?;
            self.world.settle();
        }
        Ok(())
    }

    /// Rules 1, 2, 4 and 9, after each action or half of one.
    fn check_change(&self, before: &World, step: &Step) {
        for (machine, port) in self.world.keys() {
            let cluster = self.world.cluster(&machine, port).unwrap();
            if let Some(data) = &cluster.data {
                assert!(
                    !cluster.writable() || data.precious || data.empty,
                    "rule 1: a copy on {machine}:{port} takes writes after {}",
                    step.id
                );
            }
            let was = before.cluster(&machine, port);
            if was.is_some_and(|was| was.writable() && !was.data.as_ref().unwrap().empty)
                && self
                    .topology
                    .replications
                    .iter()
                    .any(|one| one.primary.machine.0 == machine)
            {
                assert!(
                    cluster.writable(),
                    "rule 1: the primary on {machine} is gone after {}",
                    step.id
                );
            }
            if !self.allows(Hazard::Restart) && !self.allows(Hazard::ReplaceData) {
                let stops = was.map_or(0, |was| was.stops);
                assert_eq!(
                    cluster.stops, stops,
                    "rule 4: {machine}:{port} restarted by {}",
                    step.id
                );
            }
            let ours = cluster
                .slots
                .keys()
                .any(|slot| slot.starts_with("replform_"));
            let before_ours = was.is_some_and(|was| !was.slots.is_empty());
            if ours && !before_ours && cluster.foreign_slots.is_empty() && !self.disturbed {
                assert!(
                    cluster.setting("max_slot_wal_keep_size", "-1") != "-1",
                    "rule 9: {machine}:{port} keeps log without a limit after {}",
                    step.id
                );
            }
        }
        for (machine, id) in &self.kept {
            let clusters = || self.world.hosts[machine].clusters.values();
            let in_place =
                clusters().any(|cluster| cluster.data.as_ref().is_some_and(|data| data.id == *id));
            let aside = clusters().any(|cluster| cluster.aside.iter().any(|data| data.id == *id));
            assert!(
                in_place || aside,
                "rule 2: the directory {id} on {machine} is lost after {}",
                step.id
            );
            assert!(
                in_place || self.allows(Hazard::ReplaceData) || before_aside(before, machine, *id),
                "rule 2: the directory {id} on {machine} was set aside without being allowed, by {}",
                step.id
            );
            assert!(
                in_place
                    || self.reviewed.contains(&(machine.clone(), *id))
                    || before_aside(before, machine, *id),
                "rule 2: the directory {id} on {machine} came after the plan and was set aside by {}",
                step.id
            );
        }
    }

    /// Rule 9: only the upstream keeps log for a replica.
    fn nobody_keeps_for_others(&self) {
        for replication in &self.topology.replications {
            for replica in &replication.replicas {
                let slot = format!("replform_{}_{}", replication.name, replica.name);
                for (_, member) in replication.members() {
                    let cluster = self
                        .world
                        .cluster(&member.machine.0, member.instance.port)
                        .unwrap();
                    let keeps = cluster.slots.contains_key(&slot) || cluster.hba.contains(&slot);
                    assert!(
                        !keeps || member == replication.upstream(replica),
                        "rule 9: {} keeps {slot}",
                        member.server
                    );
                }
            }
        }
    }

    /// Rule 5: what an app is told of is linked now, or stood there before.
    fn apps_are_told_the_truth(&self, machine: &str, arguments: &Arguments) {
        let Some(Argument::Lines(block)) = arguments.get("block") else {
            return;
        };
        let Some(Argument::Text(path)) = arguments.get("path") else {
            return;
        };
        let before: Vec<String> = self.world.hosts[machine]
            .env
            .get(&**path)
            .into_iter()
            .flat_map(|file| file.blocks.values().flatten().cloned())
            .collect();
        for replication in &self.topology.replications {
            let name = format!(
                "{}_REPLICA_ADDRESSES_INT=",
                replication.env.as_ref().map_or("", |env| &env.prefix)
            );
            let Some(list) = block.iter().find_map(|line| line.strip_prefix(&name)) else {
                continue;
            };
            for address in list.split(',').filter(|one| !one.is_empty()) {
                let follows = replication
                    .replicas
                    .iter()
                    .filter(|one| one.member.address == address)
                    .any(|one| {
                        self.world
                            .follows(&one.member.machine.0, one.member.instance.port)
                            .is_ok()
                    });
                let named = before.iter().any(|line| {
                    line.starts_with(&name) && line.split(['=', ',']).any(|one| one == address)
                });
                assert!(
                    follows || named,
                    "rule 5: {machine} is told of {address}, which doesn't follow"
                );
            }
        }
    }
}

fn before_aside(before: &World, machine: &str, id: u64) -> bool {
    before.hosts[machine]
        .clusters
        .values()
        .any(|cluster| cluster.aside.iter().any(|data| data.id == id))
}

/// What is true of each plan by itself.
fn check_plan(history: &History, plan: &Plan) {
    let observation = observe(&history.world, &history.topology);
    let again = super::rules::planned(&history.topology, &history.world);
    assert_eq!(
        serde_json::to_string(plan).unwrap(),
        serde_json::to_string(&again).unwrap(),
        "rule 7: another plan of the same"
    );
    let mut later = history.world.clone();
    later.settle();
    for host in later.hosts.values_mut() {
        host.disk_free -= 1_000_000;
        for data in host
            .clusters
            .values_mut()
            .filter_map(|one| one.data.as_mut())
        {
            data.bytes += 1_000;
        }
    }
    if history.world.keys().iter().all(|(machine, port)| {
        history.world.follows(machine, *port).is_ok() == later.follows(machine, *port).is_ok()
    }) {
        assert_eq!(
            plan.hash,
            planned(&history.topology, &later).hash,
            "positions and sizes changed the plan's hash"
        );
    }
    let mut seen = BTreeSet::new();
    for step in &plan.steps {
        assert!(
            step.needs.is_subset(&seen),
            "{} comes before what it needs",
            step.id
        );
        assert!(seen.insert(step.id.clone()), "{} twice", step.id);
        if matches!(step.kind, StepKind::Provision | StepKind::Backup) && !plan.is_blocked() {
            let replication = history
                .topology
                .replications
                .iter()
                .find(|one| one.name == step.replication)
                .unwrap();
            let Some(MemberId::Replica(name)) = &step.member else {
                panic!("{} is no replica's", step.id);
            };
            let upstream = replication.upstream(replication.replica(name).unwrap());
            let target = format!("{}:{}", upstream.address, upstream.instance.port);
            let reach = &observation.facts(&step.machine).unwrap().reach[&target];
            assert!(
                matches!(reach, Reach::Open | Reach::Refused),
                "rule 11: {} without a path",
                step.id
            );
        }
        if matches!(step.kind, StepKind::Backup | StepKind::Link)
            && let Some(MemberId::Replica(name)) = &step.member
        {
            let mut all = history.topology.replications.iter();
            let of = all.find(|one| one.name == step.replication).unwrap();
            let proved = of.replica(name).is_some_and(|replica| of.verifies(replica));
            let says = serde_json::to_string(&step.actions).unwrap();
            assert_eq!(
                says.contains("sslmode=verify-full"),
                proved,
                "{}: TLS isn't as written",
                step.id
            );
        }
        if step.kind == StepKind::Env {
            let verified = plan
                .steps
                .iter()
                .filter(|one| one.kind == StepKind::Verify && one.replication == step.replication);
            assert!(
                verified.into_iter().all(|one| step.needs.contains(&one.id)),
                "rule 5: env before verify"
            );
        }
    }
}

pub fn unknown(plan: &Plan) -> bool {
    plan.findings
        .iter()
        .any(|finding| finding.severity == Severity::Unknown)
}

/// A whole history; returns what happened in it.
fn run(tape: &[u8]) -> BTreeMap<String, u32> {
    let mut tape = Tape::new(tape);
    let mut history = History::new(&mut tape);
    history.note();
    for _ in 0..2 + tape.pick(4) {
        let cut = (tape.pick(2) == 0).then(|| tape.pick(50) as u32);
        history.apply(&mut tape, cut);
        for _ in 0..tape.pick(3) {
            deed(&mut tape, &mut history.world, &history.topology);
            history.note();
        }
        if tape.one_in(3) {
            repoint(&mut tape, &mut history.topology);
        }
        history.world.settle();
    }
    history.world.closed.clear();
    for host in history.world.hosts.values_mut() {
        host.unreachable = None;
    }
    for cluster in history
        .topology
        .replications
        .iter()
        .map(|one| one.primary.machine.0.clone())
    {
        history
            .world
            .hosts
            .get_mut(&cluster)
            .unwrap()
            .clusters
            .get_mut(&5432)
            .unwrap()
            .start();
    }
    history.world.settle();
    let before = history.plan();
    let ended = history.apply(&mut tape, None);
    let after = history.plan();
    let word = match ended {
        Ended::Blocked => "ended blocked",
        Ended::Whole => {
            assert!(
                after.is_empty() || unknown(&after),
                "rule 7: after all was applied:\n{}",
                text(&after)
            );
            if !unknown(&after) {
                history.nobody_keeps_for_others();
            }
            "ended whole"
        }
        Ended::Partly(why) => panic!(
            "rule 7: a fresh plan's step failed: {why}\n{}\n{}",
            text(&before),
            text(&after)
        ),
        Ended::Cut => panic!("nothing was cut"),
    };
    history.meet(word);
    history.met
}

pub fn text(plan: &Plan) -> String {
    replform::render::plan_text::plan_text(plan, replform::render::plan_text::Words::default())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: std::env::var("REPLFORM_CASES").map_or(60, |n| n.parse().unwrap()), max_shrink_iters: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_rule_is_broken_by_applies_cut_off_anywhere(tape in proptest::collection::vec(any::<u8>(), 20..300)) {
        let _ = run(&tape);
    }
}

/// The histories are worth something: every relation and every step is met, done and cut.
#[test]
fn the_histories_meet_everything_that_can_happen() {
    let mut met: BTreeMap<String, u32> = BTreeMap::new();
    let mut state = 1_u64;
    for _ in 0..140 {
        let tape: Vec<u8> = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .take(300)
        .collect();
        for (word, times) in run(&tape) {
            *met.entry(word).or_default() += times;
        }
    }
    for word in EVERYTHING {
        assert!(met.contains_key(*word), "never met: {word}; met {met:?}");
    }
}

const EVERYTHING: &[&str] = &[
    "Absent",
    "ForeignData",
    "Linked",
    "Unmanaged",
    "Disconnected",
    "Broken",
    "Unreachable",
    "done provision",
    "done configure",
    "done account",
    "done backup",
    "done restore",
    "done link",
    "done verify",
    "done adopt",
    "done cleanup",
    "done env",
    "cut provision",
    "cut configure",
    "cut account",
    "cut backup",
    "cut restore",
    "cut link",
    "cut env",
    "ended blocked",
    "ended whole",
];

/// A topology with two bare replicas, and its world.
fn two_bare_replicas() -> (Topology, World) {
    let mut topology = topology(&mut Tape::new(&[0, 0, 2, 0, 1, 0, 2]));
    topology.replications.truncate(1);
    let world = world(&mut Tape::new(&[]), &topology);
    assert_eq!(topology.replications[0].replicas.len(), 2);
    (topology, world)
}

#[test]
fn an_unreachable_replica_blocks_only_itself() {
    let (topology, mut world) = two_bare_replicas();
    let whole = planned(&topology, &world);
    let (gone, stays) = ("r0", "r1");
    let machine = topology.replications[0].replicas[0]
        .member
        .machine
        .0
        .clone();
    world.hosts.get_mut(&machine).unwrap().unreachable = Some("timed out".to_owned());
    let part = planned(&topology, &world);
    assert!(!part.is_blocked() && unknown(&part));
    let of = |plan: &Plan, name: &str| -> Vec<StepId> {
        let own = format!("x0.{name}.");
        let ids = plan.steps.iter().map(|step| step.id.clone());
        ids.filter(|id| id.0.starts_with(&own)).collect()
    };
    assert_eq!(of(&part, gone), []);
    assert!(!of(&part, stays).is_empty());
    assert_eq!(of(&part, stays), of(&whole, stays));
}

#[test]
fn the_hash_changes_with_what_the_scripts_are_given() {
    let (mut topology, world) = two_bare_replicas();
    let before = planned(&topology, &world).hash;
    topology.replications[0].replicas[0].max_rate = Some(replform::topology::Rate(5_000_000));
    assert_ne!(planned(&topology, &world).hash, before);
}

/// Found at random: the log that a running copy needs is recycled while its client is gone.
#[test]
fn a_copy_whose_log_is_recycled_while_it_runs_is_taken_anew() {
    let mut met = 0;
    for cut in 0..60 {
        let (topology, world) = two_bare_replicas();
        let mut history = History::with(topology, world);
        history.note();
        history.apply(&mut Tape::new(&[]), Some(cut));
        let runs = |history: &History| {
            let mut jobs = history
                .world
                .hosts
                .values()
                .flat_map(|host| host.jobs.values());
            jobs.any(|job| *job == Job::Running)
        };
        if !runs(&history) {
            continue;
        }
        met += 1;
        // Kind 7 (the log is recycled), any machine, the first member: the primary.
        deed(
            &mut Tape::new(&[7, 0, 0]),
            &mut history.world,
            &history.topology,
        );
        assert!(!runs(&history));
        assert_eq!(
            history.apply(&mut Tape::new(&[]), None),
            Ended::Whole,
            "cut after {cut}"
        );
        assert!(history.plan().is_empty(), "cut after {cut}");
    }
    assert!(met > 0, "no apply was cut while it copied");
}
