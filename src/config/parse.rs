//! Parses HCL into our tree, with several syntax errors at once and in words that people use.
//!
//! The parser stops at its first error. So the top-level item that holds the error is blanked with
//! spaces (which keeps every place) and the text is parsed again, at most [`MOST_ERRORS`] times.

use hcl_edit::parser;

use super::convert::{Converter, Origin};
use super::scan::{Open, Scan, What, scan, scan_template};
use super::source::Sources;
use super::tree::{Body, Expression, Node};
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

fn unterminated(file: FileId, open: &Open, text: &str) -> Diagnostic {
    let opening = open.what.opening();
    let span = Span::new(file, open.at, (open.at + opening.len()).min(text.len()));
    let closing = open.what.closing();
    let (label, help) = match &open.what {
        What::Quote => (
            "this string is not closed on its line".to_owned(),
            "close it with `\"`; for text of several lines use a heredoc: <<EOT".to_owned(),
        ),
        What::Comment => (
            "this comment is never closed".to_owned(),
            "close it with `*/`".to_owned(),
        ),
        What::Heredoc(word) => (
            format!("this heredoc is never closed: no line holds {word} alone"),
            format!("put `{word}` on a line of its own after the text"),
        ),
        _ => (
            format!("this `{opening}` is never closed"),
            format!("close it with `{closing}`"),
        ),
    };
    let diagnostic = Diagnostic::error(codes::UNTERMINATED, span, label).help(help);
    match open.closed_by {
        Some(at) => diagnostic.note(
            Span::new(file, at, at + 1),
            format!("`{closing}` was expected before this"),
        ),
        None => diagnostic,
    }
}

fn crowded(file: FileId, at: usize) -> Diagnostic {
    Diagnostic::error(
        codes::SYNTAX,
        Span::new(file, at, at + 1),
        "there are too many entries in this object and those before it",
    )
    .help("keep large data in a JSON file: jsondecode(file(\"data.json\"))")
}

/// The parser's error at `at`, in words that people use.
fn syntax_error(file: FileId, text: &str, at: usize, message: &str) -> Diagnostic {
    let at = if message.starts_with("invalid escape") {
        bad_escape(text, at)
    } else {
        at
    };
    let mut start = at.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    // At a line's end the caret belongs on that line, not on the one after.
    let rest = &text[start..];
    let end = start + word_length(rest);
    let span = Span::new(file, start, end);
    if message.contains("redefined attribute") {
        let name = &text[start..end];
        return Diagnostic::error(
            codes::DUPLICATE_ATTRIBUTE,
            span,
            format!("`{name}` is set a second time here"),
        )
        .help("keep one of the two");
    }
    if message.contains("redefined object key") {
        return Diagnostic::error(
            codes::DUPLICATE_ATTRIBUTE,
            span,
            "this key stands in the object twice",
        )
        .help("keep one of the two");
    }
    match rest.chars().next() {
        Some('\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{2018}' | '\u{2019}') => {
            return Diagnostic::error(
                codes::CONTROL_CHARACTER,
                span,
                "this is a typographic quote",
            )
            .help("use the straight double quote `\"`");
        }
        Some('\'') => {
            return Diagnostic::error(
                codes::CONTROL_CHARACTER,
                span,
                "strings are quoted with `\"`, not with `'`",
            )
            .help("use the straight double quote `\"`");
        }
        Some(character)
            if character.is_control() && !character.is_whitespace()
                || matches!(character, '\u{a0}' | '\u{200b}' | '\u{feff}') =>
        {
            return Diagnostic::error(
                codes::CONTROL_CHARACTER,
                span,
                format!("an invisible character, U+{:04X}", u32::from(character)),
            )
            .help("delete it");
        }
        _ => {}
    }
    Diagnostic::error(codes::SYNTAX, span, wording(message, rest))
}

