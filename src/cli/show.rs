//! `replform show`: a saved plan, as text, JSON, or the scripts that it would run.

use std::path::PathBuf;

use clap::Args;

use super::commands::Command;
use super::{Context, Exit, Failure};
use crate::apply::masked;
use crate::diagnostics::{Diagnostic, codes};
use crate::plan::{JobCall, Plan, SavedPlan, Work};
use crate::render::plan_text::{Words, plan_text};

/// Show a saved plan
#[derive(Args, Debug)]
pub struct Show {
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
    /// Print the scripts that it would run, with their arguments; secrets are masked
    #[arg(long)]
    pub scripts: bool,
    /// The file that plan -out wrote
    #[arg(value_name = "PLANFILE")]
    pub file: PathBuf,
}

impl Command for Show {
    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let saved = read_plan(&self.file)?;
        let text = if self.json {
            serde_json::to_string_pretty(&saved.plan).unwrap_or_default() + "\n"
        } else if self.scripts {
            scripts(&saved.plan)?
        } else {
            let apply = format!("replform apply {}", self.file.display());
            plan_text(
                &saved.plan,
                Words {
                    age: None,
                    apply: Some(&apply),
                },
            )
        };
        context.streams.data(&text)?;
        Ok(Exit::Done)
    }
}

/// Reads a plan file.
pub fn read_plan(path: &std::path::Path) -> Result<SavedPlan, Failure> {
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::file("reading", path, &error))?;
    SavedPlan::read(&text).map_err(|error| {
        Failure::plain(Diagnostic::without_place(
            codes::PLAN_FILE,
            format!("{}: {error}", path.display()),
        ))
    })
}

fn scripts(plan: &Plan) -> Result<String, Failure> {
    let mut out = String::new();
    for (index, step) in plan.steps.iter().enumerate() {
        for action in &step.actions {
            let (call, how) = match &action.work {
                Work::Script(call) => (call, "over SSH".to_owned()),
                Work::Job(JobCall { call, name, .. }) => {
                    (call, format!("as the detached job {name}"))
                }
            };
            out.push_str(&format!(
                "# ---- step {} {} {}: {} on {}, {how}\n",
                index + 1,
                step.kind.word(),
                step.subject,
                call.script,
                action.machine
            ));
            let text = masked(call, "check run verify").map_err(|error| {
                Failure::plain(Diagnostic::without_place(
                    codes::PLAN_FILE,
                    error.to_string(),
                ))
            })?;
            out.push_str(&text);
            out.push('\n');
        }
    }
    Ok(out)
}
