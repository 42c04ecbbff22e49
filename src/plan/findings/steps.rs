//! What the planner says of the steps together: restarts that must be allowed, copies that must fit.

use std::collections::BTreeMap;

use super::{Findings, allow_line, allowed, choice};
use crate::diagnostics::codes;
use crate::plan::{Finding, Options, Severity, Step};
use crate::topology::{Bytes, Hazard, MachineId, Replication, Topology};

/// A hazard `restart` for each step that restarts a server.
pub(in crate::plan) fn hazards_of_steps(
    topology: &Topology,
    steps: &[Step],
    options: &Options,
    findings: &mut Findings,
) {
    let replications: BTreeMap<&str, &Replication> = topology
        .all_replications()
        .map(|replication| (replication.name.as_str(), replication))
        .collect();
    for step in steps {
        let Some(why) = &step.cost.restarts else {
            continue;
        };
        let Some(replication) = replications.get(step.replication.as_str()) else {
            continue;
        };
        let gap = step.cost.no_writes_seconds.map_or_else(
            || "reads on it stop for about a second".to_owned(),
            |seconds| format!("about {seconds:.1} s without writes"),
        );
        // One that left the configuration has no place to allow it in.
        let mut former = topology.former.replications.iter();
        let in_place = (!former.any(|one| one.name == replication.name))
            .then(|| choice("allow it", allow_line(replication, Hazard::Restart)));
        findings.push(Finding {
            code: codes::RESTART,
            severity: Severity::Hazard {
                hazard: Hazard::Restart,
                allowed: allowed(replication, Hazard::Restart, options),
            },
            subject: step.subject.clone(),
            replication: replication.name.clone(),
            what: format!("has to restart: {why}; {gap}"),
            place: replication.allow_place.clone(),
            choices: in_place
                .into_iter()
                .chain([choice(
                    "allow it once",
                    format!("replform apply{} -allow=restart", options.typed()),
                )])
                .collect(),
        });
    }
}

/// Several copies onto one file system must fit together.
pub(in crate::plan) fn claims_on_disk(steps: &[Step], findings: &mut Findings) {
    let mut by_machine: BTreeMap<&MachineId, Vec<&Step>> = BTreeMap::new();
    for step in steps.iter().filter(|step| step.cost.disk_needed.is_some()) {
        by_machine.entry(&step.machine).or_default().push(step);
    }
    for steps in by_machine.into_values().filter(|steps| steps.len() > 1) {
        let needed = steps
            .iter()
            .filter_map(|step| step.cost.disk_needed)
            .map(|bytes| bytes.0)
            .sum();
        let free = steps.iter().filter_map(|step| step.cost.disk_free).min();
        if let (Some(free), Some(first)) = (free, steps.first())
            && needed > free.0
        {
            findings.push(Finding {
                code: codes::DISK_TOO_SMALL,
                severity: Severity::Blocked,
                subject: first.subject.clone(),
                replication: first.replication.clone(),
                what: format!(
                    "{} copies go here at once and need {} together, but {free} is free",
                    steps.len(),
                    Bytes(needed)
                ),
                place: first.because.place.clone(),
                choices: vec![choice(
                    "one after the other",
                    "use -target for one replication at a time, or free space",
                )],
            });
        }
    }
}
