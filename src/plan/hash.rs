//! The plan's identity: what a reviewer approved. Sizes, lag, positions and times don't belong to it.

use serde_json::json;

use super::names::digest;
use super::{Argument, Finding, JobCall, Severity, Step, Work};

/// SHA-256 over the steps with their scripts and arguments, and over what blocks or must be allowed.
pub(super) fn of(topology: &str, steps: &[Step], findings: &[Finding]) -> String {
    let steps: Vec<serde_json::Value> = steps.iter().map(identity).collect();
    let findings: Vec<serde_json::Value> = findings
        .iter()
        .filter(|finding| !matches!(finding.severity, Severity::Warning))
        .map(|finding| {
            json!([
                finding.code,
                finding.severity,
                finding.subject,
                finding.replication
            ])
        })
        .collect();
    digest(json!([topology, steps, findings]).to_string().as_bytes())
}

fn identity(step: &Step) -> serde_json::Value {
    let actions: Vec<serde_json::Value> = step
        .actions
        .iter()
        .map(|action| {
            let (call, job) = match &action.work {
                Work::Script(call) => (call, None),
                Work::Job(JobCall {
                    name,
                    call,
                    user,
                    expected: _,
                }) => (call, Some((name, user))),
            };
            let arguments: Vec<(&String, &Argument)> = call
                .arguments
                .iter()
                .filter(|(_, argument)| !matches!(argument, Argument::Volatile(_)))
                .collect();
            json!([action.machine, action.lock, call.script, arguments, job])
        })
        .collect();
    json!([
        step.id,
        step.kind,
        step.machine,
        step.needs,
        step.cost.restarts.is_some(),
        step.env,
        actions
    ])
}
