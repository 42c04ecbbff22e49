//! The rules of DESIGN's "Planning" for sets, in every state that applies cut off anywhere can leave, other people's deeds between.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use replform::observe::Reach;
use replform::plan::{
    Argument, Arguments, Options, Plan, Severity, Step, StepId, StepKind, Work, plan,
};
use replform::topology::{Hazard, Topology};

use super::super::execute::{Budget, Stop};
use super::super::random::Tape;
use super::execute::execute;
use super::observe::observe;
use super::random::{deed, topology, world};
use super::world::World;

/// A history: the wish, the world, and what must stay true of it.
struct History {
    topology: Topology,
    world: World,
    /// Each person's directory and its machine.
    kept: BTreeSet<(String, u64)>,
    /// What `kept` was when the plan that runs was made.
    reviewed: BTreeSet<(String, u64)>,
    applies: u64,
    /// Whether other people did something since the plan that runs was made.
    disturbed: bool,
    met: BTreeMap<String, u32>,
}

/// How one apply ended.
#[derive(PartialEq, Debug)]
enum Ended {
    Blocked,
    Whole,
    Partly(String),
    Cut,
}

fn planned(topology: &Topology, world: &World) -> Plan {
    plan(topology, &observe(world, topology), &Options::default()).expect("steps form a DAG")
}

fn text(plan: &Plan) -> String {
    replform::render::plan_text::plan_text(plan, replform::render::plan_text::Words::default())
}

fn unknown(plan: &Plan) -> bool {
    plan.findings
        .iter()
        .any(|finding| finding.severity == Severity::Unknown)
}

impl History {
    fn new(tape: &mut Tape<'_>) -> Self {
        let topology = topology(tape);
        let world = world(tape, &topology);
        Self::with(topology, world)
    }

    fn with(topology: Topology, world: World) -> Self {
        let mut history = Self {
            topology,
            world,
            kept: BTreeSet::new(),
            reviewed: BTreeSet::new(),
            applies: 0,
            disturbed: false,
            met: BTreeMap::new(),
        };
        history.note();
        history
    }

    fn allows(&self, hazard: Hazard) -> bool {
        self.topology
            .replications
            .iter()
            .any(|one| one.allow.contains_key(&hazard))
    }

    /// Notes what persons own now.
    fn note(&mut self) {
        let persons = self
            .world
            .servers
            .iter()
            .filter(|(_, server)| server.data.precious);
        self.kept
            .extend(persons.map(|(machine, server)| (machine.clone(), server.data.id)));
    }

    fn meet(&mut self, word: &str) {
        *self.met.entry(word.to_owned()).or_default() += 1;
    }

    /// One apply; `cut`: after so many parts of actions.
    fn apply(&mut self, tape: &mut Tape<'_>, cut: Option<u32>) -> Ended {
        let plan = planned(&self.topology, &self.world);
        check_plan(self, &plan);
        self.reviewed = self.kept.clone();
        self.applies += 1;
        self.world.keys.clear();
        for row in plan.replications.iter().flat_map(|one| &one.picture) {
            if let Some(relation) = &row.relation {
                let word = format!("{relation:?}");
                self.meet(word.split('(').next().unwrap_or_default());
            }
        }
        if plan
            .findings
            .iter()
            .any(|finding| finding.what.contains("the set elected"))
        {
            self.meet("elected another");
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
            if cut.is_some() && tape.one_in(12) {
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
        failure.map_or(Ended::Whole, Ended::Partly)
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
                let before = self.world.clone();
                self.world.reboot(&action.machine.0);
                self.check_loss(&before, &action.machine.0, step);
            }
            result?;
            self.world.settle();
            self.check_votes(&before, step);
        }
        Ok(())
    }

