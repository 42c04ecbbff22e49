//! Expressions of the console: works one out, and writes its value as HCL.

use super::evaluate::{Budget, evaluate};
use super::format::format;
use super::parse::parse_expression;
use super::source::Sources;
use super::value::{Kind, Value};
use super::world::World;
use crate::diagnostics::Diagnostic;

/// The value of an expression as HCL; sensitive values are masked. `line` counts the lines for messages.
///
/// # Errors
/// What is wrong with the expression.
pub fn answer(
    text: &str,
    line: usize,
    world: &World<'_>,
    sources: &Sources,
) -> Result<String, Vec<Diagnostic>> {
    let file = sources.add(format!("line {line}"), text);
    let value = evaluate(&parse_expression(file, sources)?, world, &mut Budget::new())?;
    let mut written = String::new();
    write(&value, &mut written);
    Ok(format(&written))
}

/// Writes a value as HCL, one entry a line.
fn write(value: &Value, out: &mut String) {
    if value.sensitive {
        out.push_str("(sensitive)");
        return;
    }
    match &value.kind {
        Kind::Null => out.push_str("null"),
        Kind::Bool(value) => out.push_str(&value.to_string()),
        Kind::Number(number) => out.push_str(&number.to_string()),
        Kind::String(text) => quoted(text, out),
        Kind::List(items) => list(items, out),
        Kind::Set(items) => {
            out.push_str("toset(");
            list(items, out);
            out.push(')');
        }
        Kind::Object(entries) if entries.is_empty() => out.push_str("{}"),
        Kind::Object(entries) => {
            out.push_str("{\n");
            for (name, value) in entries.iter() {
                if super::decode::is_identifier(name) {
                    out.push_str(name);
                } else {
                    quoted(name, out);
                }
                out.push_str(" = ");
                write(value, out);
                out.push('\n');
            }
            out.push('}');
        }
        Kind::Reference(reference) => out.push_str(&reference.address_text()),
    }
}

fn list(items: &[Value], out: &mut String) {
    if items.is_empty() {
        out.push_str("[]");
        return;
    }
    out.push_str("[\n");
    for item in items {
        write(item, out);
        out.push_str(",\n");
    }
    out.push(']');
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' if rest.starts_with("${") => out.push_str("$$"),
            '%' if rest.starts_with("%{") => out.push_str("%%"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    out.push('"');
}
