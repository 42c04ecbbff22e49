//! Rules that no plan for Redis may break, over random worlds made of what real hosts said.

use proptest::prelude::*;

use super::{Kind, RedisFacts};
use crate::diagnostics::codes;
use crate::engines::tests as testing;
use crate::observe::{Instance, Role, ServerState};
use crate::plan::{Argument, Arguments, Plan, Severity, StepKind, Work};
use crate::topology::Hazard;

const RECORDED: [&str; 13] = [
    "not-installed",
    "empty",
    "empty-stopped",
    "cut-between-renames",
    "foreign",
    "foreign-stopped",
    "replica",
    "replica-stopped",
    "link-down-password",
    "primary-replica-away",
    "hung",
    "password-unknown",
    "valkey-standalone",
];

/// What is changed in what a host said.
#[derive(Clone, Debug)]
struct Changes {
    /// Keys in db0; `None`: as recorded.
    keys: Option<u64>,
    /// Its history is the primary's, or that one's earlier.
    kin: Option<bool>,
    /// Where it is in it, beside the primary.
    ahead: i64,
    /// Role by its own word.
    role: Option<Role>,
    /// Whether it asks for a password.
    password: bool,
    /// Whether it saves.
    saves: bool,
}

fn changes() -> impl Strategy<Value = Changes> {
    (
        proptest::option::of(0..3_u64),
        proptest::option::of(any::<bool>()),
        -3_i64..3,
        proptest::option::of(prop_oneof![Just(Role::Primary), Just(Role::Replica)]),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(keys, kin, ahead, role, password, saves)| Changes {
            keys,
            kin,
            ahead,
            role,
            password,
            saves,
        })
}

fn set_facts(instance: &mut Instance, change: impl FnOnce(&mut RedisFacts)) {
    let mut facts = RedisFacts::clone(&RedisFacts::of(instance).unwrap());
    change(&mut facts);
    instance.details = super::summary::details(&facts).into();
}

fn changed(mut instance: Instance, changes: &Changes, primary: Option<&Instance>) -> Instance {
    let running = instance.server == ServerState::Running;
    if running && let Some(keys) = changes.keys {
        set_facts(&mut instance, |facts| {
            facts.info.retain(|name, _| !name.starts_with("db"));
            if keys > 0 {
                facts
                    .info
                    .insert("db0".to_owned(), format!("keys={keys},expires=0,avg_ttl=0"));
            }
        });
        if let Some(data) = &mut instance.data {
            data.empty = keys == 0;
        }
    }
    if running && let Some(role) = changes.role {
        instance.role = Some(role);
        if role == Role::Primary {
            instance.upstream = None;
        }
    }
    if let (Some(primary), Some(kin)) = (primary, changes.kin)
        && let (Some(own), Some(there)) = (&mut instance.position, &primary.position)
    {
        let facts = RedisFacts::of(primary).unwrap();
        own.history = match kin {
            true => there.history.clone(),
            false => facts.info("master_replid2").unwrap_or("0").to_owned(),
        };
        own.offset = there
            .offset
            .map(|offset| offset.saturating_add_signed(changes.ahead));
    }
    set_facts(&mut instance, |facts| {
        if changes.password {
            for user in facts.users.iter_mut().filter(|user| user.name == "default") {
                user.without_password = false;
            }
            facts
                .settings
                .insert("requirepass".to_owned(), "(set)".to_owned());
        }
        if !changes.saves {
            facts.settings.insert("save".to_owned(), String::new());
        }
    });
    instance
}

fn planned(primary: &Instance, replica: &Instance, allow: &[Hazard]) -> Plan {
    let instances = [primary.clone(), replica.clone()];
    testing::planned("redis", "10.77.1", &instances, allow)
}

fn arguments(plan: &Plan, kind: StepKind) -> Vec<&Arguments> {
    plan.steps
        .iter()
        .filter(|step| step.kind == kind)
        .flat_map(|step| &step.actions)
        .map(|action| match &action.work {
            Work::Script(call) => &call.arguments,
            Work::Job(job) => &job.call.arguments,
        })
        .collect()
}

fn text<'a>(arguments: &'a Arguments, name: &str) -> &'a str {
    match arguments.get(name) {
        Some(Argument::Text(text)) => text,
        other => panic!("{name}: {other:?}"),
    }
}

