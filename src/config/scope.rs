//! Where an expression's names and files come from: the evaluator asks, others answer.

use std::sync::Arc;

use super::budget::Budget;
use super::source::Sources;
use super::tree::Traversal;
use super::value::Value;
use crate::diagnostics::{Diagnostic, FileId};

/// Where names come from.
pub trait Scope {
    /// What a reference starts with. `reference` holds the name and all plain steps after it, worked
    /// out; the answer says how many of them the value already takes in. `None`: no such name.
    ///
    /// # Errors
    /// What went wrong while the value was worked out (a cycle, an error in a local).
    fn resolve(
        &self,
        reference: &Traversal,
        budget: &mut Budget,
    ) -> Result<Option<Resolved>, Vec<Diagnostic>>;

    /// The names that a reference can start with, for hints.
    fn candidates(&self) -> Vec<String>;

    /// Files for `file`, `fileexists` and `templatefile`; none where there are none to read.
    fn files(&self) -> Option<&dyn Files> {
        None
    }

    /// True inside a template that `templatefile` reads: it can't read further ones.
    fn is_template(&self) -> bool {
        false
    }
}

/// A value that a reference starts with.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The value.
    pub value: Value,
    /// How many steps after the first name are taken in.
    pub consumed: usize,
}

/// Files that expressions may read.
pub trait Files {
    /// Reads a text; paths start at the configuration directory.
    ///
    /// # Errors
    /// A phrase that says why not.
    fn read(&self, path: &str) -> Result<FileId, String>;

    /// Reads a file as it is, whatever is in it.
    ///
    /// # Errors
    /// A phrase that says why not.
    fn bytes(&self, path: &str) -> Result<Arc<[u8]>, String>;

    /// Whether there is a file.
    ///
    /// # Errors
    /// When there is something, but not a file.
    fn exists(&self, path: &str) -> Result<bool, String>;

    /// The files below a folder, as paths that start there, sorted; links to folders aren't followed.
    ///
    /// # Errors
    /// When it is no folder, or holds too much to look through.
    fn list(&self, folder: &str) -> Result<Vec<String>, String>;

    /// Where the texts are kept.
    fn sources(&self) -> &Sources;
}

/// A scope without names or files.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoScope;

impl Scope for NoScope {
    fn resolve(&self, _: &Traversal, _: &mut Budget) -> Result<Option<Resolved>, Vec<Diagnostic>> {
        Ok(None)
    }

    fn candidates(&self) -> Vec<String> {
        Vec::new()
    }
}
