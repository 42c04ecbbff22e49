//! `replform plan`: what would change, in text or JSON, saved for review when asked.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::commands::Command;
use super::planning::{ObservedArguments, Planned, PlanningArguments, network, runtime};
use super::{Context, Exit, Failure};
use crate::diagnostics::{Diagnostic, codes};
use crate::json;
use crate::plan::{Options, SavedPlan};
use crate::render::markdown::{Comment, LEAST_SIZE, plan_markdown};
use crate::render::plan_text::{Words, plan_text};

/// Show what would change
///
/// Looks at the real servers over SSH, changes nothing, and prints what apply would do: what restarts, how long writes
/// stop, how many bytes move, what could be lost.
#[derive(Args, Debug)]
pub struct Plan {
    /// What is planned.
    #[command(flatten)]
    pub planning: PlanningArguments,
    /// From where.
    #[command(flatten)]
    pub observed: ObservedArguments,
    /// Save the plan for review; apply FILE runs exactly this plan
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the plan as JSON
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// How it is printed: text, json, or markdown for a pull request's comment
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub format: Format,
    /// The most characters of a Markdown comment; details are cut first (GitHub 65536, GitLab 1000000)
    #[arg(long, value_name = "N", value_parser = size)]
    pub max_size: Option<usize>,
    /// Write the plan as JSON into a file, beside the text
    #[arg(long, value_name = "FILE")]
    pub json_into: Option<PathBuf>,
    /// Exit 2 when there are changes, 4 when the plan is blocked
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// The formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people at a terminal.
    Text,
    /// For programs.
    Json,
    /// A pull request's comment.
    Markdown,
}

fn size(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(size) if size >= LEAST_SIZE => Ok(size),
        _ => Err(format!("a number of characters, at least {LEAST_SIZE}")),
    }
}

impl Command for Plan {
    fn run(self, context: &Context) -> Result<Exit, Failure> {
        if self.max_size.is_some() && self.format != Format::Markdown {
            return Err(Failure::plain(Diagnostic::without_place(
                codes::OPTIONS,
                "-max-size cuts a comment: it goes with -format=markdown".to_owned(),
            )));
        }
        let wish = self.planning.wish(context)?;
        let planned = if self.observed.observed.is_empty() {
            let network = network(self.planning.input);
            runtime()?.block_on(wish.observe_and_plan(&network))?
        } else {
            wish.plan_saved(&self.observed)?
        };
        self.print(context, &planned, &wish.options)?;
        let exit = planned.exit(self.detailed_exitcode);
        let saved = SavedPlan::new(planned.plan, wish.options);
        if let Some(path) = &self.out {
            write_private(path, |file| json::write(&saved, file))?;
        }
        // The process ends here: to free a hundred thousand steps one by one would take as long as to print them.
        std::mem::forget((saved, planned.observation, wish.topology));
        Ok(exit)
    }
}

impl Plan {
    fn print(
        &self,
        context: &Context,
        planned: &Planned,
        options: &Options,
    ) -> Result<(), Failure> {
        if let Some(path) = &self.json_into {
            write_private(path, |file| json::write(&planned.plan, file))?;
        }
        if self.json || self.format == Format::Json {
            context
                .streams
                .data_by(|stream| json::write(&planned.plan, stream))?;
            return Ok(());
        }
        if self.format == Format::Markdown {
            let saved = !self.observed.observed.is_empty();
            let comment = Comment {
                max_size: self.max_size,
                observed_at: saved.then_some(&planned.plan.observed_at),
                options: &options.typed(),
            };
            context
                .streams
                .data(&plan_markdown(&planned.plan, comment))?;
            return Ok(());
        }
        let apply = match &self.out {
            Some(path) => format!("replform apply {}", path.display()),
            None => format!("replform apply{}", options.typed()),
        };
        let words = Words {
            age: Some(planned.age),
            apply: Some(&apply),
        };
        context.streams.data(&plan_text(&planned.plan, words))?;
        Ok(())
    }
}

/// Writes a file beside and renames it, readable by its owner only.
pub fn write_private(
    path: &Path,
    write: impl FnOnce(&File) -> io::Result<()>,
) -> Result<(), Failure> {
    write_with_mode(path, 0o600, write)
}

/// Writes a file beside and renames it.
pub fn write_with_mode(
    path: &Path,
    mode: u32,
    write: impl FnOnce(&File) -> io::Result<()>,
) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let replace = || -> io::Result<()> {
        let file = tempfile::Builder::new()
            .permissions(std::fs::Permissions::from_mode(mode))
            .prefix(".replform-")
            .tempfile_in(directory)?;
        write(file.as_file())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(directory)?.sync_all()
    };
    replace().map_err(|error| Failure::file("writing", path, &error))
}
