//! Bounds the work of expressions: steps, bytes of results, depth. Hostile input ends in an error, not in a
//! machine without memory or a stack overflow.

use super::evaluate::{Evaluator, Failed};
use super::value::Value;
use crate::diagnostics::{Diagnostic, Span, codes};

/// How much work is left: evaluated nodes, bytes of results, and depth.
#[derive(Debug, Clone)]
pub struct Budget {
    nodes: u64,
    bytes: u64,
    depth: usize,
    exhausted: bool,
}

/// The most nodes that are worked out with one budget.
pub const MOST_NODES: u64 = 1_000_000;
/// The most bytes of strings, lists and objects that are built with one budget; also the most that
/// one value may weigh.
pub const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// The deepest that expressions nest, through locals and all. Fits [`on_big_stack`].
pub(super) const MOST_DEPTH: usize = 1_000;
/// Bytes of stack for [`MOST_DEPTH`] levels of an unoptimized build, with room to spare. Only what is
/// used becomes memory.
const STACK: usize = 256 * 1024 * 1024;

impl Default for Budget {
    fn default() -> Budget {
        Budget {
            nodes: MOST_NODES,
            bytes: MOST_BYTES,
            depth: 0,
            exhausted: false,
        }
    }
}

impl Budget {
    /// A full budget.
    pub fn new() -> Budget {
        Budget::default()
    }

    /// A budget for all of a configuration with this many attributes: a large one may take longer.
    pub fn for_attributes(attributes: u64) -> Budget {
        Budget {
            nodes: MOST_NODES + 20 * attributes,
            bytes: MOST_BYTES + 2_000 * attributes,
            ..Budget::default()
        }
    }

    /// Goes one level deeper; false when that is too deep.
    pub(super) fn enter(&mut self) -> bool {
        self.depth += 1;
        self.depth <= MOST_DEPTH
    }

    /// Comes back from a level.
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// True when the budget ended: every evaluation with it fails from then on.
    pub fn is_exhausted(&self) -> bool {
        self.exhausted
    }
}

/// Runs `work` on a stack for the deepest expressions. Parsing and evaluation of untrusted text
/// belong inside; one call around the whole of them is enough.
///
/// A panic of `work` goes on in the caller.
pub fn on_big_stack<T>(work: impl FnOnce() -> T) -> T {
    // Not a thread: what it frees would stay with the thread's own heap, and planning couldn't use it.
    stacker::grow(STACK, work)
}

pub(super) fn too_much_work(span: Span) -> Diagnostic {
    Diagnostic::error(codes::TOO_MUCH_WORK, span, "stopped here")
        .detail(format!(
            "at most {MOST_NODES} steps are worked out, and {} MiB of values built",
            MOST_BYTES / 1024 / 1024
        ))
        .help("look for a list that is multiplied by itself; large data belongs into a file read with jsondecode(file(…))")
}

impl Evaluator<'_> {
    /// Takes steps from the budget.
    pub(super) fn spend(&mut self, nodes: u64, span: Span) -> Result<(), Failed> {
        match self.budget.nodes.checked_sub(nodes) {
            Some(left) if !self.budget.exhausted => {
                self.budget.nodes = left;
                Ok(())
            }
            _ => Err(self.exhaust(span)),
        }
    }

    /// Takes bytes from the budget.
    pub(super) fn spend_bytes(&mut self, bytes: usize, span: Span) -> Result<(), Failed> {
        match self.budget.bytes.checked_sub(bytes as u64) {
            Some(left) if !self.budget.exhausted => {
                self.budget.bytes = left;
                Ok(())
            }
            _ => Err(self.exhaust(span)),
        }
    }

    fn exhaust(&mut self, span: Span) -> Failed {
        if self.budget.exhausted {
            return Failed;
        }
        self.budget.exhausted = true;
        self.fail(too_much_work(span))
    }

    /// Refuses a value that is too large when written out, however little memory it takes.
    pub(super) fn bounded(&mut self, value: Value, span: Span) -> Result<Value, Failed> {
        if value.weight() > MOST_BYTES {
            return Err(self.exhaust(span));
        }
        Ok(value)
    }
}