    /// Rules 1, 2, 4, 6 and 10, after each action or half of one.
    fn check_change(&self, before: &World, step: &Step) {
        for (machine, server) in &self.world.servers {
            let was = before.servers.get(machine);
            // A server that was restarted and waits for its set is made one by the next apply: only a power cut comes in between.
            let waits = server.running && server.set_name().is_some() && server.data.set.is_none();
            if before.writable(machine)
                && was.is_some_and(|was| was.data.databases)
                && self.is_primary(machine)
            {
                assert!(
                    self.world.writable(machine) || waits && step.kind == StepKind::Configure,
                    "rule 1: the primary on {machine} takes no writes after {}",
                    step.id
                );
            }
            if server.stops > was.map_or(0, |was| was.stops) {
                assert!(
                    step.cost.restarts.is_some() || self.allows(Hazard::ReplaceData),
                    "rule 4: {machine} was stopped by {}, which doesn't say so",
                    step.id
                );
                assert!(
                    self.allows(Hazard::Restart) || self.allows(Hazard::ReplaceData),
                    "rule 4: {machine} was stopped by {}, which nobody allowed",
                    step.id
                );
            }
        }
        for (machine, id) in &self.kept {
            let server = &self.world.servers[machine];
            let in_place = server.data.id == *id;
            let aside =
                |server: &super::world::Server| server.aside.iter().any(|one| one.id == *id);
            assert!(
                in_place || aside(server),
                "rule 2: the directory {id} on {machine} is lost after {}",
                step.id
            );
            let was_aside = before.servers.get(machine).is_some_and(aside);
            assert!(
                in_place
                    || was_aside
                    || self.allows(Hazard::ReplaceData)
                        && self.reviewed.contains(&(machine.clone(), *id)),
                "rule 2: the directory {id} on {machine} was set aside without being allowed, by {}",
                step.id
            );
        }
        for (id, set) in &before.sets {
            let now = &self.world.sets[id];
            if let Some(primary) = &set.primary {
                assert!(
                    now.primary.as_ref() == Some(primary) || !self.world.alive(*id, primary),
                    "rule 6: another primary than {primary} after {}",
                    step.id
                );
            }
            for (host, wish) in set.members.iter().filter(|(_, wish)| !wish.joining) {
                assert_eq!(
                    now.members.get(host),
                    Some(wish),
                    "rule 10: {host}, which isn't ours, after {}",
                    step.id
                );
            }
        }
        self.check_votes(before, step);
    }

    fn is_primary(&self, machine: &str) -> bool {
        self.topology
            .replications
            .iter()
            .any(|one| one.primary.machine.0 == machine)
    }

    /// A vote is given to nobody who hasn't its copy, so none who joins can take the set's majority, and then most of the votes
    /// answer. A member that was too far behind keeps the vote that it had while it copies anew: it takes part as before.
    fn check_votes(&self, before: &World, step: &Step) {
        for (id, set) in &self.world.sets {
            let votes: u64 = set.members.values().map(|wish| wish.votes).sum();
            assert!(votes <= 7, "{votes} votes after {}", step.id);
            let had = |host: &str| {
                before
                    .sets
                    .get(id)
                    .and_then(|set| set.members.get(host))
                    .map_or(0, |wish| wish.votes)
            };
            let given: Vec<&String> = set
                .members
                .iter()
                .filter(|(host, wish)| wish.votes > had(host))
                .map(|(host, _)| host)
                .collect();
            for host in &given {
                assert!(
                    self.world.servers[*host].data.whole,
                    "{host} has no copy and a vote after {}",
                    step.id
                );
            }
            assert!(
                given.len() <= 1 || step.kind == StepKind::Promote,
                "{given:?} got votes in {}",
                step.id
            );
            let (all, alive) = self.world.voters(*id);
            assert!(
                given.is_empty() || 2 * alive > all,
                "{alive} of {all} votes answer after {}",
                step.id
            );
            for (host, wish) in set.members.iter().filter(|(_, wish)| wish.joining) {
                assert_eq!(
                    (wish.votes, wish.priority),
                    (0, 0),
                    "{host} joins after {}",
                    step.id
                );
            }
        }
    }

