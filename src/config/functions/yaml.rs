//! Writes YAML as Terraform's `yamlencode` does: strings quoted, keys sorted and quoted, lists of a map not
//! indented, text of several lines as a literal block. Pure.

use std::fmt::Write as _;

use super::super::value::{Kind, Value};
use super::call::Problem;
use super::encoding::no_form;

/// One document.
pub(super) fn encode(value: &Value) -> Result<String, Problem> {
    let mut text = String::new();
    write(value, 0, &mut text)?;
    // A plain scalar could go on; the document's end says that it doesn't.
    if matches!(value.kind, Kind::Null | Kind::Bool(_) | Kind::Number(_)) {
        text.push_str("...\n");
    }
    Ok(text)
}

/// Writes a value where a line has begun, or goes on after `- `; ends with a line end.
fn write(value: &Value, indent: usize, text: &mut String) -> Result<(), Problem> {
    match &value.kind {
        Kind::List(items) | Kind::Set(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                begin(index, indent, text);
                text.push_str("- ");
                write(item, indent + 2, text)?;
            }
            Ok(())
        }
        Kind::Object(entries) if !entries.is_empty() => {
            for (index, (key, item)) in entries.iter().enumerate() {
                begin(index, indent, text);
                write_quoted(key, text);
                text.push(':');
                write_entry(item, indent, text)?;
            }
            Ok(())
        }
        _ => write_scalar(value, indent, text),
    }
}

/// The first line has its indentation already.
fn begin(index: usize, indent: usize, text: &mut String) {
    if index > 0 {
        text.push_str(&" ".repeat(indent));
    }
}

fn write_entry(item: &Value, indent: usize, text: &mut String) -> Result<(), Problem> {
    let (block, inner) = match &item.kind {
        Kind::List(items) | Kind::Set(items) => (!items.is_empty(), indent),
        Kind::Object(entries) => (!entries.is_empty(), indent + 2),
        _ => (false, indent + 2),
    };
    if block {
        text.push('\n');
        text.push_str(&" ".repeat(inner));
    } else {
        text.push(' ');
    }
    write(item, inner, text)
}

fn write_scalar(value: &Value, indent: usize, text: &mut String) -> Result<(), Problem> {
    match &value.kind {
        Kind::Null => text.push_str("null"),
        Kind::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Kind::Number(number) => text.push_str(&number.to_string()),
        Kind::String(string) if fits_literal(string) => {
            write_literal(string, indent.max(2), text);
            return Ok(());
        }
        Kind::String(string) => write_quoted(string, text),
        Kind::List(_) | Kind::Set(_) => text.push_str("[]"),
        Kind::Object(_) => text.push_str("{}"),
        Kind::Reference(_) => return Err(no_form(value)),
    }
    text.push('\n');
    Ok(())
}

/// Text of several lines that a literal block gives back exactly.
fn fits_literal(string: &str) -> bool {
    let safe = |character: char| {
        character == '\n'
            || !character.is_control()
                && !matches!(character, '\u{feff}' | '\u{85}' | '\u{2028}' | '\u{2029}')
    };
    string.contains('\n') && !string.starts_with([' ', '\n']) && string.chars().all(safe)
}

fn write_literal(string: &str, indent: usize, text: &mut String) {
    let body = string.trim_end_matches('\n');
    let chomping = match string.len() - body.len() {
        0 => "-",
        1 => "",
        _ => "+",
    };
    text.push('|');
    text.push_str(chomping);
    text.push('\n');
    for line in string.strip_suffix('\n').unwrap_or(string).split('\n') {
        if !line.is_empty() {
            text.push_str(&" ".repeat(indent));
            text.push_str(line);
        }
        text.push('\n');
    }
}

fn write_quoted(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            character
                if character.is_control()
                    || matches!(character, '\u{feff}' | '\u{2028}' | '\u{2029}') =>
            {
                // Writing to a string can't fail.
                let _ = match u32::from(character) {
                    code if code <= 0xff => write!(text, "\\x{code:02X}"),
                    code => write!(text, "\\u{code:04X}"),
                };
            }
            _ => text.push(character),
        }
    }
    text.push('"');
}
