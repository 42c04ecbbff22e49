//! `replform validate`: whether the configuration is right, without looking at any host.

use clap::Args;

use super::commands::Command;
use super::{Context, Exit, Failure, VariableArguments};
use crate::config::{Failed, Loaded};
use crate::diagnostics::{Diagnostic, Report, Texts, render_all};

/// Check the configuration, without looking at any host
///
/// Every variable needs a value, as nothing is ever unknown.
#[derive(Args, Debug)]
pub struct Validate {
    /// Print the result as JSON, in Terraform's shape
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub variables: VariableArguments,
}

impl Command for Validate {
    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let streams = context.streams;
        match context.load(&self.variables) {
            Ok(Loaded {
                warnings, sources, ..
            }) => {
                if self.json {
                    streams.data(&report(&warnings, &*sources)?)?;
                } else {
                    streams.talk(&render_all(&warnings, &*sources, streams.talk_colour));
                    streams.data("Success! The configuration is valid.\n")?;
                }
                Ok(Exit::Done)
            }
            Err(Failed {
                diagnostics,
                sources,
            }) if self.json => {
                streams.data(&report(&diagnostics, &*sources)?)?;
                Ok(Exit::Error)
            }
            Err(failed) => Err(failed.into()),
        }
    }
}

/// The report of `-json`.
fn report(diagnostics: &[Diagnostic], texts: &dyn Texts) -> Result<String, std::io::Error> {
    Ok(serde_json::to_string_pretty(&Report::new(diagnostics, texts))? + "\n")
}
