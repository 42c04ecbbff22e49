//! A plan as events of `apply -json`: what would change, what was found, the sum. Terraform's keys and type names where the
//! meaning is the same. Pure.

use serde_json::{Value, json};

use crate::plan::{Finding, Plan};

/// The events of a plan, in the order in which they are printed: findings, steps, the sum. `at`: RFC 3339.
pub fn plan_events(plan: &Plan, at: &str) -> Vec<Value> {
    let head = |level: &str, message: String, kind: &str| {
        json!({
            "@level": level,
            "@message": message,
            "@module": "replform.plan",
            "@timestamp": at,
            "type": kind,
        })
    };
    let mut events = Vec::new();
    for finding in &plan.findings {
        let (level, severity) = levels(finding);
        let message = format!("{} {}: {}", finding.code, finding.subject, finding.what);
        let mut event = head(level, message, "diagnostic");
        event["diagnostic"] = json!({
            "severity": severity,
            "summary": finding.code.summary(),
            "detail": finding.what,
            "address": format!("replication.{}", finding.replication),
        });
        event["finding"] = json!(finding);
        events.push(event);
    }
    for step in &plan.steps {
        let message = format!("{} {}: {}", step.kind.word(), step.subject, step.what);
        let mut event = head("info", message, "planned_change");
        event["change"] = json!({
            "resource": {"addr": step.id.0},
            "action": step.kind.word(),
            "reason": step.because.fact,
        });
        events.push(event);
    }
    let counts = plan.counts;
    let message = if plan.is_blocked() {
        "The plan is blocked.".to_owned()
    } else if plan.is_empty() {
        "No changes.".to_owned()
    } else {
        format!(
            "Plan: {} to add, {} to change, {} to destroy.",
            counts.add, counts.change, counts.destroy
        )
    };
    let level = if plan.is_blocked() { "error" } else { "info" };
    let mut event = head(level, message, "change_summary");
    event["changes"] = json!({
        "add": counts.add,
        "change": counts.change,
        "remove": counts.destroy,
        "operation": "plan",
    });
    event["plan"] = json!(plan.hash);
    event["blocked"] = json!(plan.is_blocked());
    events.push(event);
    events
}

/// The level of its line, and Terraform's word for its severity.
fn levels(finding: &Finding) -> (&'static str, &'static str) {
    if finding.blocks() {
        ("error", "error")
    } else {
        ("warn", "warning")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden(name: &str) -> Plan {
        let root = env!("CARGO_MANIFEST_DIR");
        let path = format!("{root}/testdata/plans/{name}/expected.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn a_plan_at_rest_says_so() {
        let events = plan_events(&golden("nothing-to-do"), "T");
        let [event] = &events[..] else {
            panic!("{events:#?}")
        };
        assert_eq!(event["type"], "change_summary");
        assert_eq!(event["@message"], "No changes.");
        assert_eq!(event["changes"]["add"], 0);
        assert_eq!(event["changes"]["operation"], "plan");
    }

    #[test]
    fn what_blocks_is_an_error_with_its_ways_on() {
        let plan = golden("wal-gone");
        let events = plan_events(&plan, "T");
        let blocks = events
            .iter()
            .find(|event| event["type"] == "diagnostic" && event["@level"] == "error")
            .unwrap();
        assert_eq!(blocks["diagnostic"]["severity"], "error");
        assert_eq!(blocks["finding"]["severity"]["hazard"], "restart");
        let last = events.last().unwrap();
        assert_eq!(last["blocked"], true);
        assert_eq!(last["@level"], "error");
        let planned = events
            .iter()
            .filter(|event| event["type"] == "planned_change");
        assert_eq!(planned.count(), plan.steps.len());
    }
}