fn hazard(plan: &Plan, wanted: Hazard) -> bool {
    plan.findings.iter().any(
        |finding| matches!(&finding.severity, Severity::Hazard { hazard, .. } if *hazard == wanted),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_plan_breaks_a_rule(
        primary_name in prop_oneof![Just("foreign"), Just("primary-replica-away"), Just("valkey-standalone")],
        replica_name in proptest::sample::select(&RECORDED[..]),
        primary_changes in changes(),
        replica_changes in changes(),
        allow in proptest::sample::subsequence(Hazard::ALL.to_vec(), 0..=4),
    ) {
        let primary_changes = Changes { role: None, keys: primary_changes.keys.map(|keys| keys + 1), ..primary_changes };
        let primary = changed(testing::recorded("redis", primary_name), &primary_changes, None);
        let replica = changed(testing::recorded("redis", replica_name), &replica_changes, Some(&primary));
        let plan = planned(&primary, &replica, &allow);
        prop_assert_eq!(&plan, &planned(&primary, &replica, &allow));

        let facts = RedisFacts::of(&replica).unwrap();
        let empty = replica.data.as_ref().is_none_or(|data| data.empty);
        for restore in arguments(&plan, StepKind::Restore) {
            // Exactly one reason to move what is there aside, and a true one.
            let reasons = ["expect_empty", "replace", "copy_of_upstream"].map(|name| text(restore, name) == "yes");
            prop_assert_eq!(reasons.iter().filter(|one| **one).count(), 1);
            if reasons[0] {
                prop_assert!(empty, "{replica_name} isn't empty");
            }
            if reasons[1] {
                // What diverged is given up by lose_writes, anything else by replace_data.
                let named = [Hazard::ReplaceData, Hazard::LoseWrites].into_iter().find(|one| hazard(&plan, *one));
                prop_assert!(named.is_some());
                prop_assert!(!text(restore, "replaced_identity").is_empty());
                prop_assert!(named.is_some_and(|one| allow.contains(&one)) || plan.findings.iter().any(|finding| finding.blocks()));
            }
            if reasons[2] {
                prop_assert_eq!(replica.role, Some(Role::Replica));
                let history = &replica.position.as_ref().unwrap().history;
                prop_assert!(RedisFacts::of(&primary).unwrap().histories().iter().any(|(id, _)| id == history));
            }
        }
        // What isn't understood is left alone.
        if matches!(replica.server, ServerState::Unknown { .. } | ServerState::Starting) {
            prop_assert!(plan.steps.iter().all(|step| step.subject != "eu/db2"));
        }
        // A server that takes writes and holds something is never linked without a copy.
        if replica.role == Some(Role::Primary) && !empty && !plan.steps.is_empty() {
            prop_assert!(arguments(&plan, StepKind::Link).is_empty() || hazard(&plan, Hazard::ReplaceData));
        }
        for step in &plan.steps {
            prop_assert!(step.cost.no_writes_seconds.is_none());
            if step.cost.restarts.is_some() {
                prop_assert!(hazard(&plan, Hazard::Restart));
            }
        }
        // Opening a server without a password is said, on each end.
        let opens = |lines: &[String]| lines.iter().any(|line| line.starts_with("bind ") || line == "protected-mode no");
        for configure in arguments(&plan, StepKind::Configure) {
            if let Some(Argument::Lines(lines)) = configure.get("settings")
                && RedisFacts::of(&primary).unwrap().is_open() && opens(lines)
            {
                prop_assert!(hazard(&plan, Hazard::Expose));
            }
        }
        for link in arguments(&plan, StepKind::Link) {
            if let Some(Argument::Lines(lines)) = link.get("settings") {
                prop_assert!(lines.iter().any(|line| line == "replica-read-only yes"));
                if lines.iter().any(|line| line == "protected-mode no") {
                    prop_assert!(hazard(&plan, Hazard::Expose));
                }
            }
        }
        // Secrets are no texts.
        for account in arguments(&plan, StepKind::Account) {
            for (name, value) in account {
                match name {
                    "password" => prop_assert!(matches!(value, Argument::Secret(_))),
                    "hash" => prop_assert!(matches!(value, Argument::Proof(_))),
                    _ => {}
                }
            }
        }
        if !primary_changes.saves && !plan.steps.is_empty() && plan.steps.iter().any(|step| step.kind == StepKind::Account) {
            prop_assert!(plan.findings.iter().any(|finding| finding.code == codes::NO_PERSISTENCE));
        }
        // A dump that the replica can't read is never copied.
        let older = facts.kind == Some(Kind::Redis) && replica.version.as_deref().is_some_and(|version| version.starts_with("7."));
        if older && primary_name != "primary-replica-away" && !arguments(&plan, StepKind::Backup).is_empty() {
            prop_assert!(plan.findings.iter().any(|finding| finding.blocks()));
        }
    }
}

/// What the plan says of the copy where one that was made by the same plan waits, which stands `behind` before the upstream's
/// end (negative: after it) of a history that the upstream may have left.
fn with_a_waiting_copy(history: &str, behind: i64) -> String {
    let mut upstream = testing::recorded("redis", "primary");
    set_facts(&mut upstream, |facts| {
        for (name, value) in [
            ("master_replid", "a".repeat(40)),
            ("master_repl_offset", "5000".to_owned()),
            ("master_replid2", "b".repeat(40)),
            ("second_repl_offset", "4000".to_owned()),
            ("repl_backlog_active", "1".to_owned()),
            ("repl_backlog_first_byte_offset", "3001".to_owned()),
        ] {
            facts.info.insert(name.to_owned(), value);
        }
    });
    let mut replica = testing::recorded("redis", "empty");
    let allow = [Hazard::Expose];
    let jobs = testing::finished_copy(&planned(&upstream, &replica, &allow));
    set_facts(&mut replica, |facts| {
        facts.copy_verified = true;
        facts.waiting_id = Some(history.repeat(40));
        facts.waiting_offset = Some(5000_u64.saturating_add_signed(-behind));
    });
    let instances = [upstream, replica];
    let plan = testing::planned_after("redis", "10.77.1", &instances, &allow, &jobs);
    testing::said_of_the_copy(&plan)
}

#[test]
fn a_finished_copy_is_taken_up() {
    for (history, behind) in [("a", 0), ("a", 2000), ("b", 1001), ("b", 2000)] {
        let said = with_a_waiting_copy(history, behind);
        assert!(
            said.contains("is there already"),
            "{history} {behind}: {said}"
        );
    }
}

#[test]
fn a_copy_that_nothing_can_go_on_from_is_made_anew() {
    for (history, behind) in [("a", -1), ("a", 2001), ("b", 1000), ("b", 2001), ("c", 10)] {
        let said = with_a_waiting_copy(history, behind);
        assert!(said.starts_with("copy from"), "{history} {behind}: {said}");
    }
}
