//! How an apply ended: what was promised beside what was measured, or what failed, what is safe, what to type.

use std::collections::BTreeSet;
use std::time::Duration;

use super::layout::{hang, pad};
use crate::apply::{Failure, Outcome, StepState};
use crate::plan::{Plan, Step};
use crate::topology::{Bytes, format_duration};

/// The end of an apply. `next`: the command that goes on from here.
pub fn applied_text(plan: &Plan, outcome: &Outcome, next: &str) -> String {
    if outcome.complete() {
        promises(plan, outcome)
    } else {
        stopped(plan, outcome, next)
    }
}

fn promises(plan: &Plan, outcome: &Outcome) -> String {
    let seconds = |seconds: f64| format_duration(Duration::from_secs_f64(seconds.max(0.0)));
    let measured = |name: &str| outcome.measured.get(name).copied();
    let mut rows = Vec::new();
    for gap in &plan.outlook.no_writes {
        rows.push((
            format!("no writes  {}", gap.replication),
            format!("about {:.1} s", gap.seconds),
            no_writes(plan, outcome, &gap.replication)
                .map_or_else(|| "not measured".to_owned(), |s| format!("{s:.2} s")),
        ));
    }
    if plan.outlook.copied_bytes.0 > 0 {
        rows.push((
            "copied".to_owned(),
            plan.outlook.copied_bytes.to_string(),
            measured("bytes").map_or_else(
                || "not measured".to_owned(),
                |bytes| Bytes(bytes as u64).to_string(),
            ),
        ));
    }
    rows.push((
        "time".to_owned(),
        format!("about {}", seconds(plan.outlook.seconds)),
        seconds(outcome.elapsed.as_secs_f64()),
    ));
    let head = format!(
        "Applied {} step{} in {}.",
        plan.steps.len(),
        if plan.steps.len() == 1 { "" } else { "s" },
        seconds(outcome.elapsed.as_secs_f64())
    );
    let first = rows
        .iter()
        .map(|row| row.0.chars().count())
        .max()
        .unwrap_or(0)
        .max(head.chars().count().saturating_sub(2))
        + 2;
    let second = rows
        .iter()
        .map(|row| row.1.chars().count())
        .max()
        .unwrap_or(0)
        .max(8);
    let mut out = format!(
        "{}  {}  measured\n",
        pad(&head, first),
        pad("promised", second)
    );
    for (name, promised, measured) in rows {
        out.push_str(&format!(
            "{}  {}  {measured}\n",
            pad(&format!("  {name}"), first),
            pad(&promised, second)
        ));
    }
    out
}

/// Seconds without writes that the steps of one replication measured.
fn no_writes(plan: &Plan, outcome: &Outcome, replication: &str) -> Option<f64> {
    let of = |step: &Step| match outcome.steps.get(&step.id) {
        Some(StepState::Done { measured, .. }) => measured.get("no_writes").copied(),
        _ => None,
    };
    plan.steps
        .iter()
        .filter(|step| step.replication == replication)
        .filter_map(of)
        .reduce(|a, b| a + b)
}

fn stopped(plan: &Plan, outcome: &Outcome, next: &str) -> String {
    let mut out = String::new();
    for step in &plan.steps {
        if let Some(StepState::Failed(failure)) = outcome.steps.get(&step.id) {
            out.push_str(&failed(step, failure));
        }
    }
    let numbered = |is: &dyn Fn(&StepState) -> bool| -> String {
        let steps: Vec<String> = plan
            .steps
            .iter()
            .enumerate()
            .filter(|(_, step)| outcome.steps.get(&step.id).is_some_and(is))
            .map(|(index, step)| format!("{} {} {}", index + 1, step.kind.word(), step.subject))
            .collect();
        if steps.is_empty() {
            "nothing".to_owned()
        } else {
            steps.join(", ")
        }
    };
    if outcome.interrupted {
        out.push_str("Interrupted.\n");
    }
    out.push_str(&hang(
        "  done     ",
        &numbered(&|state| matches!(state, StepState::Done { .. })),
    ));
    if outcome.count(|state| matches!(state, StepState::Left)) > 0 {
        out.push_str(&hang(
            "  left     ",
            &format!(
                "{}; what runs there goes on",
                numbered(&|state| matches!(state, StepState::Left))
            ),
        ));
    }
    out.push_str(&hang(
        "  not run  ",
        &numbered(&|state| matches!(state, StepState::Needs { .. } | StepState::NotBegun)),
    ));
    let untouched = untouched(plan, outcome);
    if !untouched.is_empty() {
        out.push_str(&hang(
            "  safe     ",
            &format!("{} untouched", untouched.join(", ")),
        ));
    }
    out.push_str(&hang(
        "  next     ",
        &format!("mend what is said above, then: {next}"),
    ));
    out
}

/// The servers and apps of the plan on which no step changed anything.
fn untouched<'a>(plan: &'a Plan, outcome: &Outcome) -> Vec<&'a str> {
    let may_have_changed = |step: &Step| match outcome.steps.get(&step.id) {
        Some(StepState::Done { .. } | StepState::Left) => true,
        Some(StepState::Failed(failure)) => failure.may_have_changed(),
        Some(StepState::Needs { .. } | StepState::NotBegun) | None => false,
    };
    let machines = |step: &'a Step| step.actions.iter().map(|action| &action.machine);
    let touched: BTreeSet<_> = plan
        .steps
        .iter()
        .filter(|step| may_have_changed(step))
        .flat_map(machines)
        .collect();
    let subjects: BTreeSet<&str> = plan
        .steps
        .iter()
        .filter(|step| !machines(step).any(|machine| touched.contains(machine)))
        .map(|step| step.subject.as_str())
        .collect();
    let changed: BTreeSet<&str> = plan
        .steps
        .iter()
        .filter(|step| may_have_changed(step))
        .map(|step| step.subject.as_str())
        .collect();
    subjects.difference(&changed).copied().collect()
}

fn failed(step: &Step, failure: &Failure) -> String {
    let mut out = hang(
        "",
        &format!(
            "error[{}]: {} {} stopped: {}",
            failure.phase.code(),
            step.kind.word(),
            step.subject,
            failure.message
        ),
    );
    out.push_str(&hang("  host     ", &failure.machine.to_string()));
    if !failure.done.is_empty() {
        out.push_str(&hang("  did      ", &failure.done.join("; ")));
    }
    let safe = if failure.may_have_changed() {
        format!("running it again goes on from here; undo: {}", undo(step))
    } else {
        "nothing was changed by this step".to_owned()
    };
    out.push_str(&hang("  safe     ", &safe));
    if !failure.state.is_empty() {
        out.push_str(&hang("  there    ", &failure.state));
    }
    for (index, line) in failure.log.iter().enumerate() {
        out.push_str(&format!(
            "  {} {line}\n",
            pad(if index == 0 { "log" } else { "" }, 8)
        ));
    }
    out
}

fn undo(step: &Step) -> String {
    match &step.undo {
        crate::plan::Undo::Nothing => "nothing to undo".to_owned(),
        crate::plan::Undo::By(how) => how.clone(),
        crate::plan::Undo::Never(what) => format!("none, {what}"),
    }
}
