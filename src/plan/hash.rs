//! The plan's identity: what a reviewer approved. Sizes, lag, positions and times don't belong to it.

use std::collections::BTreeMap;

use openssl::sha::Sha256;
use serde::Serialize;

use super::names::hexadecimal;
use super::scripts::script_digest;
use super::{Argument, Finding, JobCall, Severity, Step, Work};

/// SHA-256 over the steps with their scripts' texts and arguments, and over what blocks or must be allowed.
pub(super) fn of(topology: &str, steps: &[Step], findings: &[Finding]) -> String {
    with_texts(topology, steps, findings, script_digest)
}

/// The same; `text`: the digest of a script's text by its name.
fn with_texts(
    topology: &str,
    steps: &[Step],
    findings: &[Finding],
    text: impl Fn(&str) -> Option<String>,
) -> String {
    let mut parts = Parts::default();
    parts.add(&topology);
    let mut texts = BTreeMap::new();
    for step in steps {
        parts.add(&identity(step));
        for action in &step.actions {
            let name = action.work.call().script.as_str();
            texts.entry(name).or_insert_with(|| text(name));
        }
    }
    // Another version's script of the same name is another plan.
    parts.add(&texts);
    for finding in findings
        .iter()
        .filter(|finding| !matches!(finding.severity, Severity::Warning))
    {
        parts.add(&(
            finding.code,
            &finding.severity,
            &finding.subject,
            &finding.replication,
        ));
    }
    hexadecimal(&parts.hash.finish())
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
            let arguments: Vec<(&str, &Argument)> = call
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

/// What is hashed, one part after the other: the whole of a large plan as one text would need more memory than the plan.
#[derive(Default)]
struct Parts {
    hash: Sha256,
    text: Vec<u8>,
}

impl Parts {
    /// A part's JSON text and a line end, so that no two sequences of parts share a hash.
    fn add(&mut self, part: &impl Serialize) {
        self.text.clear();
        // Strings, numbers and lists of them always serialise, and memory takes all of it.
        let _ = serde_json::to_writer(&mut self.text, part);
        self.text.push(b'\n');
        self.hash.update(&self.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Action, Call, Plan};

    /// Another version of replform with another text of a script hasn't been reviewed.
    #[test]
    fn the_hash_changes_with_a_scripts_text() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/testdata/plans/already-replicates/expected.json"
        );
        let plan: Plan = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let Some(Action {
            work: Work::Script(Call { script, .. }),
            ..
        }) = plan.steps.iter().flat_map(|step| &step.actions).next()
        else {
            panic!("a plan without scripts")
        };
        let hash = |other: &str| {
            with_texts(&plan.topology, &plan.steps, &plan.findings, |name| {
                let text = if name == script { other } else { "" };
                Some(text.to_owned())
            })
        };
        assert_eq!(hash("a"), hash("a"));
        assert_ne!(hash("a"), hash("b"));
        let now = of(&plan.topology, &plan.steps, &plan.findings);
        assert!(script_digest(script).is_some() && now.len() == 64);
    }
}
