//! A plan as a person reads it: the verdict, five answers in always the same rows, the picture, the steps, the ways on.

use std::collections::BTreeSet;
use std::time::Duration;

use super::changed_lines;
use super::layout::{WIDTH, hang, pad, push_hanging};
use crate::plan::{
    EnvDiff, Finding, Plan, PlannedReplication, Severity, Step, StepKind, WritesOutlook, short,
};
use crate::topology::{MemberId, Place, format_duration};

/// What the text says beside the plan itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Words<'a> {
    /// How old the observation is, where that is known.
    pub age: Option<Duration>,
    /// The command that applies this plan; `None` for a plan that is being applied.
    pub apply: Option<&'a str>,
}

/// The whole text.
pub fn plan_text(plan: &Plan, words: Words<'_>) -> String {
    let mut out = String::new();
    if plan.is_empty()
        && plan
            .findings
            .iter()
            .all(|finding| matches!(finding.severity, Severity::Warning))
    {
        out.push_str("No changes.\n");
        out.push_str(&hang(
            "",
            &format!(
                "{} replicates as the configuration says{}.",
                plan.topology,
                age(words)
            ),
        ));
        out.push_str(&findings(plan));
        return out;
    }
    out.push_str(&hang(
        "",
        &format!(
            "{}: {} (plan {}{})",
            plan.topology,
            verdict(plan),
            short(&plan.hash),
            age(words)
        ),
    ));
    let counts = plan.counts;
    out.push_str(&format!(
        "Plan: {} to add, {} to change, {} to destroy.\n\n",
        counts.add, counts.change, counts.destroy
    ));
    push_answers(&mut out, plan);
    for replication in &plan.replications {
        push_picture(&mut out, replication);
    }
    push_steps(&mut out, plan);
    out.push_str(&findings(plan));
    out.push_str(&ways_on(plan));
    if let (Some(command), false, false) = (words.apply, plan.is_blocked(), plan.is_empty()) {
        out.push_str(&format!("\nApply this plan:  {command}\n"));
    }
    out
}

fn age(words: Words<'_>) -> String {
    words.age.map_or_else(String::new, |age| {
        format!(", observed {} ago", format_duration(age))
    })
}

/// What the plan does, in half a line.
pub fn verdict(plan: &Plan) -> String {
    let blocks = plan
        .findings
        .iter()
        .filter(|finding| finding.blocks())
        .count();
    if blocks > 0 {
        let what = plural(blocks, "thing stands", "things stand");
        return format!("BLOCKED, {what} in the way; nothing will be applied");
    }
    let count = |kinds: &[StepKind]| {
        plan.steps
            .iter()
            .filter(|step| kinds.contains(&step.kind))
            .count()
    };
    // Where a system copies by itself, its link is the copy.
    let copies = |step: &&Step| match step.kind {
        StepKind::Backup => true,
        StepKind::Link => step.cost.bytes.is_some(),
        _ => false,
    };
    let seeds = plan.steps.iter().filter(copies).count();
    let links = count(&[StepKind::Link]) - seeds.min(count(&[StepKind::Link]));
    let mut parts = Vec::new();
    if seeds > 0 {
        parts.push(plural(seeds, "replica to seed", "replicas to seed"));
    }
    if links > 0 {
        parts.push(plural(
            links,
            "replica to link again",
            "replicas to link again",
        ));
    }
    let adopted = count(&[StepKind::Adopt]);
    if adopted > 0 {
        parts.push(plural(adopted, "marker to write", "markers to write"));
    }
    let apps = count(&[StepKind::Env]);
    if apps > 0 {
        parts.push(plural(apps, "app to update", "apps to update"));
    }
    let unknown = plan
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Unknown)
        .count();
    if unknown > 0 {
        parts.push(plural(unknown, "thing unknown", "things unknown"));
    }
    if parts.is_empty() {
        "settings to change".to_owned()
    } else {
        parts.join(", ")
    }
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn push_answers(out: &mut String, plan: &Plan) {
    let outlook = &plan.outlook;
    let restarts = outlook.restarts.iter();
    push_answer(
        out,
        "restarts",
        restarts.map(|restart| format!("{}{}", restart.what, allowed_at(&restart.allowed))),
        "nothing",
    );
    push_answer(
        out,
        "no writes",
        outlook.no_writes.iter().map(restart_gap),
        "never: writes go on all along",
    );
    push_answer(out, "lost", &outlook.lost, "nothing");
    push_answer(out, "copied", &outlook.copied, "nothing");
    push_answer(
        out,
        "for good",
        &outlook.for_good,
        "nothing: every step can be undone",
    );
}

/// One of the five answers: a line for each text, or `none` where there is no text.
fn push_answer(
    out: &mut String,
    name: &str,
    texts: impl IntoIterator<Item = impl AsRef<str>>,
    none: &str,
) {
    let mut label = name;
    let mut row = |text: &str| {
        push_hanging(out, &format!("  {} ", pad(label, 10)), text, WIDTH);
        label = "";
    };
    let mut texts = texts.into_iter().peekable();
    if texts.peek().is_none() {
        row(none);
    }
    texts.for_each(|text| row(text.as_ref()));
}

/// Where a restart is allowed, as the end of its sentence.
pub fn allowed_at(place: &Option<Place>) -> String {
    match place {
        Some(place) if place.line == 0 => "; allowed by -allow".to_owned(),
        Some(place) => format!("; allowed, {place}"),
        None => "; NOT ALLOWED".to_owned(),
    }
}

