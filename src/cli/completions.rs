//! `replform completions`.

use clap::Args;
use clap_complete::Shell;

use super::commands::Command;
use super::{Context, Exit, Failure, entry};

/// Print a completion script for a shell
#[derive(Args, Debug)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

impl Command for Completions {
    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut entry::program(), "replform", &mut script);
        context.streams.data(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }
}
