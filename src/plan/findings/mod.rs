//! What blocks a plan or must be known, whatever the engine: each finding's text and ways on, once.

mod links;
mod members;
mod steps;

pub(super) use links::{general_checks, link_not_built, other_jobs, relation};
pub(super) use members::{
    claimed, engine_not_built, former_elsewhere, former_forgotten, former_unknown, given_up,
    managed, not_observed, primary_is_replica, primary_not_running, unlink_not_built, unreachable,
};
pub(super) use steps::{claims_on_disk, hazards_of_steps};

use super::{Choice, Finding, Options, Severity};
use crate::diagnostics::Code;
use crate::topology::{Hazard, Member, Place, Replication};

/// Findings as they come; sorted once at the end.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    /// Adds several.
    pub fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.0.extend(findings);
    }

    /// What blocks first, then what is unknown, hazards, warnings; equal ones once.
    pub fn sorted(mut self) -> Vec<Finding> {
        let rank = |finding: &Finding| match finding.severity {
            Severity::Blocked => 0,
            Severity::Hazard { allowed: None, .. } => 1,
            Severity::Unknown => 2,
            Severity::Hazard { .. } => 3,
            Severity::Warning => 4,
        };
        self.0.sort_by(|a, b| {
            (rank(a), &a.replication, &a.subject, a.code).cmp(&(
                rank(b),
                &b.replication,
                &b.subject,
                b.code,
            ))
        });
        self.0.dedup();
        self.0
    }
}

/// A finding about a member.
pub fn about(
    code: Code,
    severity: Severity,
    replication: &Replication,
    member: &Member,
    what: impl Into<String>,
    choices: Vec<Choice>,
) -> Finding {
    Finding {
        code,
        severity,
        subject: member.server.to_string(),
        replication: replication.name.clone(),
        what: what.into(),
        place: member.place.clone(),
        choices,
    }
}

/// A way on.
pub fn choice(title: &str, how: impl Into<String>) -> Choice {
    Choice {
        title: title.to_owned(),
        how: how.into(),
    }
}

/// The line to write to allow a hazard beside those that are allowed already.
pub fn allow_line(replication: &Replication, hazard: Hazard) -> String {
    let mut all: Vec<Hazard> = replication.allow.keys().copied().collect();
    all.push(hazard);
    all.sort_unstable();
    all.dedup();
    let words: Vec<String> = all.iter().map(|hazard| format!("\"{hazard}\"")).collect();
    format!(
        "allow = [{}] ({})",
        words.join(", "),
        replication.allow_place
    )
}

/// A hazard that an engine found on a member; `what`: one sentence that says what may happen.
pub fn hazard(
    hazard: Hazard,
    code: Code,
    replication: &Replication,
    member: &Member,
    options: &Options,
    what: String,
    safer: Option<Choice>,
) -> Finding {
    let severity = Severity::Hazard {
        hazard,
        allowed: allowed(replication, hazard, options),
    };
    let allow = choice("allow it", allow_line(replication, hazard));
    let choices = safer.into_iter().chain([allow]).collect();
    about(code, severity, replication, member, what, choices)
}

/// Where a hazard is allowed, if it is.
pub fn allowed(replication: &Replication, hazard: Hazard, options: &Options) -> Option<Place> {
    replication.allow.get(&hazard).cloned().or_else(|| {
        options.allow.contains(&hazard).then(|| Place {
            file: "-allow".to_owned(),
            line: 0,
            column: 0,
        })
    })
}