    /// A host that is lost in the middle of its step never takes another host's primary with it.
    fn check_loss(&self, before: &World, lost: &str, step: &Step) {
        for (id, set) in &before.sets {
            let Some(primary) = set.primary.as_deref().filter(|one| *one != lost) else {
                continue;
            };
            let joins = set.members.get(lost).is_none_or(|wish| wish.joining);
            assert!(
                !joins || self.world.sets[id].primary.as_deref() == Some(primary),
                "majority: {primary} is primary no more, as {lost} was lost in {}",
                step.id
            );
        }
    }

    /// Rule 5: an address that an app is told of is a member in good order now, or stood there before.
    fn apps_are_told_the_truth(&self, machine: &str, arguments: &Arguments) {
        let (Some(Argument::Lines(block)), Some(Argument::Text(path))) =
            (arguments.get("block"), arguments.get("path"))
        else {
            return;
        };
        let files = self.world.common.hosts[machine].env.get(&**path);
        let before: Vec<&String> = files
            .into_iter()
            .flat_map(|file| file.blocks.values().flatten())
            .collect();
        for replication in &self.topology.replications {
            let name = format!(
                "{}_ADDRESSES=",
                replication.env.as_ref().map_or("", |env| &env.prefix)
            );
            let Some(list) = block.iter().find_map(|line| line.strip_prefix(&name)) else {
                continue;
            };
            let primary = &replication.primary.machine.0;
            for address in list.split(',').filter(|one| one != primary) {
                let set = self.world.set_of(address);
                let follows = set.is_some_and(|set| {
                    self.world.follows(address, set).is_ok()
                        && self.world.set_of(primary) == Some(set)
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

/// What is true of each plan by itself.
fn check_plan(history: &History, plan: &Plan) {
    let again = planned(&history.topology, &history.world);
    let json = |plan: &Plan| serde_json::to_string(plan).unwrap();
    assert_eq!(json(plan), json(&again), "rule 7: another plan of the same");
    let mut later = history.world.clone();
    for host in later.common.hosts.values_mut() {
        host.disk_free -= 1_000_000;
    }
    later.settle();
    later.settle();
    let stands = |world: &World| {
        let sets = world.sets.iter().map(|(id, set)| {
            (
                *id,
                set.primary.clone(),
                set.members
                    .keys()
                    .map(|host| world.follows(host, *id).is_ok())
                    .collect::<Vec<_>>(),
            )
        });
        (
            sets.collect::<Vec<_>>(),
            world
                .servers
                .values()
                .map(|server| server.data.set)
                .collect::<Vec<_>>(),
        )
    };
    if stands(&history.world) == stands(&later) {
        assert_eq!(
            plan.hash,
            planned(&history.topology, &later).hash,
            "positions and sizes changed the plan's hash"
        );
    }
    let observation = observe(&history.world, &history.topology);
    let mut seen = BTreeSet::new();
    for step in &plan.steps {
        assert!(
            step.needs.is_subset(&seen),
            "{} comes before what it needs",
            step.id
        );
        assert!(seen.insert(step.id.clone()), "{} twice", step.id);
        let of = |kind: StepKind| {
            plan.steps
                .iter()
                .filter(move |one| one.kind == kind && one.replication == step.replication)
        };
        let all_before = |kind| of(kind).all(|one| step.needs.contains(&one.id));
        match step.kind {
            StepKind::Provision if !plan.is_blocked() => {
                let replication = history
                    .topology
                    .replications
                    .iter()
                    .find(|one| one.name == step.replication)
                    .unwrap();
                let target = format!(
                    "{}:{}",
                    replication.primary.address, replication.primary.instance.port
                );
                let reach = &observation.facts(&step.machine).unwrap().reach[&target];
                assert!(
                    matches!(reach, Reach::Open | Reach::Refused),
                    "rule 11: {} without a path",
                    step.id
                );
            }
            StepKind::Env => assert!(all_before(StepKind::Verify), "rule 5: env before verify"),
            StepKind::Promote => assert!(all_before(StepKind::Verify), "votes before copies"),
            _ => {}
        }
    }
}

/// A whole history; returns what happened in it.
fn run(tape: &[u8]) -> BTreeMap<String, u32> {
    let mut tape = Tape::new(tape);
    let mut history = History::new(&mut tape);
    for _ in 0..2 + tape.pick(4) {
        let cut = (tape.pick(2) == 0).then(|| (tape.pick(6) * tape.pick(8)) as u32);
        history.apply(&mut tape, cut);
        for _ in 0..tape.pick(3) {
            deed(&mut tape, &mut history.world, &history.topology);
            history.note();
        }
        history.world.settle();
    }
    history.ends_well(&mut tape);
    history.met
}

impl History {
    /// Ways are open, hosts are up, what began has ended: one apply does all that is allowed, and then there is nothing to do.
    fn ends_well(&mut self, tape: &mut Tape<'_>) {
        self.world.common.closed.clear();
        self.world
            .common
            .hosts
            .values_mut()
            .for_each(|host| host.unreachable = None);
        let voters: BTreeSet<String> = self
            .world
            .sets
            .values()
            .flat_map(|set| set.members.keys().cloned())
            .collect();
        let primaries = self
            .topology
            .replications
            .iter()
            .map(|one| one.primary.machine.0.clone());
        for host in voters.into_iter().chain(primaries.collect::<Vec<_>>()) {
            if let Some(server) = self
                .world
                .servers
                .get_mut(&host)
                .filter(|server| !server.running)
            {
                server.start();
            }
        }
        for _ in 0..3 {
            self.world.copies_end();
            self.world.settle();
        }
        self.note();
        let before = text(&planned(&self.topology, &self.world));
        let ended = self.apply(tape, None);
        let after = planned(&self.topology, &self.world);
        let word = match ended {
            Ended::Blocked => "ended blocked",
            Ended::Whole => {
                assert!(
                    after.is_empty() || unknown(&after),
                    "rule 7: after all was applied:\n{}\nbefore:\n{before}",
                    text(&after)
                );
                "ended whole"
            }
            Ended::Partly(why) => panic!("rule 7: a fresh plan's step failed: {why}\n{before}"),
            Ended::Cut => panic!("nothing was cut"),
        };
        self.meet(word);
    }
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
    for _ in 0..100 {
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
    "elected another",
    "done provision",
    "done configure",
    "done account",
    "done link",
    "done verify",
    "done promote",
    "done adopt",
    "done env",
    "cut provision",
    "cut configure",
    "cut account",
    "cut link",
    "cut env",
    "ended blocked",
    "ended whole",
];

/// A set of three out of a standalone and two bare hosts, cut off after each of its parts, with and without power.
#[test]
fn a_set_is_made_whole_wherever_its_making_was_cut_off() {
    let mut met: BTreeMap<String, u32> = BTreeMap::new();
    for cut in 0..60 {
        for power in [0, 1] {
            let topology = topology(&mut Tape::new(&[0, 0, 0, 1]));
            let world = world(&mut Tape::new(&[1]), &topology);
            assert_eq!(topology.replications[0].replicas.len(), 2);
            let mut history = History::with(topology, world);
            // Zeros choose the first step that is ready; a one, whether power is lost at the cut.
            let tape = [vec![0; usize::try_from(cut % 20).unwrap()], vec![power; 60]].concat();
            let ended = history.apply(&mut Tape::new(&tape), Some(cut));
            history.ends_well(&mut Tape::new(&[]));
            assert_eq!(
                history.met.get("ended whole"),
                Some(&1),
                "cut after {cut}, power {power}: {ended:?}\n{}",
                text(&planned(&history.topology, &history.world))
            );
            for (word, times) in history.met {
                *met.entry(word).or_default() += times;
            }
        }
    }
    for word in [
        "cut provision",
        "cut account",
        "cut configure",
        "cut link",
        "cut promote",
        "done promote",
    ] {
        assert!(met.contains_key(word), "never met: {word}; met {met:?}");
    }
}
