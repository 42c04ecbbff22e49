//! Parses HCL into our tree, with several syntax errors at once and in words that people use.
//!
//! The parser stops at its first error. So the top-level item that holds the error is blanked with
//! spaces (which keeps every place) and the text is parsed again, at most [`MOST_ERRORS`] times.

use hcl_edit::parser;

use super::convert::{Converter, Origin};
use super::scan::{Scan, What, scan, scan_template};
use super::source::Sources;
use super::tree::{Body, Expression, Node};
use super::wording::{closer, crowded, syntax_error, unterminated, wording};
use crate::diagnostics::{Diagnostic, FileId, Span, codes};

/// The most syntax errors that are shown of one file.
const MOST_ERRORS: usize = 20;
/// About how many bytes are parsed for them: a large file shows fewer errors at once.
const MOST_WORK: usize = 16 * 1024 * 1024;

/// Parses a file of HCL. The body holds what could be parsed; with an error among the diagnostics it
/// isn't complete.
pub fn parse_hcl(file: FileId, sources: &Sources) -> (Body, Vec<Diagnostic>) {
    let text = sources.text(file);
    let scan = scan(&text);
    let mut left = text.to_string();
    let mut diagnostics = Vec::new();
    // A string over two lines is an error even where the parser takes it.
    for open in scan.open.iter().filter(|open| open.what == What::Quote) {
        diagnostics.push(unterminated(file, open, &text));
        blank_item(&mut left, &scan, open.at);
    }
    if let Some(at) = scan.crowded {
        diagnostics.push(crowded(file, at));
        blank_item(&mut left, &scan, at);
    }
    let mut body = None;
    let cost = text.len() + scan.comparisons / 4;
    let rounds = (MOST_WORK / cost.max(1)).clamp(1, MOST_ERRORS);
    for _ in 0..rounds {
        match parser::parse_body(&left) {
            Ok(parsed) => {
                body = Some(parsed);
                break;
            }
            Err(error) => {
                let at = error.location().offset();
                let (start, end) = item_around(&scan, text.len(), at);
                // The text before the first item can hold an error too: nothing to blank there.
                let open = scan
                    .open
                    .iter()
                    .find(|open| (start..end).contains(&open.at));
                diagnostics.push(match open {
                    Some(open) => unterminated(file, open, &text),
                    None => {
                        let (at, message) = closer(&text, start, end, at, error.message());
                        syntax_error(file, &text, at, &message)
                    }
                });
                if !blank(&mut left, start, end) {
                    break;
                }
            }
        }
    }
    let span = Span::new(file, 0, text.len());
    let mut converter = Converter::new(file, Origin::Shift(0));
    let body = match &body {
        Some(body) => converter.body(body, span),
        None => Body {
            attributes: Vec::new(),
            blocks: Vec::new(),
            span,
        },
    };
    diagnostics.append(&mut converter.diagnostics);
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.map(|span| span.start));
    (body, diagnostics)
}

/// Parses a text that is one expression: a value of `-var`, a line of the console.
///
/// # Errors
/// What is wrong with its syntax.
pub fn parse_expression(file: FileId, sources: &Sources) -> Result<Expression, Vec<Diagnostic>> {
    let text = sources.text(file);
    let scan = scan(&text);
    if let Some(open) = scan.open.first() {
        return Err(vec![unterminated(file, open, &text)]);
    }
    if let Some(at) = scan.stray {
        let span = Span::new(file, at, at + 1);
        return Err(vec![Diagnostic::error(
            codes::SYNTAX,
            span,
            "nothing is open that this could close",
        )]);
    }
    if let Some(at) = scan.crowded {
        return Err(vec![crowded(file, at)]);
    }
    // Inside brackets an expression may spread over lines and end in a comment.
    match parser::parse_expr(&format!("({text}\n)")) {
        Ok(parsed) => {
            let mut converter = Converter::new(file, Origin::Shift(-1));
            let outer = converter.expression(&parsed);
            let expression = match &*outer.node {
                Node::Parenthesis(inner) => inner.clone(),
                _ => outer,
            };
            if converter.diagnostics.is_empty() {
                Ok(expression)
            } else {
                Err(converter.diagnostics)
            }
        }
        Err(error) => {
            let at = error.location().offset().saturating_sub(1).min(text.len());
            Err(vec![syntax_error(file, &text, at, error.message())])
        }
    }
}