/// Where the parser gave up at the start of `name = …`, what is wrong with the value alone says more.
fn closer(text: &str, start: usize, end: usize, at: usize, message: &str) -> (usize, String) {
    let unchanged = || (at, message.to_owned());
    let item = &text[start..end];
    let name = item
        .find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-'))
        .unwrap_or(0);
    let Some(value) = item[name..]
        .trim_start()
        .strip_prefix('=')
        .map(str::trim_start)
    else {
        return unchanged();
    };
    if at != start || message != "unexpected token" {
        return unchanged();
    }
    match parser::parse_expr(value.trim_end()) {
        Err(error) => (
            end - value.len() + error.location().offset(),
            error.message().to_owned(),
        ),
        Ok(_) => unchanged(),
    }
}

/// The first escape on the line of `at` that isn't one: the parser tells only about where its string is.
fn bad_escape(text: &str, at: usize) -> usize {
    let line = text
        .get(..at)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |newline| newline + 1);
    let rest = &text[line..];
    let mut escapes = rest.match_indices('\\').map(|(index, _)| index);
    let mut after = 0;
    while let Some(index) = escapes.find(|index| *index >= after) {
        let letter = rest[index + 1..].chars().next();
        if !matches!(letter, Some('n' | 'r' | 't' | '"' | '\\' | 'u' | 'U')) {
            return line + index;
        }
        after = index + 2;
    }
    at
}

/// How much to mark: a word, or one character.
fn word_length(rest: &str) -> usize {
    if rest.starts_with('\\') {
        return rest.chars().take(2).map(char::len_utf8).sum();
    }
    let word = rest
        .find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-'))
        .unwrap_or(rest.len());
    match rest.chars().next() {
        Some('\n') | None => 0,
        Some(first) => word.max(first.len_utf8()),
    }
}

/// The parser's message in words that people use; `rest` is the text from the error on.
fn wording(message: &str, rest: &str) -> String {
    let at_line_end = rest.is_empty() || rest.starts_with(['\n', '\r', '#']);
    let found = || match rest.chars().next() {
        _ if at_line_end => "the line ends".to_owned(),
        Some(first) if first.is_alphanumeric() => format!("found `{}`", &rest[..word_length(rest)]),
        Some(first) => format!("found `{first}`"),
        None => "the text ends".to_owned(),
    };
    if message.contains("at most 64 nested levels") {
        return "nested more than 64 levels deep".to_owned();
    }
    if message.contains("at most 128 chained") {
        return "more than 128 operators in one expression".to_owned();
    }
    if message.starts_with("invalid expression") {
        return if at_line_end {
            "a value is missing here".to_owned()
        } else {
            format!("a value is missing here: {}", found())
        };
    }
    if message.starts_with("invalid structure") {
        return format!(
            "a name stands here: `=` and a value, or a block's `{{`, must follow, but {}",
            found()
        );
    }
    if message.starts_with("invalid escape sequence") {
        return "this escape is not known: \\n, \\r, \\t, \\\", \\\\, \\uNNNN and \\UNNNNNNNN are"
            .to_owned();
    }
    if message.starts_with("invalid unicode") {
        return "\\u wants 4 and \\U 8 hexadecimal digits of a character".to_owned();
    }
    if message.starts_with("invalid block body") {
        return format!(
            "a block of one line holds at most one attribute, and `}}` or a new line must follow here, but {}",
            found()
        );
    }
    if message.contains("expected newline or eof")
        || message.contains("newline") && message.contains("eof")
    {
        return format!("a new line must follow here, but {}", found());
    }
    if message.starts_with("invalid object item") {
        return format!(
            "a comma, a new line or `}}` must follow here, but {}",
            found()
        );
    }
    if message.starts_with("invalid object value assignment") {
        return format!("`=` and a value must follow the key, but {}", found());
    }
    if message.starts_with("invalid traversal operator")
        || message == "unexpected token" && rest.starts_with('.')
    {
        return format!("a name or number must follow the `.`, but {}", found());
    }
    match message.strip_prefix("expected ") {
        Some(expected) => format!("expected {expected} here, but {}", found()),
        None if message == "unexpected token" => format!("this can't stand here: {}", found()),
        None => message.to_owned(),
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
