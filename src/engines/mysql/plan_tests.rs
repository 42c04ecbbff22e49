//! Rules that no plan for MySQL may break, over random worlds: what real hosts said, with other transactions, files and ids.

use proptest::prelude::*;

use super::{GtidSet, MysqlFacts};
use crate::engines::tests as testing;
use crate::observe::{Instance, ServerState};
use crate::plan::{Argument, Arguments, Plan, StepKind, Work};
use crate::topology::Hazard;

/// What stands for the replica's host.
const REPLICAS: [&str; 12] = [
    "not-installed",
    "empty",
    "fresh-stopped",
    "foreign",
    "foreign-stopped",
    "replica",
    "replica-cut",
    "diverged",
    "stopped",
    "hung",
    "mariadb",
    "group-replication",
];

const UPSTREAM: &str = "9b6b454d-e7fa-11f1-9096-02fc00000001";
const OTHER: &str = "39d5a568-e7fd-11f1-b748-ae707d53d440";

/// What is changed in what the replica's host said.
#[derive(Clone, Debug)]
struct Changes {
    /// Last transaction of the upstream's that it has; `None`: as recorded.
    executed: Option<u64>,
    /// Transactions of its own.
    errant: u64,
    /// Whether our file makes it read-only.
    file: Option<bool>,
    /// Whether it is read-only now.
    read_only: Option<bool>,
    /// Its server_id.
    id: u32,
}

fn changes() -> impl Strategy<Value = Changes> {
    (
        proptest::option::of(1_u64..30),
        prop_oneof![3 => Just(0_u64), 1 => 1_u64..3],
        proptest::option::of(any::<bool>()),
        proptest::option::of(any::<bool>()),
        1_u32..4,
    )
        .prop_map(|(executed, errant, file, read_only, id)| Changes {
            executed,
            errant,
            file,
            read_only,
            id,
        })
}

fn with_facts(mut instance: Instance, change: impl FnOnce(&mut MysqlFacts)) -> Instance {
    let mut facts = MysqlFacts::clone(&MysqlFacts::of(&instance).unwrap());
    change(&mut facts);
    instance.details = super::summary::details(&facts).into();
    instance
}

/// An upstream that has executed its transactions up to `last` and keeps those after `purged`.
fn primary(last: u64, purged: u64, listens: bool) -> Instance {
    with_facts(testing::recorded("mysql", "primary"), |facts| {
        facts.executed = Some(format!("{UPSTREAM}:1-{last}"));
        facts.purged = Some(if purged == 0 {
            String::new()
        } else {
            format!("{UPSTREAM}:1-{purged}")
        });
        if !listens {
            facts
                .settings
                .insert("bind_address".to_owned(), "127.0.0.1".to_owned());
        }
    })
}

fn replica(name: &str, changes: &Changes) -> Instance {
    with_facts(testing::recorded("mysql", name), |facts| {
        if facts.executed.is_some()
            && let Some(last) = changes.executed
        {
            let own = match changes.errant {
                0 => String::new(),
                count => format!(",{OTHER}:1-{count}"),
            };
            facts.executed = Some(format!("{UPSTREAM}:1-{last}{own}"));
        }
        if let Some(file) = changes.file {
            facts
                .drop_in
                .retain(|line| !line.starts_with("super_read_only"));
            if file {
                facts.drop_in.push("super_read_only = ON".to_owned());
            }
        }
        if let (Some(read_only), Some(value)) =
            (changes.read_only, facts.settings.get_mut("super_read_only"))
        {
            *value = if read_only { "ON" } else { "OFF" }.to_owned();
        }
        if let Some(id) = facts.settings.get_mut("server_id") {
            *id = changes.id.to_string();
            facts.options.remove("server_id");
        }
    })
}

fn planned(primary: &Instance, replica: &Instance, allow: &[Hazard]) -> Plan {
    let instances = [primary.clone(), replica.clone()];
    testing::planned("mysql", "10.77.4", &instances, allow)
}

fn arguments(plan: &Plan, kind: StepKind) -> Vec<&Arguments> {
    let steps = plan.steps.iter().filter(|step| step.kind == kind);
    steps
        .flat_map(|step| &step.actions)
        .map(|action| match &action.work {
            Work::Script(call) => &call.arguments,
            Work::Job(job) => &job.call.arguments,
        })
        .collect()
}

fn is_yes(arguments: &Arguments, name: &str) -> bool {
    matches!(arguments.get(name), Some(Argument::Text(text)) if &**text == "yes")
}

