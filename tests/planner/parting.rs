//! Configurations that change: replicas leave, get other labels, move; replications go. Whatever an apply leaves that was cut
//! off anywhere, the next one finishes, and nothing of ours is left where nothing is wanted.

use std::collections::BTreeMap;

use proptest::prelude::*;
use replform::engines::account_of;
use replform::plan::StepKind;
use replform::topology::{Hazard, Place, Replication, Topology, Upstream};

use super::random::{Tape, topology, world};
use super::rules::{Ended, History, planned, text, unknown};
use super::world::World;

/// A topology in which nothing is blocked, and its world after it was applied; `None` where the random world blocks it.
fn settled(tape: &mut Tape<'_>) -> Option<History> {
    let mut topology = topology(tape);
    for replication in &mut topology.replications {
        for hazard in [Hazard::Restart, Hazard::ReplaceData, Hazard::LoseWrites] {
            replication.allow.insert(hazard, Place::default());
        }
    }
    let world = world(tape, &topology);
    let mut history = History::with(topology, world);
    history.alone = true;
    history.note();
    for _ in 0..3 {
        history.world.settle();
        history.apply(&mut Tape::new(&[]), None);
    }
    history.world.settle();
    let after = history.plan();
    (after.is_empty() && !unknown(&after)).then_some(history)
}

/// What somebody makes of a page: every replica stays, leaves, or is called otherwise; a replication may go.
fn changed(tape: &mut Tape<'_>, before: &Topology) -> Topology {
    let mut after = before.clone();
    after.replications.retain(|_| !tape.one_in(4));
    for replication in &mut after.replications {
        replication.replicas.retain(|_| !tape.one_in(3));
        let mut names = BTreeMap::new();
        for replica in &mut replication.replicas {
            let old = replica.name.clone();
            if tape.one_in(4) {
                replica.name = format!("{old}-new");
            }
            names.insert(old, replica.name.clone());
        }
        // Whoever read from one that left reads from the primary.
        for replica in &mut replication.replicas {
            if let Upstream::Replica(from) = &replica.upstream {
                let now = names.get(from).cloned();
                replica.upstream = now.map_or(Upstream::Primary, Upstream::Replica);
            }
        }
    }
    after
}

fn named<'a>(topology: &'a Topology, name: &str) -> Option<&'a Replication> {
    topology.replications.iter().find(|one| one.name == name)
}

/// Nothing of ours is left of what went, and it takes writes.
fn nothing_is_left(before: &Topology, after: &Topology, world: &World) {
    for old in &before.replications {
        let new = named(after, &old.name);
        let primary = world
            .cluster(&old.primary.machine.0, old.primary.instance.port)
            .unwrap();
        assert!(
            primary.writable(),
            "the primary of {} takes no writes",
            old.name
        );
        for replica in &old.replicas {
            let (machine, port) = (&replica.member.machine.0, replica.member.instance.port);
            let stays = new.is_some_and(|new| {
                new.replicas
                    .iter()
                    .any(|one| (&one.member.machine.0, one.member.instance.port) == (machine, port))
            });
            let own = world.cluster(machine, port).unwrap();
            if stays {
                assert!(
                    world.follows(machine, port).is_ok(),
                    "{machine}:{port} follows no more"
                );
                continue;
            }
            let account = account_of(old, replica);
            assert!(own.writable(), "{machine}:{port} is no standalone");
            assert!(
                own.passfile.is_none() && own.drop_in.is_empty(),
                "{machine}:{port}: {own:?}"
            );
            let left = [
                primary.roles.contains_key(&account),
                primary.hba.contains(&account),
                primary.slots.contains_key(&account),
            ];
            assert_eq!(left, [false; 3], "{account} is left on the primary");
            let marker = |name: &String| {
                name.contains(&format!(".{}", old.name)) && name.contains(&port.to_string())
            };
            assert!(
                port == 5432 || !world.hosts[machine].markers.keys().any(marker),
                "a marker is left on {machine}"
            );
        }
        if new.is_none_or(|new| new.replicas.is_empty()) {
            let kept: Vec<&String> = primary
                .drop_in
                .keys()
                .filter(|name| *name != "listen_addresses")
                .collect();
            assert!(
                kept.is_empty(),
                "{kept:?} is left on the primary of {}",
                old.name
            );
            assert!(
                !primary
                    .roles
                    .keys()
                    .any(|role| role.starts_with("replform_"))
            );
        }
        if new.is_none() {
            let key = format!("{}.{}", before.name, old.name);
            let files = || world.hosts.values().flat_map(|host| host.env.values());
            assert!(
                files().all(|file| !file.blocks.contains_key(&key)),
                "{key} is kept in an app's file"
            );
            assert!(
                files().all(|file| !file.pending.contains(&key)),
                "{key}: on_change is owed"
            );
        }
    }
}

