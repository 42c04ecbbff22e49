//! How a command ends when it can't do its work. Printed in one place, `entry.rs`.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::config::Failed;
use crate::diagnostics::{Diagnostic, Texts, codes};

use super::Exit;

/// What went wrong, and the code to exit with.
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What to say.
    pub what: What,
}

/// What a failure has to say.
pub enum What {
    /// Diagnostics, with the texts that they point into.
    Diagnostics(Vec<Diagnostic>, Arc<dyn Texts + Send + Sync>),
    /// Everything has been said already.
    Said,
}

impl Failure {
    /// Errors that point into texts.
    pub fn diagnostics(diagnostics: Vec<Diagnostic>, texts: Arc<dyn Texts + Send + Sync>) -> Self {
        Self {
            exit: Exit::Error,
            what: What::Diagnostics(diagnostics, texts),
        }
    }

    /// Errors without a place in a file.
    pub fn without_texts(diagnostics: Vec<Diagnostic>) -> Self {
        Self::diagnostics(diagnostics, Arc::new(NoTexts))
    }

    /// An error without a place in a file.
    pub fn plain(diagnostic: Diagnostic) -> Self {
        Self::without_texts(vec![diagnostic])
    }

    /// A file that couldn't be read or written; `doing` is a phrase such as `reading`.
    pub fn file(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::plain(Diagnostic::without_place(
            codes::FILE_ACCESS,
            format!("{doing} {}: {error}", path.display()),
        ))
    }

    /// The same with another exit code.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}

impl From<Failed> for Failure {
    /// The configuration has errors.
    fn from(failed: Failed) -> Self {
        Self::diagnostics(failed.diagnostics, failed.sources)
    }
}

impl From<io::Error> for Failure {
    /// Standard output can't be written.
    fn from(error: io::Error) -> Self {
        Self::plain(Diagnostic::without_place(
            codes::OUTPUT,
            format!("the result couldn't be written to standard output: {error}"),
        ))
    }
}

/// For diagnostics that have no place.
struct NoTexts;

impl Texts for NoTexts {
    fn source(
        &self,
        _file: crate::diagnostics::FileId,
    ) -> Option<Arc<crate::diagnostics::SourceText>> {
        None
    }
}