/// Parses the expression that a string of the JSON form holds; every place is the whole string.
pub(super) fn expression_in_string(text: &str, span: Span) -> Result<Expression, Vec<Diagnostic>> {
    let scan = scan(text);
    let wrong = |label: &str| vec![Diagnostic::error(codes::SYNTAX, span, label)];
    if !scan.open.is_empty() || scan.stray.is_some() || scan.crowded.is_some() {
        return Err(wrong("the brackets or quotes in this string don't match"));
    }
    match parser::parse_expr(text.trim()) {
        Ok(parsed) => {
            let mut converter = Converter::new(span.file, Origin::Whole(span.start, span.end));
            let expression = converter.expression(&parsed);
            if converter.diagnostics.is_empty() {
                Ok(expression)
            } else {
                Err(converter.diagnostics)
            }
        }
        Err(error) => Err(wrong(&wording(error.message(), ""))),
    }
}

/// Parses a text that is one template, as `templatefile` and JSON strings have it.
///
/// # Errors
/// What is wrong with its syntax.
pub fn parse_template(file: FileId, sources: &Sources) -> Result<Expression, Vec<Diagnostic>> {
    let text = sources.text(file);
    template_at(file, &text, &text, Origin::Shift(0))
}

/// Parses `text`, which lies in a file as `origin` says; `whole` is the file's text.
pub(super) fn template_at(
    file: FileId,
    text: &str,
    whole: &str,
    origin: Origin,
) -> Result<Expression, Vec<Diagnostic>> {
    let mut converter = Converter::new(file, origin);
    let scan = scan_template(text);
    if let Some(at) = scan.crowded {
        let mut diagnostic = crowded(file, at);
        diagnostic.span = Some(converter.place(Some(at..at + 1)));
        return Err(vec![diagnostic]);
    }
    match parser::parse_template(text) {
        Ok(template) => {
            let span = converter.place(Some(0..text.len()));
            let node = converter.template(&template, span);
            if converter.diagnostics.is_empty() {
                Ok(Expression::new(node, span))
            } else {
                Err(converter.diagnostics)
            }
        }
        Err(error) => {
            let at = error.location().offset();
            let span = converter.place(Some(at..at));
            if let Some(open) = scan.open.first() {
                let mut diagnostic = unterminated(file, open, whole);
                diagnostic.span =
                    Some(converter.place(Some(open.at..open.at + open.what.opening().len())));
                diagnostic.notes.clear();
                return Err(vec![diagnostic]);
            }
            Err(vec![match origin {
                Origin::Shift(_) => syntax_error(file, whole, span.start, error.message()),
                Origin::Whole(..) => {
                    Diagnostic::error(codes::SYNTAX, span, wording(error.message(), ""))
                }
            }])
        }
    }
}

/// The bytes of the top-level item that holds `at`.
fn item_around(scan: &Scan, length: usize, at: usize) -> (usize, usize) {
    let next = scan.items.partition_point(|start| *start <= at);
    let start = next.checked_sub(1).map_or(0, |index| scan.items[index]);
    (start, scan.items.get(next).copied().unwrap_or(length))
}

fn blank_item(text: &mut String, scan: &Scan, at: usize) {
    let (start, end) = item_around(scan, text.len(), at);
    blank(text, start, end);
}

/// Puts spaces in the place of everything but line ends; false when nothing was there any more.
fn blank(text: &mut String, start: usize, end: usize) -> bool {
    let blanked: String = text[start..end]
        .bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect();
    let changed = blanked != text[start..end];
    text.replace_range(start..end, &blanked);
    changed
}
