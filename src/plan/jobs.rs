//! How a job that a plan needs stands on its host already: left running, or finished, by a client that went away.
//!
//! Apply decides by the same identity ([`super::Call::identity`]), so that a plan never promises what apply would refuse.

use super::JobCall;
use super::host_files::job_name;
use crate::observe::{Facts, JobState};

/// A job of this name on its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundJob {
    /// None that matters.
    None,
    /// It runs, and does what is wanted.
    Runs,
    /// One of its name runs and does something else.
    RunsOtherwise,
    /// It ended well; whether what it made is still there, its engine knows.
    Done,
}

/// How the job stands on the machine.
pub fn found(facts: &Facts, job: &JobCall) -> FoundJob {
    let name = job_name(&job.name);
    // Hashes a script's text: only where there is a job to compare with.
    let same = |hash: &String| job.call.identity().as_ref() == Some(hash);
    let mut found = FoundJob::None;
    for seen in facts.jobs.values().filter(|seen| seen.name == name) {
        match seen.state {
            JobState::Running if same(&seen.arguments_hash) => return FoundJob::Runs,
            JobState::Running => found = FoundJob::RunsOtherwise,
            JobState::Ended { code: 0 }
                if found == FoundJob::None && same(&seen.arguments_hash) =>
            {
                found = FoundJob::Done;
            }
            JobState::Ended { .. } | JobState::Unknown => {}
        }
    }
    found
}