/// One history; whether anything was taken apart in it.
fn run(tape: &[u8]) -> bool {
    let mut tape = Tape::new(tape);
    let Some(mut history) = settled(&mut tape) else {
        return false;
    };
    let before = history.topology.clone();
    history.topology = changed(&mut tape, &before);
    let parts = planned(&history.topology, &history.world)
        .steps
        .iter()
        .any(|step| step.kind == StepKind::Unlink);
    for _ in 0..tape.pick(4) {
        let cut = Some(tape.pick(40) as u32);
        history.apply(&mut tape, cut);
        history.world.settle();
    }
    // Hosts that lost power come up again; what was stopped is started by whoever looks after it.
    for host in history.world.hosts.values_mut() {
        for cluster in host.clusters.values_mut() {
            cluster.start();
        }
    }
    history.world.settle();
    let ended = history.apply(&mut Tape::new(&[]), None);
    history.world.settle();
    let after = history.plan();
    assert!(ended == Ended::Whole, "{ended:?}\n{}", text(&after));
    assert!(after.is_empty(), "after all was applied:\n{}", text(&after));
    nothing_is_left(&before, &history.topology, &history.world);
    parts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: std::env::var("REPLFORM_CASES").map_or(60, |n| n.parse().unwrap()), max_shrink_iters: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_leaves_the_page_is_taken_apart_wherever_an_apply_is_cut_off(tape in proptest::collection::vec(any::<u8>(), 40..300)) {
        run(&tape);
    }
}

/// The histories are worth something: many take replicas apart.
#[test]
fn many_histories_take_something_apart() {
    let mut state = 7_u64;
    let parted = (0..40)
        .filter(|_| {
            let tape: Vec<u8> = std::iter::repeat_with(|| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .take(300)
            .collect();
            run(&tape)
        })
        .count();
    assert!(parted >= 5, "only {parted} of 40");
}

/// A host that gets another name in the page, or another address, is no other server: nothing of it is taken apart.
#[test]
fn a_host_with_a_new_name_is_no_former_one() {
    let mut met = 0;
    for seed in 0..20_u8 {
        let tape: Vec<u8> = (0..60_u8)
            .map(|at| seed.wrapping_mul(37).wrapping_add(at.wrapping_mul(11)))
            .collect();
        let Some(mut history) = settled(&mut Tape::new(&tape)) else {
            continue;
        };
        for replication in &mut history.topology.replications {
            for replica in &mut replication.replicas {
                let machine = &mut replica.member.machine;
                let host = history.world.hosts[&machine.0].clone();
                machine.0 = format!("{}.example.com", machine.0);
                history.world.hosts.insert(machine.0.clone(), host);
                met += 1;
            }
        }
        let machines: Vec<_> = history.topology.machines.values().cloned().collect();
        for mut machine in machines {
            machine.id.0 = format!("{}.example.com", machine.id.0);
            history
                .topology
                .machines
                .insert(machine.id.clone(), machine);
        }
        let plan = planned(&history.topology, &history.world);
        let apart = |step: &&replform::plan::Step| {
            matches!(step.kind, StepKind::Unlink | StepKind::Cleanup)
        };
        assert!(
            !plan.steps.iter().any(|step| apart(&step)),
            "{}",
            text(&plan)
        );
    }
    assert!(met > 0, "no replica was met");
}