/// How long a replication takes no writes, and when.
pub fn restart_gap(gap: &WritesOutlook) -> String {
    format!(
        "{}: about {:.1} s, at step {}",
        gap.replication, gap.seconds, gap.step
    )
}

fn push_picture(out: &mut String, replication: &PlannedReplication) {
    out.push_str(&format!(
        "\n{} ({})\n",
        replication.name, replication.engine
    ));
    let subjects = replication
        .picture
        .iter()
        .map(|row| row.subject.len())
        .max()
        .unwrap_or(0);
    let befores = replication
        .picture
        .iter()
        .map(|row| row.before.chars().count())
        .max()
        .unwrap_or(0);
    for row in &replication.picture {
        let branch = match row.member {
            MemberId::Primary => "",
            MemberId::Replica(_) => "└─ ",
        };
        let mut first = format!("  {}  ", pad(&row.subject, subjects));
        if row.before != row.after {
            first.push_str(&format!("{}  ──▶  ", pad(&row.before, befores)));
        }
        push_hanging(out, &first, &format!("{branch}{}", row.after), WIDTH);
    }
}

fn push_steps(out: &mut String, plan: &Plan) {
    if plan.steps.is_empty() {
        return;
    }
    let restored = plan
        .steps
        .iter()
        .filter(|step| step.kind == StepKind::Restore);
    let copied: Copied<'_> = restored
        .map(|step| (step.replication.as_str(), &step.member))
        .collect();
    out.push('\n');
    let number = plan.steps.len().to_string().len().max(2);
    let subject = plan
        .steps
        .iter()
        .map(|step| step.subject.len())
        .max()
        .unwrap_or(0);
    let gap = " ".repeat(number + 4);
    for (index, step) in plan.steps.iter().enumerate() {
        let first = format!(
            "  {:>number$}  {} {}  ",
            index + 1,
            pad(step.kind.word(), 9),
            pad(&step.subject, subject)
        );
        push_hanging(out, &first, &format!("{}{}", step.what, costs(step)), WIDTH);
        if says_why(&copied, step) {
            push_hanging(
                out,
                &format!("{gap}because "),
                &format!("{}: {}", step.because.place, step.because.fact),
                WIDTH,
            );
        }
        for change in &step.env {
            out.push_str(&env_change(change, &gap));
        }
    }
}

/// The members that get a copy in this plan.
type Copied<'a> = BTreeSet<(&'a str, &'a Option<MemberId>)>;

/// The steps after a copy follow from it: their reason would only repeat it.
fn says_why(copied: &Copied<'_>, step: &Step) -> bool {
    match step.kind {
        StepKind::Restore | StepKind::Verify => false,
        StepKind::Link => !copied.contains(&(step.replication.as_str(), &step.member)),
        _ => true,
    }
}

/// What a step costs, as the end of its line.
pub fn costs(step: &Step) -> String {
    let mut parts = Vec::new();
    if let Some(why) = &step.cost.restarts {
        parts.push(format!("RESTARTS the server ({why})"));
    }
    if let Some(seconds) = step.cost.no_writes_seconds {
        parts.push(format!("about {seconds:.1} s without writes"));
    }
    if let Some(bytes) = step.cost.bytes {
        parts.push(bytes.to_string());
    }
    if parts.is_empty() {
        String::new()
    } else {
        format!("; {}", parts.join(", "))
    }
}

fn env_change(change: &EnvDiff, gap: &str) -> String {
    let mut out = hang(
        gap,
        &format!("{} on {}", change.path, change.hosts.join(", ")),
    );
    for line in changed_lines(&change.before, &change.after) {
        out.push_str(&format!("{gap}{line}\n"));
    }
    if let Some(command) = &change.on_change {
        out.push_str(&hang(&format!("{gap}then: "), command));
    }
    out
}

fn findings(plan: &Plan) -> String {
    if plan.findings.is_empty() {
        return String::new();
    }
    let mut out = String::from("\n");
    for finding in &plan.findings {
        let label = match &finding.severity {
            Severity::Blocked => "blocked",
            Severity::Hazard { allowed: None, .. } => "not allowed",
            Severity::Hazard {
                allowed: Some(_), ..
            } => "allowed",
            Severity::Unknown => "unknown",
            Severity::Warning => "warning",
        };
        out.push_str(&hang(
            &format!("  {} ", pad(label, 11)),
            &format!(
                "{} {} ({}) [{}]",
                finding.subject, finding.what, finding.place, finding.code
            ),
        ));
    }
    out
}

fn ways_on(plan: &Plan) -> String {
    let stops = |finding: &&Finding| finding.blocks() || finding.severity == Severity::Unknown;
    let mut out = String::new();
    for finding in plan
        .findings
        .iter()
        .filter(stops)
        .filter(|finding| !finding.choices.is_empty())
    {
        let one = if finding.choices.len() > 1 {
            "choose one"
        } else {
            "do this"
        };
        out.push_str(&hang(
            "\n",
            &format!(
                "To go on with {} ({}), {one}:",
                finding.subject, finding.code
            ),
        ));
        let width = finding
            .choices
            .iter()
            .map(|choice| choice.title.chars().count())
            .max()
            .unwrap_or(0);
        for choice in &finding.choices {
            out.push_str(&hang(
                &format!("  {}  ", pad(&choice.title, width)),
                &choice.how,
            ));
        }
    }
    out
}
