//! Rules that no plan for MariaDB may break, over random worlds made of what real hosts said.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::MariaFacts;
use crate::engines::tests as testing;
use crate::observe::{Instance, Role, ServerState};
use crate::plan::{Argument, Arguments, Plan, Severity, StepKind, Work};
use crate::topology::Hazard;

const PRIMARIES: [&str; 4] = ["standalone", "primary", "primary-purged", "11.8-primary"];
const RECORDED: [&str; 20] = [
    "bare",
    "fresh",
    "fresh-stopped",
    "account-stopped",
    "foreign",
    "foreign-stopped",
    "galera",
    "maxscale",
    "hung",
    "replica",
    "replica-cut",
    "replica-stopped",
    "replica-down",
    "binlog-gone",
    "diverged",
    "errant",
    "restored",
    "11.8-bare",
    "11.8-standalone",
    "11.8-replica",
];

/// What is changed in what a host said.
#[derive(Clone, Debug)]
struct Changes {
    /// The id that it has.
    server_id: Option<u32>,
    /// What it has applied.
    applied: Option<u64>,
    /// Whether it is read-only.
    read_only: Option<bool>,
    /// Whether its tools for copies are there.
    tools: bool,
}

fn changes() -> impl Strategy<Value = Changes> {
    (
        proptest::option::of(0..4_u32),
        proptest::option::of(0..30_u64),
        proptest::option::of(any::<bool>()),
        any::<bool>(),
    )
        .prop_map(|(server_id, applied, read_only, tools)| Changes {
            server_id,
            applied,
            read_only,
            tools,
        })
}

fn changed(mut instance: Instance, changes: &Changes) -> Instance {
    let mut facts = MariaFacts::clone(&MariaFacts::of(&instance).unwrap());
    let mut set = |name: &str, value: Option<String>| {
        if let (true, Some(value)) = (facts.variables.contains_key(name), value) {
            facts.variables.insert(name.to_owned(), value);
        }
    };
    set("server_id", changes.server_id.map(|id| id.to_string()));
    let on = |on: bool| if on { "ON" } else { "OFF" }.to_owned();
    set("read_only", changes.read_only.map(on));
    if instance.role == Some(Role::Replica) {
        set(
            "gtid_slave_pos",
            changes.applied.map(|sequence| format!("0-1-{sequence}")),
        );
    }
    if !changes.tools {
        facts.packages.remove("mariadb-backup");
    }
    instance.details = super::summary::details(&facts).into();
    instance
}

/// Subject and arguments of every action of a kind.
fn arguments(plan: &Plan, kind: StepKind) -> Vec<(&str, &Arguments)> {
    plan.steps
        .iter()
        .filter(|step| step.kind == kind)
        .flat_map(|step| step.actions.iter().map(|action| (&step.subject, action)))
        .map(|(subject, action)| match &action.work {
            Work::Script(call) => (subject.as_str(), &call.arguments),
            Work::Job(job) => (subject.as_str(), &job.call.arguments),
        })
        .collect()
}

fn text<'a>(arguments: &'a Arguments, name: &str) -> &'a str {
    match arguments.get(name) {
        Some(Argument::Text(text)) => text,
        other => panic!("{name}: {other:?}"),
    }
}

fn lines<'a>(arguments: &'a Arguments, name: &str) -> &'a [String] {
    match arguments.get(name) {
        Some(Argument::Lines(lines)) => lines,
        other => panic!("{name}: {other:?}"),
    }
}

