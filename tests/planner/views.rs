//! Every view of every plan: whatever world it was made of, each format says the verdict and all that stands in the way, at
//! any size, in the same bytes again, and as the schemas say.

use std::sync::OnceLock;

use jsonschema::Validator;
use proptest::prelude::*;
use replform::observe::status::Status;
use replform::observe::{MachineObservation, Observation};
use replform::plan::drift::{Drift, DriftKind};
use replform::plan::{Finding, Options, Plan, plan};
use replform::render::graph::{self, Notation};
use replform::render::markdown::{Comment, LEAST_SIZE, escape, plan_markdown};
use replform::render::plan_text::{Words, plan_text, verdict};
use replform::render::{drift, layout, status};
use replform::topology::{Hazard, Place, Replica, Topology, Upstream};
use replform::ui::plan_events;
use serde::Serialize;
use serde_json::Value;

use super::execute::{Budget, execute};
use super::observe::observe;
use super::random::{Tape, complete, deed, member, replication, topology, world};

/// The limits that code hosts have, the least one, and one without an effect.
const SIZES: [usize; 7] = [LEAST_SIZE, 1500, 4000, 32_768, 65_536, 150_000, 1_000_000];

/// What a broken or hostile host may say.
const HOSTILE: &str =
    "refused |\n<!-- --> <img src=x> @team `x` [y](z)\r\n- **no** \"]; \u{1b}[31m end --> \\";

fn schema(name: &'static str) -> &'static Validator {
    static ALL: OnceLock<std::collections::BTreeMap<&'static str, Validator>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        ["plan", "drift", "events", "status", "observation"]
            .into_iter()
            .map(|name| {
                let path = format!("{}/schemas/{name}.json", env!("CARGO_MANIFEST_DIR"));
                let text = std::fs::read_to_string(path).unwrap();
                let schema: Value = serde_json::from_str(&text).unwrap();
                (name, jsonschema::validator_for(&schema).unwrap())
            })
            .collect()
    });
    &all[name]
}

fn fits(name: &'static str, value: &impl Serialize) {
    let value = serde_json::to_value(value).unwrap();
    let errors: Vec<String> = schema(name)
        .iter_errors(&value)
        .take(3)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "schemas/{name}.json: {errors:?}");
}

