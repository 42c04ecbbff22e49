//! The one type of a diagnostic, and how to make one. Data only: nothing here renders.

use super::codes::Code;
use super::span::Span;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The command can't go on.
    Error,
    /// Worth reading; the command goes on.
    Warning,
}

/// What is wrong, where, why, and how to mend it.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// The code, for `replform explain`.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// Short and constant: the code's own summary.
    pub summary: &'static str,
    /// What and why, a sentence or two; empty when the label says it all.
    pub detail: String,
    /// The place; `None` where there is none (a missing variable on the command line).
    pub span: Option<Span>,
    /// The text at the caret.
    pub label: String,
    /// Other places that matter, each with its text.
    pub notes: Vec<(Span, String)>,
    /// How to mend it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place; `label` stands at the caret.
    pub fn error(code: Code, span: Span, label: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            summary: code.summary(),
            detail: String::new(),
            span: Some(span),
            label: label.into(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// A warning at a place.
    pub fn warning(code: Code, span: Span, label: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(code, span, label)
        }
    }

    /// An error that has no place in a file.
    pub fn without_place(code: Code, detail: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            summary: code.summary(),
            detail: detail.into(),
            span: None,
            label: String::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// Adds what and why.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Diagnostic {
        self.detail = detail.into();
        self
    }

    /// Adds another place that matters.
    #[must_use]
    pub fn note(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.notes.push((span, text.into()));
        self
    }

    /// Adds how to mend it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Adds how to mend it, when that is known.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Diagnostic {
        self.help = help.or(self.help);
        self
    }
}

/// True when one of them is an error.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics
        .iter()
        .any(|diagnostic| diagnostic.severity == Severity::Error)
}
