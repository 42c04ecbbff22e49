//! `replform graph`: the topology, or a saved plan's steps, as a picture's source.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::commands::Command;
use super::planning::load_topology;
use super::show::read_plan;
use super::{Context, Exit, Failure, VariableArguments};
use crate::render::graph::{self, Notation};

/// Draw the topology, or a saved plan's steps
#[derive(Args, Debug)]
pub struct Graph {
    /// Values of variables.
    #[command(flatten)]
    pub variables: VariableArguments,
    /// Draw this saved plan's steps and what needs what, instead of the topology
    #[arg(long, value_name = "PLANFILE")]
    pub plan: Option<PathBuf>,
    /// The notation: dot (Graphviz) or mermaid
    #[arg(long, value_name = "NOTATION", default_value = "dot")]
    pub format: Format,
}

/// The notations.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// Graphviz.
    Dot,
    /// Mermaid.
    Mermaid,
}

impl Command for Graph {
    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let notation = match self.format {
            Format::Dot => Notation::Dot,
            Format::Mermaid => Notation::Mermaid,
        };
        let text = match &self.plan {
            Some(path) => graph::steps(&read_plan(path)?.plan, notation),
            None => graph::topology(&load_topology(context, &self.variables)?, notation),
        };
        context.streams.data(&text)?;
        Ok(Exit::Done)
    }
}
