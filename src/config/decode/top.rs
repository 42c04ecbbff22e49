//! The `replform` block, and the blocks that the language knows but this version can't carry out.

use super::fields::fields;
use super::requirement;
use crate::config::evaluate::{Budget, Scope};
use crate::config::language::ROOT;
use crate::config::tree::{Block, Body};
use crate::diagnostics::{Diagnostic, codes};

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

/// Blocks that are known but can't be carried out yet: an error at each, rather than ignoring what was written.
pub fn refuse_unbuilt(bodies: &[Body], problems: &mut Vec<Diagnostic>) {
    for block in blocks(bodies) {
        match block.kind.as_str() {
            "moved" | "removed" => refuse(block, problems),
            _ => {}
        }
    }
}

fn refuse(block: &Block, problems: &mut Vec<Diagnostic>) {
    let label = format!("`{}` blocks can't be carried out yet", block.kind);
    problems.push(
        Diagnostic::error(codes::NOT_BUILT_YET, block.heading(), label)
            .detail(format!(
                "replform {} knows the block, but doesn't act on it",
                env!("CARGO_PKG_VERSION")
            ))
            .help("take it out for now"),
    );
}
