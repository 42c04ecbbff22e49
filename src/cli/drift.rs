//! `replform drift`: how far reality is from the configuration, for cron and monitoring. Reads only, never locks.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::commands::Command;
use super::planning::{ObservedArguments, Planned, PlanningArguments, Wish, network, runtime};
use super::{Context, Exit, Failure, plan};
use crate::diagnostics::{Diagnostic, codes, nearest};
use crate::observe::status::Status;
use crate::plan::drift::{Drift as Report, DriftKind, Ignored, addresses};
use crate::render::drift as render;

/// Say what differs from the configuration: for cron
///
/// Looks at the real servers, changes nothing, locks nothing. Exits 0 when all is as wanted, 2 when something differs, 3 when
/// a host could not be looked at.
#[derive(Args, Debug)]
pub struct Drift {
    /// What is looked at.
    #[command(flatten)]
    pub planning: PlanningArguments,
    /// From where.
    #[command(flatten)]
    pub observed: ObservedArguments,
    /// Leave out what is known: ADDRESS or ADDRESS=KIND (drift, pending, unhealthy, unreachable); may be given several times
    #[arg(long, value_name = "ADDRESS[=KIND]", value_parser = ignored)]
    pub ignore: Vec<Ignored>,
    /// How it is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// Write it into a file, at once or not at all, instead of printing it
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write it as JSON into a file, beside what is printed
    #[arg(long, value_name = "FILE")]
    pub json_into: Option<PathBuf>,
}

/// The formats.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// One line.
    Text,
    /// For programs.
    Json,
    /// A table, for an issue or a chat.
    Markdown,
    /// Prometheus' text format, for the textfile collector.
    Prometheus,
    /// A Nagios plugin's line.
    Nagios,
}

fn ignored(text: &str) -> Result<Ignored, String> {
    let (address, kind) = match text.rsplit_once('=') {
        None => (text, None),
        Some((address, word)) => {
            let kinds = DriftKind::ALL;
            let kind = kinds.into_iter().find(|kind| kind.word() == word);
            let words = kinds.map(DriftKind::word).join(", ");
            let kind = kind.ok_or_else(|| format!("kinds are {words}"))?;
            (address, Some(kind))
        }
    };
    Ok(Ignored {
        address: address.to_owned(),
        kind,
    })
}

impl Command for Drift {
    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let wish = self.planning.wish(context)?;
        known(&self.ignore, &wish)?;
        let planned = if self.observed.observed.is_empty() {
            runtime()?.block_on(wish.observe_and_plan(&network(self.planning.input)))?
        } else {
            wish.plan_saved(&self.observed)?
        };
        let report = Report::new(
            planned.topology(&wish),
            &planned.observation,
            &planned.plan,
            &self.ignore,
        );
        let json = serde_json::to_string_pretty(&report).map_err(std::io::Error::from)? + "\n";
        if let Some(path) = &self.json_into {
            plan::write_private(path, |mut file| file.write_all(json.as_bytes()))?;
        }
        let text = match self.format {
            Format::Text => render::text(&report),
            Format::Json => json,
            Format::Markdown => render::markdown(&report),
            Format::Nagios => render::nagios(&report),
            Format::Prometheus => self.prometheus(&wish, &planned, &report),
        };
        match &self.out {
            Some(path) => write_public(path, &text)?,
            None => context.streams.data(&text)?,
        }
        Ok(exit(&report))
    }
}

impl Drift {
    fn prometheus(&self, wish: &Wish, planned: &Planned, report: &Report) -> String {
        let status = Status::new(&wish.topology, &planned.observation);
        let at = planned.observation.observed_at.parse::<jiff::Timestamp>();
        let seconds = at.map_or(0.0, |at| at.as_millisecond() as f64 / 1e3);
        render::prometheus(report, &status, seconds)
    }
}

fn exit(report: &Report) -> Exit {
    if report.count(DriftKind::Unreachable) > 0 {
        Exit::Incomplete
    } else if report.items.is_empty() {
        Exit::Done
    } else {
        Exit::Changes
    }
}

/// What is ignored must be there: a typo would hide nothing for ever.
fn known(ignored: &[Ignored], wish: &Wish) -> Result<(), Failure> {
    let all = addresses(&wish.topology);
    let unknown = ignored.iter().filter(|one| !all.contains(&one.address));
    let diagnostics: Vec<Diagnostic> = unknown
        .map(|one| {
            let mut diagnostic = Diagnostic::without_place(
                codes::NO_SUCH_TARGET,
                format!("-ignore: \"{}\" names nothing here", one.address),
            );
            diagnostic.help = nearest(&one.address, all.iter().map(String::as_str))
                .map(|near| format!("did you mean {near}?"));
            diagnostic
        })
        .collect();
    if diagnostics.is_empty() {
        Ok(())
    } else {
        Err(Failure::without_texts(diagnostics))
    }
}

/// Written beside and renamed, readable by all: the collector that reads it is another user.
fn write_public(path: &Path, text: &str) -> Result<(), Failure> {
    plan::write_with_mode(path, 0o644, |mut file| file.write_all(text.as_bytes()))
}