fn blocks(plan: &Plan) -> bool {
    plan.findings.iter().any(crate::plan::Finding::blocks)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_plan_breaks_a_rule(
        primary in proptest::sample::select(&PRIMARIES[..]),
        names in proptest::collection::vec(proptest::sample::select(&RECORDED[..]), 2),
        all in proptest::collection::vec(changes(), 3),
        allow in proptest::sample::subsequence(Hazard::ALL.to_vec(), 0..=4),
    ) {
        let instances = [
            changed(testing::recorded("mariadb", primary), &all[0]),
            changed(testing::recorded("mariadb", names[0]), &all[1]),
            changed(testing::recorded("mariadb", names[1]), &all[2]),
        ];
        let plan = testing::planned("mariadb", "10.77.20", &instances, &allow);
        prop_assert_eq!(&plan, &testing::planned("mariadb", "10.77.20", &instances, &allow));
        let of = |subject: &str| match subject {
            "eu/db2" => &instances[1],
            _ => &instances[2],
        };
        let hazard = |subject: &str, wanted: Hazard| {
            plan.findings.iter().any(|finding| {
                finding.subject == subject
                    && matches!(&finding.severity, Severity::Hazard { hazard, .. } if *hazard == wanted)
            })
        };
        for (subject, restore) in arguments(&plan, StepKind::Restore) {
            // Exactly one reason to move what is there aside, and a true one.
            let reasons = ["expect_empty", "replace", "copy_of_upstream"].map(|name| text(restore, name) == "yes");
            prop_assert_eq!(reasons.iter().filter(|one| **one).count(), 1);
            if reasons[0] {
                prop_assert!(of(subject).data.as_ref().is_none_or(|data| data.empty), "{} isn't empty", subject);
            }
            if reasons[1] {
                // What diverged is given up by lose_writes; anything else by replace_data, as it was seen only.
                let foreign = hazard(subject, Hazard::ReplaceData);
                let needed = if foreign { Hazard::ReplaceData } else { Hazard::LoseWrites };
                prop_assert!(hazard(subject, needed));
                prop_assert!(allow.contains(&needed) || blocks(&plan));
                prop_assert!(!foreign || !text(restore, "replaced_identity").is_empty());
            }
            if reasons[2] {
                prop_assert_eq!(of(subject).role, Some(Role::Replica));
            }
            // A boot at any moment makes no second primary.
            prop_assert!(lines(restore, "settings").contains(&"read_only = ON".to_owned()));
        }
        let mut ids = BTreeSet::new();
        let primary_id = MariaFacts::of(&instances[0]).unwrap().server_id();
        for (_, link) in arguments(&plan, StepKind::Link) {
            let settings = lines(link, "settings");
            prop_assert!(settings.contains(&"read_only = ON".to_owned()));
            let id = settings.iter().find_map(|line| line.strip_prefix("server_id = ")).unwrap().to_owned();
            prop_assert!(id != "0" && primary_id.map(|id| id.to_string()) != Some(id.clone()));
            prop_assert!(ids.insert(id), "two replicas with one id");
        }
        for step in &plan.steps {
            // What isn't understood, or is somebody else's, is left alone.
            let instance = match step.subject.as_str() {
                "eu/db1" => continue,
                subject => of(subject),
            };
            let unclear = matches!(instance.server, ServerState::Unknown { .. } | ServerState::Starting);
            prop_assert!(!unclear && instance.manager.is_none());
        }
        for step in plan.steps.iter().filter(|step| step.cost.restarts.is_some()) {
            prop_assert!(hazard(&step.subject, Hazard::Restart));
            prop_assert!(allow.contains(&Hazard::Restart) || blocks(&plan));
        }
        // A copy of one release never goes to another.
        for (subject, _) in arguments(&plan, StepKind::Backup) {
            let release = |instance: &Instance| super::settings::release_of(instance.version.as_deref());
            let own = release(of(subject));
            prop_assert!(subject == "eu/db1" || own.is_empty() || own == release(&instances[0]) || blocks(&plan));
        }
        // Secrets are no texts, and a copy's two ends never share a key.
        let mut ends = BTreeSet::new();
        for kind in [StepKind::Account, StepKind::Backup] {
            for (_, call) in arguments(&plan, kind) {
                for (name, value) in call {
                    match name {
                        "password" => prop_assert!(matches!(value, Argument::Secret(_))),
                        "verifier" => prop_assert!(matches!(value, Argument::Proof(_))),
                        "certificate" => match value {
                            Argument::Certificate(one) => prop_assert!(ends.insert(one.clone())),
                            other => prop_assert!(false, "{:?}", other),
                        },
                        _ => {}
                    }
                }
            }
        }
    }
}
