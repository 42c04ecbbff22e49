//! Diagnostics for programs: the shape of `terraform validate -json`, with each error's code beside it.

use schemars::JsonSchema;
use serde::Serialize;

use super::diagnostic::{Diagnostic, Severity};
use super::render::{NEAR, boundary, visible_end};
use super::span::{Position, SourceText, Span, Texts};

/// The format version of `validate -json`.
pub const REPORT_FORMAT: &str = "1.0";

/// What `validate -json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// See [`REPORT_FORMAT`].
    pub format_version: String,
    /// Whether there is no error.
    pub valid: bool,
    /// How many errors there are.
    pub error_count: usize,
    /// How many warnings there are.
    pub warning_count: usize,
    /// All of them.
    pub diagnostics: Vec<Reported>,
}

/// One error or warning.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reported {
    /// `error` or `warning`.
    pub severity: &'static str,
    /// `RF0107`; `replform explain` tells more.
    pub code: String,
    /// What is wrong: the same words for the same code.
    pub summary: &'static str,
    /// What is wrong here, why, and how to mend it.
    pub detail: String,
    /// Where, if it is about a place in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    /// The text there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<Snippet>,
}

/// A place in a file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Range {
    /// The file, as the user named it.
    pub filename: String,
    /// Its first character.
    pub start: Position,
    /// The character after it.
    pub end: Position,
}

/// The line of a place, and what in it is meant.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Snippet {
    /// The heading of the top-level block around it.
    pub context: Option<String>,
    /// The line, or what is near the place in a very long one.
    pub code: String,
    /// The line's number, from 1.
    pub start_line: usize,
    /// Where in `code` it begins, bytes.
    pub highlight_start_offset: usize,
    /// Where in `code` it ends, bytes.
    pub highlight_end_offset: usize,
    /// Values in the expression: none are told.
    pub values: Vec<String>,
}

impl Report {
    /// Of all that one command has to say.
    pub fn new(diagnostics: &[Diagnostic], texts: &dyn Texts) -> Self {
        let count = |severity| {
            let same = diagnostics.iter().filter(|one| one.severity == severity);
            same.count()
        };
        let errors = count(Severity::Error);
        Self {
            format_version: REPORT_FORMAT.to_owned(),
            valid: errors == 0,
            error_count: errors,
            warning_count: count(Severity::Warning),
            diagnostics: diagnostics
                .iter()
                .map(|diagnostic| Reported::new(diagnostic, texts))
                .collect(),
        }
    }
}

impl Reported {
    fn new(diagnostic: &Diagnostic, texts: &dyn Texts) -> Self {
        let help = diagnostic
            .help
            .as_deref()
            .map(|help| format!("help: {help}"));
        let detail: Vec<String> = [&diagnostic.label, &diagnostic.detail]
            .into_iter()
            .filter(|text| !text.is_empty())
            .map(|text| sentence(text))
            .chain(help.as_deref().map(sentence))
            .collect();
        let place = diagnostic
            .span
            .and_then(|span| Some((span, texts.source(span.file)?)));
        let range = place.as_ref().map(|(span, source)| Range {
            filename: source.name.clone(),
            start: source.position(span.start),
            end: source.position(span.end),
        });
        Self {
            severity: match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            code: diagnostic.code.to_string(),
            summary: diagnostic.summary,
            detail: detail.join(" "),
            range,
            snippet: place.map(|(span, source)| Snippet::new(&source, span)),
        }
    }
}

impl Snippet {
    fn new(source: &SourceText, span: Span) -> Self {
        let start = source.position(span.start);
        let line_start = source.line_start(start.line);
        let line_end = line_start + source.line(start.line).len();
        // Of a very long line only what is around the place.
        let from = start.byte.min(line_end);
        let code_start = boundary(source, line_start.max(from.saturating_sub(NEAR)));
        let code_end = boundary(source, line_end.min(from.saturating_add(2 * NEAR)));
        let to = boundary(
            source,
            visible_end(source, span).clamp(from, code_end.max(from)),
        );
        Self {
            context: enclosing_block(source, start.line),
            code: source.text[code_start..code_end].to_owned(),
            start_line: start.line,
            highlight_start_offset: from - code_start,
            highlight_end_offset: to.max(from) - code_start,
            values: Vec::new(),
        }
    }
}

fn sentence(text: &str) -> String {
    if text.ends_with(['.', '?', '!']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// The heading of the top-level block around a line, as `stack "eu"`; null outside of any.
fn enclosing_block(source: &SourceText, line: usize) -> Option<String> {
    for number in (1..=line).rev() {
        let text = source.line(number);
        if text.starts_with('}') && number < line {
            return None;
        }
        if text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.contains('{') {
            let heading = text.split('{').next().unwrap_or_default().trim();
            return (!heading.contains('=')).then(|| heading.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::Report;

    #[test]
    fn the_schema_is_current() {
        let schema = schemars::schema_for!(Report);
        let now = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/validate.json");
        if std::env::var_os("REPLFORM_REWRITE").is_some() {
            std::fs::write(path, &now).unwrap();
        }
        let then = std::fs::read_to_string(path).unwrap_or_default();
        assert!(then == now, "REPLFORM_REWRITE=1 writes {path} anew");
    }
}