fn lines(arguments: &Arguments) -> Vec<String> {
    match arguments.get("settings") {
        Some(Argument::Lines(lines)) => lines.iter().map(ToString::to_string).collect(),
        other => panic!("settings: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_plan_breaks_a_rule(
        name in proptest::sample::select(&REPLICAS[..]),
        changes in changes(),
        last in 10_u64..25,
        purged in 0_u64..12,
        listens in any::<bool>(),
        allow in proptest::sample::subsequence(Hazard::ALL.to_vec(), 0..=4),
    ) {
        let upstream = primary(last, purged.min(last), listens);
        let replica = replica(name, &changes);
        let plan = planned(&upstream, &replica, &allow);
        prop_assert_eq!(&plan, &planned(&upstream, &replica, &allow));
        let blocked = plan.findings.iter().any(|finding| finding.blocks());
        let facts = MysqlFacts::of(&replica).unwrap();
        let empty = replica.data.as_ref().is_none_or(|data| data.empty);
        let executed = facts.executed();
        let none = GtidSet::default();
        let there = MysqlFacts::of(&upstream).unwrap();
        let errant = executed.as_ref().is_some_and(|own| !own.without(&there.executed().unwrap()).is_empty());
        let missing = executed.as_ref().is_some_and(|own| !there.purged().unwrap_or(none).without(own).is_empty());

        for restore in arguments(&plan, StepKind::Restore) {
            let reasons = ["expect_empty", "replace", "copy_of_upstream"].map(|name| is_yes(restore, name));
            prop_assert_eq!(reasons.iter().filter(|one| **one).count(), 1);
            prop_assert!(!reasons[0] || empty, "{} isn't empty", name);
            // What diverged is given up by lose_writes, anything else by replace_data.
            let given_up = errant && allow.contains(&Hazard::LoseWrites);
            prop_assert!(!reasons[1] || blocked || given_up || allow.contains(&Hazard::ReplaceData));
            prop_assert!(!reasons[2] || (missing && !errant), "{} is a copy that can't go on", name);
        }
        // A link without a copy: it has nothing that its upstream hasn't, and its upstream still has what it lacks.
        if arguments(&plan, StepKind::Restore).is_empty() && !arguments(&plan, StepKind::Link).is_empty() {
            prop_assert!(!errant && !missing, "{name}");
        }
        // Whatever starts a replica makes it read-only, with an id of its own.
        let upstream_id = format!("server_id = {}", there.setting("server_id").unwrap());
        for kind in [StepKind::Provision, StepKind::Restore, StepKind::Link] {
            for arguments in arguments(&plan, kind) {
                let lines = lines(arguments);
                prop_assert!(lines.iter().any(|line| line == "super_read_only = ON"));
                prop_assert!(!lines.contains(&upstream_id), "{lines:?}");
                prop_assert_eq!(lines.iter().any(|line| line == "skip_replica_start = ON"), kind != StepKind::Link);
            }
        }
        // Nothing restarts unseen.
        for step in &plan.steps {
            prop_assert!(step.cost.restarts.is_none() || blocked || allow.contains(&Hazard::Restart), "{}", step.id);
        }
        // What isn't understood is left alone; another engine or manager blocks.
        if matches!(replica.server, ServerState::Unknown { .. }) {
            prop_assert!(blocked || plan.steps.iter().all(|step| step.subject != "eu/db2"));
        }
        if replica.manager.is_some() || facts.mariadb.is_some() {
            prop_assert!(blocked);
        }
        // Secrets are no texts.
        for kind in [StepKind::Account, StepKind::Backup, StepKind::Link, StepKind::Verify] {
            for arguments in arguments(&plan, kind) {
                for (name, value) in arguments {
                    match name {
                        "password" => prop_assert!(matches!(value, Argument::Secret(_))),
                        "proof" => prop_assert!(matches!(value, Argument::Proof(_))),
                        _ => {}
                    }
                }
            }
        }
    }
}

/// What the plan says of the copy where one that was made by the same plan waits, with these transactions for sure.
fn with_a_waiting_copy(purged: u64, held: u64) -> String {
    let upstream = primary(20, purged, true);
    let replica = testing::recorded("mysql", "fresh-stopped");
    let jobs = testing::finished_copy(&planned(&upstream, &replica, &[Hazard::Restart]));
    let replica = with_facts(replica, |facts| {
        facts.copy_verified = true;
        facts.waiting_source = upstream.identity.clone();
        facts.waiting_executed = Some(format!("{UPSTREAM}:1-{held}"));
    });
    let instances = [upstream, replica];
    let allow = [Hazard::Restart];
    let plan = testing::planned_after("mysql", "10.77.4", &instances, &allow, &jobs);
    testing::said_of_the_copy(&plan)
}

#[test]
fn a_finished_copy_is_taken_up() {
    assert!(with_a_waiting_copy(10, 12).contains("is there already"));
    assert!(with_a_waiting_copy(10, 10).contains("is there already"));
}

#[test]
fn a_copy_that_nothing_can_go_on_from_is_made_anew() {
    let said = with_a_waiting_copy(10, 9);
    assert!(said.starts_with("copy from"), "{said}");
}
