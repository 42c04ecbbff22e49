//! Functions that encode and decode: base64, JSON, YAML. Decoded data is bounded before it is built.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::value::{Kind, Value};
use super::call::{Arguments, Outcome, Problem};
use super::yaml;

/// The most values that decoded text may hold.
const MOST_VALUES: usize = 500_000;

pub(super) fn base64encode(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::string(STANDARD.encode(arguments.text(0)?)))
}

pub(super) fn base64decode(arguments: &Arguments<'_>) -> Outcome {
    let bytes = STANDARD
        .decode(arguments.text(0)?)
        .map_err(|error| Problem::Argument(0, format!("this is not base64: {error}")))?;
    String::from_utf8(bytes)
        .map(Value::string)
        .map_err(|_| Problem::Argument(0, "what this holds is not UTF-8 text".into()))
}

pub(super) fn jsondecode(arguments: &Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    refuse_crowd(&text, b",")?;
    serde_json::from_str::<serde_json::Value>(&text)
        .map(|json| Value::from_json(&json))
        .map_err(|error| Problem::Argument(0, format!("this is not JSON: {error}")))
}

pub(super) fn yamldecode(arguments: &Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    refuse_crowd(&text, b",\n")?;
    serde_saphyr::from_str::<serde_json::Value>(&text)
        .map(|json| Value::from_json(&json))
        .map_err(|error| {
            let text = error.to_string();
            Problem::Argument(
                0,
                format!(
                    "this is not YAML: {}",
                    text.lines().next().unwrap_or_default()
                ),
            )
        })
}

/// Each value but the first follows one of the separators, so counting them bounds the memory.
fn refuse_crowd(text: &str, separators: &[u8]) -> Result<(), Problem> {
    if text
        .bytes()
        .filter(|byte| separators.contains(byte))
        .count()
        > MOST_VALUES
    {
        return Err(Problem::Argument(
            0,
            format!("this holds more than {MOST_VALUES} values"),
        ));
    }
    Ok(())
}

pub(super) fn jsonencode(arguments: &Arguments<'_>) -> Outcome {
    let mut text = String::new();
    write_json(arguments.value(0)?, &mut text)?;
    Ok(Value::string(text))
}

pub(super) fn yamlencode(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::string(yaml::encode(arguments.value(0)?)?))
}

/// Refuses what has no form in JSON or YAML.
pub(super) fn no_form(value: &Value) -> Problem {
    Problem::Argument(
        0,
        format!(
            "{} can't be encoded; take one of its attributes",
            value.describe()
        ),
    )
}

/// Compact JSON with sorted keys. `<`, `>` and `&` are escaped, as Terraform does.
pub(super) fn write_json(value: &Value, text: &mut String) -> Result<(), Problem> {
    match &value.kind {
        Kind::Null => text.push_str("null"),
        Kind::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Kind::Number(number) => text.push_str(&number.to_string()),
        Kind::String(string) => write_json_string(string, text),
        Kind::List(items) | Kind::Set(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_json(item, text)?;
            }
            text.push(']');
        }
        Kind::Object(entries) => {
            text.push('{');
            for (index, (key, item)) in entries.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_json_string(key, text);
                text.push(':');
                write_json(item, text)?;
            }
            text.push('}');
        }
        Kind::Reference(_) => return Err(no_form(value)),
    }
    Ok(())
}

/// A string with quotes and escapes.
pub(super) fn write_json_string(string: &str, text: &mut String) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                // Writing to a string can't fail.
                let _ = write!(text, "\\u{:04x}", u32::from(character));
            }
            _ => text.push(character),
        }
    }
    text.push('"');
}