/// The text without its line breaks and indents: words are found wherever a line was broken.
fn flowing(text: &str) -> String {
    let text = layout::one_line(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn holds(text: &str, wanted: &str) -> bool {
    text.contains(&flowing(wanted))
}

/// What must be read whatever else is: all but warnings.
fn hazards(plan: &Plan) -> impl Iterator<Item = &Finding> {
    let quiet = |finding: &&Finding| finding.severity != replform::plan::Severity::Warning;
    plan.findings.iter().filter(quiet)
}

fn check_text(plan: &Plan) {
    let text = plan_text(plan, Words::default());
    assert_eq!(text, plan_text(plan, Words::default()));
    // One width for all terminals: a line is only longer where one word is.
    for line in text
        .lines()
        .filter(|line| line.chars().count() > layout::WIDTH)
    {
        let words = line
            .split_whitespace()
            .filter(|word| word.len() > 30)
            .count();
        assert!(
            words > 0,
            "a line of {} columns: {line}",
            line.chars().count()
        );
    }
    let flow = flowing(&text);
    let says = if plan.is_empty() && hazards(plan).next().is_none() {
        "No changes.".to_owned()
    } else {
        verdict(plan)
    };
    assert!(holds(&flow, &says), "{says} isn't in\n{text}");
    for finding in &plan.findings {
        assert!(
            holds(&flow, &finding.what),
            "{} isn't in\n{text}",
            finding.what
        );
        assert!(holds(&flow, &format!("[{}]", finding.code)));
        let choices = finding.choices.iter().filter(|_| finding.blocks());
        for choice in choices {
            assert!(holds(&flow, &choice.how), "{} isn't in\n{text}", choice.how);
        }
    }
    for step in &plan.steps {
        assert!(holds(&flow, &step.what), "{} isn't in\n{text}", step.what);
    }
}

fn check_markdown(plan: &Plan) {
    let comment = |max_size| {
        let comment = Comment {
            max_size,
            observed_at: Some("2026-11-24T08:00:00Z"),
            options: "",
        };
        let text = plan_markdown(plan, comment);
        assert_eq!(
            text,
            plan_markdown(plan, comment),
            "another comment of the same plan"
        );
        text
    };
    let whole = comment(None);
    let shown: Vec<String> = hazards(plan).map(|finding| escape(&finding.what)).collect();
    for what in &shown {
        assert!(whole.contains(what), "{what} isn't in\n{whole}");
    }
    let head = whole.lines().nth(1).unwrap();
    assert!(head.starts_with("### acme: "), "{head}");
    assert!(
        head.ends_with(&escape(&verdict(plan))) || head == "### acme: no changes",
        "{head}"
    );
    // What is said may be shortened where there is little room, not left out.
    let begins = hazards(plan).map(|finding| finding.what.chars().take(80).collect::<String>());
    let begins: Vec<String> = begins.map(|what| escape(what.trim_end())).collect();
    for limit in SIZES {
        let cut = comment(Some(limit));
        assert!(
            cut.chars().count() <= limit,
            "{} > {limit}",
            cut.chars().count()
        );
        assert_eq!(cut.lines().nth(1), Some(head));
        let kept = begins.iter().filter(|what| cut.contains(*what)).count();
        let more = "more: `replform plan` names them all";
        assert!(
            kept == begins.len() || cut.contains(more),
            "at {limit}:\n{cut}"
        );
        assert!(cut == whole || cut.contains("Cut to fit this host's limit: "));
        if !plan.is_empty() {
            for row in ["restarts", "no writes", "lost", "copied", "for good"] {
                assert!(
                    cut.contains(&format!("| **{row}** | ")),
                    "{row} at {limit}:\n{cut}"
                );
            }
        }
        // Whoever pastes it: nothing of a host begins a line, a comment or a tag of its own.
        assert_eq!(cut.matches("<!--").count(), 1, "{cut}");
        assert!(!cut.contains("<img"), "{cut}");
        assert_eq!(
            cut.matches("<details>").count(),
            cut.matches("</details>").count()
        );
        assert_eq!(cut.matches("```").count() % 2, 0, "{cut}");
    }
}

fn check_graphs(topology: &Topology, plan: &Plan) {
    for notation in [Notation::Dot, Notation::Mermaid] {
        for text in [
            graph::steps(plan, notation),
            graph::topology(topology, notation),
        ] {
            let quotes = text.replace("\\\\", "").replace("\\\"", "");
            for line in quotes.lines() {
                assert_eq!(line.matches('"').count() % 2, 0, "{line}");
            }
        }
        let steps = graph::steps(plan, notation);
        let arrow = if notation == Notation::Dot {
            " -> "
        } else {
            " --> "
        };
        let arrows: usize = plan.steps.iter().map(|step| step.needs.len()).sum();
        let is_arrow = |line: &&str| line.contains(arrow) && !line.contains('[');
        assert_eq!(steps.lines().filter(is_arrow).count(), arrows, "{steps}");
    }
}

fn check_drift(topology: &Topology, observation: &Observation, plan: &Plan) {
    let report = Drift::new(topology, observation, plan, &[]);
    assert_eq!(report, Drift::new(topology, observation, plan, &[]));
    fits("drift", &report);
    let seen = Status::new(topology, observation);
    fits("status", &seen);
    assert!(!status::status_text(&seen, std::time::Duration::ZERO).is_empty());
    // What a plan would do or can't do is drift, and the other way round.
    let stands = report
        .items
        .iter()
        .filter(|item| item.kind != DriftKind::Unhealthy);
    assert_eq!(
        plan.is_empty() && hazards(plan).all(|finding| !finding.blocks()),
        stands
            .filter(|item| item.kind != DriftKind::Unreachable)
            .all(|item| item.apply.is_empty() && !item.blocked),
        "{report:?}"
    );
    let line = drift::text(&report);
    assert_eq!(line.lines().count(), 1, "{line:?}");
    let nagios = drift::nagios(&report);
    assert_eq!(
        (nagios.lines().count(), nagios.matches('|').count()),
        (1, 1),
        "{nagios:?}"
    );
    let table = drift::markdown(&report);
    let rows = table
        .lines()
        .filter(|row| row.starts_with("| ") && !row.starts_with("| kind "));
    assert_eq!(rows.count(), report.items.len(), "{table}");
    let metrics = drift::prometheus(&report, &seen, 1e9);
    for kind in DriftKind::ALL {
        let count = report.count(kind);
        let word = kind.word();
        assert!(
            line.contains(&format!("{count} {word}")) || count == 0,
            "{line}"
        );
        assert!(nagios.contains(&format!("{word}={count}")), "{nagios}");
        let metric = format!("replform_drift_items{{topology=\"acme\",kind=\"{word}\"}} {count}\n");
        assert!(metrics.contains(&metric), "{metrics}");
    }
    for item in &report.items {
        assert!(table.contains(&escape(&item.subject)), "{table}");
        for what in &item.what {
            assert!(table.contains(&escape(what)), "{what} isn't in\n{table}");
        }
    }
    for row in metrics.lines().filter(|row| !row.starts_with('#')) {
        let (name, value) = row.rsplit_once(' ').unwrap();
        assert!(
            value.parse::<f64>().is_ok() && name.ends_with("\"}"),
            "{row}"
        );
    }
}

fn check(topology: &Topology, observation: &Observation) {
    let plan = plan(topology, observation, &Options::default()).unwrap();
    fits("observation", observation);
    fits("plan", &plan);
    for event in plan_events(&plan, "2026-11-24T08:00:00Z") {
        fits("events", &event);
    }
    check_text(&plan);
    check_markdown(&plan);
    check_graphs(topology, &plan);
    check_drift(topology, observation, &plan);
}

/// Plans of a world as it was found, as applies cut off anywhere leave it, and as other people change it.
fn views(tape: &[u8]) {
    let mut tape = Tape::new(tape);
    let topology = topology(&mut tape);
    let mut world = world(&mut tape, &topology);
    for round in 0..4 {
        let mut observation = observe(&world, &topology);
        for machine in observation.machines.values_mut() {
            if let MachineObservation::Unreachable { message, .. } = machine {
                *message = HOSTILE.to_owned();
            }
        }
        check(&topology, &observation);
        let plan = plan(&topology, &observe(&world, &topology), &Options::default()).unwrap();
        let mut budget = Budget((tape.pick(3) == 0).then(|| tape.pick(50) as u32));
        if !plan.is_blocked() {
            let actions = plan.steps.iter().flat_map(|step| &step.actions);
            for action in actions {
                if execute(&mut world, action, round, &mut budget).is_err() {
                    break;
                }
                world.settle();
            }
        }
        for _ in 0..tape.pick(3) {
            deed(&mut tape, &mut world, &topology);
        }
        world.settle();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: std::env::var("REPLFORM_CASES").map_or(40, |n| n.parse().unwrap()), max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_reads_whole_in_every_format(tape in proptest::collection::vec(any::<u8>(), 20..300)) {
        views(&tape);
    }
}

/// Bare hosts: `sets` replications with so many replicas each, every primary to be restarted, two apps to be told.
fn bare(sets: usize, replicas: usize) -> Plan {
    let allow = [(Hazard::Restart, place("main.rf.hcl"))].into();
    let sets = (0..sets).map(|set| {
        let replicas = (0..replicas).map(|at| {
            let host = format!("10.{set}.1.{at}");
            Replica {
                name: format!("r{at}"),
                member: member(&host, &format!("db{set}-{at}"), 5432, 30),
                upstream: Upstream::Primary,
                max_rate: None,
                max_lag: None,
                account: None,
                place: place("main.rf.hcl"),
            }
        });
        replication(set, replicas.collect(), &allow, 2)
    });
    let topology = complete(sets.collect());
    let world = world(&mut Tape::new(&[]), &topology);
    plan(&topology, &observe(&world, &topology), &Options::default()).unwrap()
}

fn place(file: &str) -> Place {
    Place {
        file: file.to_owned(),
        line: 30,
        column: 1,
    }
}

#[test]
fn a_comment_for_three_hundred_servers_answers_the_five_questions() {
    let plan = bare(10, 29);
    let members: usize = plan.replications.iter().map(|one| one.picture.len()).sum();
    assert_eq!((members, plan.outlook.restarts.len()), (300, 10));
    check_markdown(&plan);
    for limit in [1_000_000, 150_000, 65_536, 32_768] {
        let comment = Comment {
            max_size: Some(limit),
            ..Comment::default()
        };
        let text = plan_markdown(&plan, comment);
        assert!(text.chars().count() <= limit);
        assert!(
            text.contains("### acme: 290 replicas to seed, 20 apps to update"),
            "{text}"
        );
        for answer in [
            "| **restarts** | postgresql on eu/main0, once (",
            "| **no writes** | x0: about ",
            "| **lost** | nothing |",
            "| **copied** | 217 MB from eu/main0 to eu/db0-0, ",
            "<br>and 270 more, 62.9 GB in all |",
            "| **for good** | nothing: every step can be undone |",
        ] {
            assert!(text.contains(answer), "{answer} at {limit}:\n{text}");
        }
        assert!(text.contains("-expect-plan="));
        assert!(!text.contains("```mermaid"));
        assert!(
            limit < 65_536 || text.contains("290 of 300 members change"),
            "{limit}"
        );
    }
}

#[test]
fn up_to_thirty_members_are_drawn_and_more_are_a_table() {
    let picture = |plan: &Plan| {
        let text = plan_markdown(plan, Comment::default());
        (
            text.contains("```mermaid"),
            text.contains("members change</summary>"),
        )
    };
    assert_eq!(picture(&bare(1, 29)), (true, false));
    assert_eq!(picture(&bare(1, 30)), (false, true));
    assert_eq!(picture(&bare(2, 15)), (false, true));
}
