//! Syntax errors in words that people use, at the place where the mistake is: the parser's own lists of what
//! it expected help nobody at 3 a.m. Pure.

use hcl_edit::parser;

use super::scan::{Open, What};
use crate::diagnostics::{Diagnostic, FileId, Span, codes};

pub(super) fn unterminated(file: FileId, open: &Open, text: &str) -> Diagnostic {
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

pub(super) fn crowded(file: FileId, at: usize) -> Diagnostic {
    Diagnostic::error(
        codes::SYNTAX,
        Span::new(file, at, at + 1),
        "there are too many entries in this object and those before it",
    )
    .help("keep large data in a JSON file: jsondecode(file(\"data.json\"))")
}

/// The parser's error at `at`, in words that people use.
pub(super) fn syntax_error(file: FileId, text: &str, at: usize, message: &str) -> Diagnostic {
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
pub(super) fn closer(
    text: &str,
    start: usize,
    end: usize,
    at: usize,
    message: &str,
) -> (usize, String) {
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
pub(super) fn wording(message: &str, rest: &str) -> String {
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
