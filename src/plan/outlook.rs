//! The five answers, summed over the steps.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Counts, Finding, Outlook, RestartOutlook, Severity, Step, StepKind, Undo, WritesOutlook,
};
use crate::topology::{Bytes, Hazard, Topology, format_duration};

/// Links and servers made, changed, taken away.
pub(super) fn counts(steps: &[Step]) -> Counts {
    let subjects = |kinds: &[StepKind]| -> BTreeSet<_> {
        steps
            .iter()
            .filter(|step| kinds.contains(&step.kind))
            .map(|step| (&step.replication, &step.subject))
            .collect()
    };
    let number = |subjects: usize| u32::try_from(subjects).unwrap_or(u32::MAX);
    let added = subjects(&[StepKind::Link]);
    let changed = subjects(&[
        StepKind::Configure,
        StepKind::Env,
        StepKind::Adopt,
        StepKind::Promote,
        StepKind::Demote,
    ]);
    Counts {
        // What is made is no change of what is there.
        change: number(changed.difference(&added).count()),
        destroy: number(subjects(&[StepKind::Unlink]).len()),
        add: number(added.len()),
    }
}

/// The answers.
pub(super) fn outlook(topology: &Topology, steps: &[Step], findings: &[Finding]) -> Outlook {
    let allowed: BTreeMap<_, _> = findings
        .iter()
        .filter_map(|finding| match &finding.severity {
            Severity::Hazard {
                hazard: Hazard::Restart,
                allowed: Some(place),
            } => Some(((&finding.replication, &finding.subject), place)),
            _ => None,
        })
        .collect();
    let engines: BTreeMap<_, _> = topology
        .all_replications()
        .map(|replication| (&replication.name, replication.engine.0.as_str()))
        .collect();
    let restarts = steps
        .iter()
        .filter_map(|step| {
            let why = step.cost.restarts.as_ref()?;
            let engine = engines.get(&step.replication).unwrap_or(&"");
            let place = allowed.get(&(&step.replication, &step.subject));
            Some(RestartOutlook {
                what: format!("{engine} on {}, once ({why})", step.subject),
                allowed: place.map(|place| (*place).clone()),
            })
        })
        .collect();
    let no_writes = steps
        .iter()
        .enumerate()
        .filter_map(|(index, step)| {
            let seconds = step.cost.no_writes_seconds?;
            Some(WritesOutlook {
                replication: step.replication.clone(),
                seconds,
                step: index + 1,
            })
        })
        .collect();
    let copied = steps.iter().filter_map(copied).collect();
    let copied_bytes = Bytes(
        steps
            .iter()
            .filter_map(|step| step.cost.bytes)
            .map(|bytes| bytes.0)
            .sum(),
    );
    let lost = findings
        .iter()
        .filter(|finding| {
            matches!(
                finding.severity,
                Severity::Hazard {
                    hazard: Hazard::LoseWrites,
                    ..
                }
            )
        })
        .map(|finding| format!("{}: {}", finding.subject, finding.what))
        .collect();
    let for_good = steps
        .iter()
        .filter_map(|step| match &step.undo {
            Undo::Never(what) => Some(format!("{} {}: {what}", step.kind, step.subject)),
            Undo::Nothing | Undo::By(_) => None,
        })
        .collect();
    Outlook {
        restarts,
        no_writes,
        lost,
        copied,
        copied_bytes,
        for_good,
        seconds: longest_path(steps),
    }
}

fn copied(step: &Step) -> Option<String> {
    let (bytes, from) = (step.cost.bytes?, step.cost.from.as_ref()?);
    let time = format_duration(std::time::Duration::from_secs_f64(
        step.cost.seconds.clamp(0.0, 1e9),
    ));
    let disk = match (step.cost.disk_needed, step.cost.disk_free) {
        (Some(needed), Some(free)) => format!("; {} needs {needed}, has {free}", step.subject),
        _ => String::new(),
    };
    Some(format!(
        "{bytes} from {from} to {}, about {time}{disk}",
        step.subject
    ))
}

/// Estimates are good to a tenth of a second at best.
pub fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

/// The steps run side by side: the whole takes as long as its longest chain. Steps come in order.
fn longest_path(steps: &[Step]) -> f64 {
    let mut ends: HashMap<&super::StepId, f64> = HashMap::with_capacity(steps.len());
    for step in steps {
        let start = step
            .needs
            .iter()
            .filter_map(|need| ends.get(need))
            .fold(0.0_f64, |a, b| a.max(*b));
        ends.insert(&step.id, start + step.cost.seconds);
    }
    tenths(ends.values().fold(0.0, |a, b| a.max(*b)))
}
