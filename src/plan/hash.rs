//! The plan's identity: what a reviewer approved. Sizes, lag, positions and times don't belong to it.

use std::collections::BTreeMap;

use openssl::sha::Sha256;
use serde::Serialize;

use super::scripts::script_digest;
use super::{Argument, Finding, JobCall, Severity, Step, Work};

/// SHA-256 over the steps with their scripts' texts and arguments, and over what blocks or must be allowed.
pub(super) fn of(topology: &str, steps: &[Step], findings: &[Finding]) -> String {
    let mut hash = Sha256::new();
    // One part after the other: the whole of a large plan as one text would need more memory than the plan.
    add(&mut hash, &topology);
    let mut texts = BTreeMap::new();
    for step in steps {
        add(&mut hash, &identity(step));
        for action in &step.actions {
            let name = action.work.call().script.as_str();
            texts.entry(name).or_insert_with(|| script_digest(name));
        }
    }
    // Another version's script of the same name is another plan.
    add(&mut hash, &texts);
    for finding in findings
        .iter()
        .filter(|finding| !matches!(finding.severity, Severity::Warning))
    {
        add(
            &mut hash,
            &(
                finding.code,
                &finding.severity,
                &finding.subject,
                &finding.replication,
            ),
        );
    }
    hash.finish()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What makes a step this step.
fn identity(step: &Step) -> impl Serialize + '_ {
    let actions: Vec<_> = step
        .actions
        .iter()
        .map(|action| {
            let (call, job) = match &action.work {
                Work::Script(call) => (call, None),
                Work::Job(JobCall {
                    name,
                    call,
                    expected: _,
                }) => (call, Some(name)),
            };
            let arguments: Vec<(&String, &Argument)> = call
                .arguments
                .iter()
                .filter(|(_, argument)| !matches!(argument, Argument::Volatile(_)))
                .collect();
            (&action.machine, &action.lock, &call.script, arguments, job)
        })
        .collect();
    (
        &step.id,
        step.kind,
        &step.machine,
        &step.needs,
        step.cost.restarts.is_some(),
        &step.env,
        actions,
    )
}

/// A part's JSON text and a line end, so that no two sequences of parts share a hash.
fn add(hash: &mut Sha256, part: &impl Serialize) {
    // Strings, numbers and lists of them always serialise.
    hash.update((serde_json::to_string(part).unwrap_or_default() + "\n").as_bytes());
}
