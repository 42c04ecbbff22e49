//! Functions of strings. Lengths and positions count characters as people see them.

use std::collections::BTreeMap;

use regex::{Captures, Regex};
use unicode_segmentation::UnicodeSegmentation;

use super::super::value::Value;
use super::call::{Arguments, Outcome, Problem};

/// The most pieces that a text is taken apart into.
const MOST_PIECES: usize = 100_000;

fn refuse_crowd(pieces: usize) -> Result<(), Problem> {
    if pieces > MOST_PIECES {
        return Err(Problem::Argument(
            1,
            format!("this would be more than {MOST_PIECES} pieces"),
        ));
    }
    Ok(())
}

pub(super) fn chomp(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::string(
        arguments.text(0)?.trim_end_matches(['\r', '\n']),
    ))
}

pub(super) fn endswith(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::bool(
        arguments.text(0)?.ends_with(&arguments.text(1)?),
    ))
}

pub(super) fn startswith(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::bool(
        arguments.text(0)?.starts_with(&arguments.text(1)?),
    ))
}

/// Every line but the first gets so many spaces.
pub(super) fn indent(arguments: &Arguments<'_>) -> Outcome {
    let text = arguments.text(1)?;
    let spaces = usize::try_from(arguments.integer(0)?)
        .map_err(|_| Problem::Argument(0, "the number of spaces can't be negative".into()))?;
    let lines = text.matches('\n').count();
    Problem::unless_room(
        spaces
            .saturating_mul(lines.max(1))
            .saturating_add(text.len()),
    )?;
    Ok(Value::string(
        text.replace('\n', &format!("\n{}", " ".repeat(spaces))),
    ))
}

pub(super) fn join(arguments: &Arguments<'_>) -> Outcome {
    let separator = arguments.text(0)?;
    let mut texts = Vec::new();
    for index in 1..arguments.count() {
        texts.extend(arguments.texts(index)?);
    }
    let bytes =
        texts.iter().map(String::len).sum::<usize>() + separator.len().saturating_mul(texts.len());
    Problem::unless_room(bytes)?;
    Ok(Value::string(texts.join(&separator)))
}

pub(super) fn lower(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::string(arguments.text(0)?.to_lowercase()))
}

pub(super) fn upper(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::string(arguments.text(0)?.to_uppercase()))
}

/// The first letter of each word in upper case.
pub(super) fn title(arguments: &Arguments<'_>) -> Outcome {
    let mut result = String::new();
    let mut inside = false;
    for character in arguments.text(0)?.chars() {
        if inside {
            result.push(character);
        } else {
            result.extend(character.to_uppercase());
        }
        inside = character.is_alphanumeric()
            || character == '_'
            || !character.is_ascii() && !character.is_whitespace();
    }
    Ok(Value::string(result))
}

fn pattern(text: &str, index: usize) -> Result<Regex, Problem> {
    Regex::new(text).map_err(|error| {
        // The error's text draws the pattern over several lines; its last line says what is wrong.
        let text = error.to_string();
        let last = text
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned();
        Problem::Argument(index, format!("this is not a valid pattern: {last}"))
    })
}

/// What one match gives: an object with named groups, a list with unnamed ones, else the text.
fn captured(regex: &Regex, captures: &Captures<'_>) -> Value {
    let group = |found: Option<regex::Match<'_>>| {
        found.map_or_else(Value::null, |found| Value::string(found.as_str()))
    };
    if regex.captures_len() == 1 {
        return group(captures.get(0));
    }
    let names: Vec<&str> = regex.capture_names().flatten().collect();
    if names.is_empty() {
        return Value::list(captures.iter().skip(1).map(group).collect());
    }
    let entries: BTreeMap<String, Value> = names
        .into_iter()
        .map(|name| (name.to_owned(), group(captures.name(name))))
        .collect();
    Value::object(entries)
}

fn check_groups(regex: &Regex) -> Result<(), Problem> {
    let named = regex.capture_names().flatten().count();
    if named > 0 && named < regex.captures_len() - 1 {
        return Err(Problem::Argument(
            0,
            "name either all groups of the pattern or none".into(),
        ));
    }
    Ok(())
}

