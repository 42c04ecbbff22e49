//! The `replform` block.

use super::fields::fields;
use super::requirement;
use crate::config::evaluate::{Budget, Scope};
use crate::config::language::ROOT;
use crate::config::tree::{Block, Body};
use crate::diagnostics::Diagnostic;

/// The topology's name, from the `replform` block.
pub fn topology(
    bodies: &[Body],
    scope: &dyn Scope,
    budget: &mut Budget,
    problems: &mut Vec<Diagnostic>,
) -> Option<String> {
    let block = blocks(bodies).find(|block| block.kind == "replform")?;
    let fields = fields(
        ROOT.block("replform")?,
        &block.body,
        scope,
        budget,
        problems,
    );
    if let (Some(text), Some(span)) = (
        fields.text("required_version"),
        fields.span("required_version"),
    ) && let Err(problem) = requirement::check(&text, env!("CARGO_PKG_VERSION"), span)
    {
        problems.push(problem);
    }
    fields.text("topology")
}

/// All top-level blocks, in the order of the files.
pub fn blocks(bodies: &[Body]) -> impl Iterator<Item = &Block> {
    bodies.iter().flat_map(|body| &body.blocks)
}
