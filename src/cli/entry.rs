//! From arguments to exit code: parses, runs the command, prints what stopped it.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser};

use super::commands::Commands;
use super::failure::{Failure, What};
use super::{Context, Exit, arguments, usage};
use crate::diagnostics::{Diagnostic, codes, render_all};

/// Database replication as code: describe it, review the plan, apply it over SSH
#[derive(Debug, Parser)]
#[command(
    name = "replform",
    version,
    disable_version_flag = true,
    disable_help_flag = true
)]
pub struct Program {
    /// Change to this directory before anything else
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        help_heading = "Global options"
    )]
    pub chdir: Option<PathBuf>,
    /// Print without colour
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_color: bool,
    /// Print this help
    #[arg(short, long, global = true, help_heading = "Global options", action = clap::ArgAction::HelpShort)]
    pub help: Option<bool>,
    /// Print the version
    #[arg(long)]
    pub version: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Commands>,
}

/// The program with its help texts as they are shown.
pub fn program() -> clap::Command {
    usage::arrange(Program::command())
}

/// Runs the command that the arguments (the program's name first) ask for.
pub fn run(given: impl IntoIterator<Item = OsString>) -> Exit {
    let given = arguments::with_two_dashes(given);
    let parsed = program()
        .try_get_matches_from(&given)
        .and_then(|matches| Program::from_arg_matches(&matches));
    let program = match parsed {
        Ok(program) => program,
        Err(error) => return usage::explain(&error, &given),
    };
    let context = Context::new(program.no_color);
    let result = super::log::start()
        .and_then(|()| enter(program.chdir))
        .and_then(|()| match program.command {
            _ if program.version => super::version::Version::default().run_on(&context),
            Some(command) => command.run(&context),
            None => {
                context.streams.talk(&usage::help(&mut self::program()));
                Ok(Exit::Error)
            }
        });
    result.unwrap_or_else(|failure| report(failure, &context))
}

fn enter(directory: Option<PathBuf>) -> Result<(), Failure> {
    let Some(directory) = directory else {
        return Ok(());
    };
    std::env::set_current_dir(&directory).map_err(|error| {
        Failure::plain(Diagnostic::without_place(
            codes::NO_DIRECTORY,
            format!("-chdir={}: {error}", directory.display()),
        ))
    })
}

fn report(failure: Failure, context: &Context) -> Exit {
    if let What::Diagnostics(diagnostics, texts) = failure.what {
        let streams = context.streams;
        streams.talk(&render_all(&diagnostics, &*texts, streams.talk_colour));
    }
    failure.exit
}