pub(super) fn regex(arguments: &Arguments<'_>) -> Outcome {
    let regex = pattern(&arguments.text(0)?, 0)?;
    check_groups(&regex)?;
    match regex.captures(&arguments.text(1)?) {
        Some(captures) => Ok(captured(&regex, &captures)),
        None => Err(Problem::Argument(
            1,
            "the pattern doesn't match; try(regex(…), null) allows for that".into(),
        )),
    }
}

pub(super) fn regexall(arguments: &Arguments<'_>) -> Outcome {
    let regex = pattern(&arguments.text(0)?, 0)?;
    check_groups(&regex)?;
    let mut found = Vec::new();
    for captures in regex.captures_iter(&arguments.text(1)?) {
        found.push(captured(&regex, &captures));
        refuse_crowd(found.len())?;
        Problem::unless_room(found.len() * regex.captures_len() * size_of::<Value>())?;
    }
    Ok(Value::list(found))
}

/// Plain text, or a pattern between slashes, in which `$1` stands for a group.
pub(super) fn replace(arguments: &Arguments<'_>) -> Outcome {
    let (text, part, by) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
    let inner = part
        .strip_prefix('/')
        .and_then(|rest| rest.strip_suffix('/'));
    if let Some(inner) = inner {
        let regex = pattern(inner, 1)?;
        let mut result = String::new();
        let mut end = 0;
        for captures in regex.captures_iter(&text) {
            // Group 0 is the match itself, so it is there.
            let whole = captures.get(0).map_or(end..end, |whole| whole.range());
            result.push_str(&text[end..whole.start]);
            captures.expand(&by, &mut result);
            end = whole.end;
            Problem::unless_room(result.len())?;
        }
        result.push_str(&text[end..]);
        return Ok(Value::string(result));
    }
    let count = text.matches(&part).count();
    Problem::unless_room(text.len().saturating_add(count.saturating_mul(by.len())))?;
    Ok(Value::string(text.replace(&part, &by)))
}

pub(super) fn split(arguments: &Arguments<'_>) -> Outcome {
    let (separator, text) = (arguments.text(0)?, arguments.text(1)?);
    if separator.is_empty() {
        refuse_crowd(text.chars().take(MOST_PIECES + 1).count())?;
        let characters = text
            .chars()
            .map(|character| Value::string(character.to_string()));
        return Ok(Value::list(characters.collect()));
    }
    refuse_crowd(text.matches(&separator).take(MOST_PIECES + 1).count())?;
    Ok(Value::list(
        text.split(&separator).map(Value::string).collect(),
    ))
}

pub(super) fn strrev(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::string(
        arguments.text(0)?.graphemes(true).rev().collect::<String>(),
    ))
}

/// A negative offset counts from the end; the length -1 means the rest.
pub(super) fn substr(arguments: &Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    let (offset, length) = (arguments.integer(1)?, arguments.integer(2)?);
    let count = text.graphemes(true).count();
    let start = match usize::try_from(offset) {
        Ok(offset) => offset,
        Err(_) => {
            count.saturating_sub(usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX))
        }
    };
    let length = match usize::try_from(length) {
        Ok(length) => length,
        Err(_) if length == -1 => usize::MAX,
        Err(_) => {
            return Err(Problem::Argument(
                2,
                "the length is at least 0, or -1 for the rest".into(),
            ));
        }
    };
    Ok(Value::string(
        text.graphemes(true)
            .skip(start)
            .take(length)
            .collect::<String>(),
    ))
}

pub(super) fn trim(arguments: &Arguments<'_>) -> Outcome {
    let characters: Vec<char> = arguments.text(1)?.chars().collect();
    Ok(Value::string(
        arguments.text(0)?.trim_matches(characters.as_slice()),
    ))
}

pub(super) fn trimprefix(arguments: &Arguments<'_>) -> Outcome {
    let (text, prefix) = (arguments.text(0)?, arguments.text(1)?);
    Ok(Value::string(text.strip_prefix(&prefix).unwrap_or(&text)))
}

pub(super) fn trimsuffix(arguments: &Arguments<'_>) -> Outcome {
    let (text, suffix) = (arguments.text(0)?, arguments.text(1)?);
    Ok(Value::string(text.strip_suffix(&suffix).unwrap_or(&text)))
}

pub(super) fn trimspace(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::string(arguments.text(0)?.trim()))
}

pub(super) fn strcontains(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::bool(
        arguments.text(0)?.contains(&arguments.text(1)?),
    ))
}
