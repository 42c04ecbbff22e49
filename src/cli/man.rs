//! `replform man`: manual pages from the same table as the help.

use std::path::PathBuf;

use clap::Args;

use super::commands::Command;
use super::{Context, Exit, Failure, entry};

/// Write manual pages
///
/// One page for replform and one for each command, replform-plan.1 and so on, into a directory: install them into
/// /usr/local/share/man/man1. Without a directory, replform(1) is printed.
#[derive(Args, Debug)]
pub struct Man {
    /// The directory; it must exist
    #[arg(value_name = "DIRECTORY")]
    pub directory: Option<PathBuf>,
}

impl Command for Man {
    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let program = entry::program();
        let Some(directory) = self.directory else {
            context.streams.data(&page(&program)?)?;
            return Ok(Exit::Done);
        };
        let write = |name: &str, command: &clap::Command| {
            let path = directory.join(format!("{name}.1"));
            std::fs::write(&path, page(command)?)
                .map_err(|error| Failure::file("writing", &path, &error))
        };
        write("replform", &program)?;
        for command in program.get_subcommands().filter(|one| !one.is_hide_set()) {
            let name = format!("replform-{}", command.get_name());
            write(&name, &command.clone().name(name.clone()))?;
        }
        Ok(Exit::Done)
    }
}

fn page(command: &clap::Command) -> std::io::Result<String> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
