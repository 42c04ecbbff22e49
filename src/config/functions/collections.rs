//! Functions of lists and maps.

use std::collections::{BTreeMap, BTreeSet};

use unicode_segmentation::UnicodeSegmentation;

use super::super::types::{self, Type};
use super::super::value::{Kind, Value};
use super::call::{Arguments, Outcome, Problem};

pub(super) fn alltrue(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::bool(truths(arguments)?.iter().all(|truth| *truth)))
}

pub(super) fn anytrue(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::bool(truths(arguments)?.iter().any(|truth| *truth)))
}

/// The elements as booleans; null counts as false.
fn truths(arguments: &Arguments<'_>) -> Result<Vec<bool>, Problem> {
    let convert = |(index, item): (usize, &Value)| match types::convert(item, &Type::Bool) {
        Ok(value) => Ok(value.as_bool().unwrap_or(false)),
        Err(mismatch) => Err(Problem::Argument(0, format!("element {index}: {mismatch}"))),
    };
    arguments
        .items(0)?
        .iter()
        .enumerate()
        .map(convert)
        .collect()
}

/// The first that is neither null nor an empty string, as the type that all share.
pub(super) fn coalesce(arguments: &Arguments<'_>) -> Outcome {
    let kinds: Vec<Type> = arguments.values.iter().map(types::type_of).collect();
    let shared = types::unify_all(kinds.iter())
        .ok_or_else(|| Problem::Call("all arguments must have the same type".into()))?;
    let found = arguments
        .values
        .iter()
        .find(|value| !value.is_null() && value.as_str() != Some(""));
    match found {
        Some(value) => {
            types::convert(value, &shared).map_err(|mismatch| Problem::Call(mismatch.to_string()))
        }
        None => Err(Problem::Call(
            "every argument is null or an empty string".into(),
        )),
    }
}

pub(super) fn coalescelist(arguments: &Arguments<'_>) -> Outcome {
    for (index, value) in arguments.values.iter().enumerate() {
        if value.is_null() {
            continue;
        }
        if !arguments.items(index)?.is_empty() {
            return Ok(value.clone());
        }
    }
    Err(Problem::Call("every list is empty".into()))
}

pub(super) fn compact(arguments: &Arguments<'_>) -> Outcome {
    let mut kept = Vec::new();
    for (index, item) in arguments.items(0)?.iter().enumerate() {
        if item.is_null() {
            continue;
        }
        let text = types::convert(item, &Type::String)
            .map_err(|mismatch| Problem::Argument(0, format!("element {index}: {mismatch}")))?;
        if text.as_str() != Some("") {
            kept.push(text);
        }
    }
    Ok(Value::list(kept))
}

pub(super) fn concat(arguments: &Arguments<'_>) -> Outcome {
    let mut lists = Vec::new();
    for index in 0..arguments.count() {
        lists.push(arguments.items(index)?);
    }
    Problem::unless_room(lists.iter().map(|list| list.len()).sum::<usize>() * size_of::<Value>())?;
    Ok(Value::list(lists.concat()))
}

pub(super) fn contains(arguments: &Arguments<'_>) -> Outcome {
    let wanted = arguments.value(1)?;
    Ok(Value::bool(arguments.items(0)?.contains(wanted)))
}

pub(super) fn distinct(arguments: &Arguments<'_>) -> Outcome {
    let items = arguments.items(0)?;
    let mut order: Vec<usize> = (0..items.len()).collect();
    // Stable, so of equals the first comes first.
    order.sort_by(|a, b| items[*a].order(&items[*b]));
    order.dedup_by(|a, b| items[*a] == items[*b]);
    order.sort_unstable();
    Ok(Value::list(
        order
            .into_iter()
            .map(|index| items[index].clone())
            .collect(),
    ))
}

/// The element at an index, counted round.
pub(super) fn element(arguments: &Arguments<'_>) -> Outcome {
    let list = arguments.value(0)?;
    if let Kind::Set(_) = list.kind {
        return Err(Problem::Argument(
            0,
            "a set has no order; make it a list: tolist(…)".into(),
        ));
    }
    let items = arguments.items(0)?;
    let index = usize::try_from(arguments.integer(1)?)
        .map_err(|_| Problem::Argument(1, "an index can't be negative".into()))?;
    match items.len() {
        0 => Err(Problem::Argument(0, "an empty list has no elements".into())),
        count => Ok(items[index % count].clone()),
    }
}

pub(super) fn flatten(arguments: &Arguments<'_>) -> Outcome {
    let mut flat = Vec::new();
    append_flat(arguments.items(0)?, &mut flat);
    Ok(Value::list(flat))
}

/// Depth is that of a value, which evaluation bounds.
fn append_flat(items: &[Value], flat: &mut Vec<Value>) {
    for item in items {
        match item.items() {
            // The mark of an inner list goes over to its elements.
            Some(inner) if item.sensitive => {
                let marked: Vec<_> = inner
                    .iter()
                    .map(|value| value.clone().marked(true))
                    .collect();
                append_flat(&marked, flat);
            }
            Some(inner) => append_flat(inner, flat),
            None => flat.push(item.clone()),
        }
    }
}

pub(super) fn index(arguments: &Arguments<'_>) -> Outcome {
    let wanted = arguments.value(1)?;
    match arguments.items(0)?.iter().position(|item| item == wanted) {
        Some(index) => Ok(Value::number(index)),
        None => Err(Problem::Argument(
            1,
            "the list doesn't hold this value".into(),
        )),
    }
}

pub(super) fn keys(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::list(
        arguments
            .entries(0)?
            .keys()
            .map(|key| Value::string(key.as_str()))
            .collect(),
    ))
}

/// Elements, entries, or characters as people see them.
pub(super) fn length(arguments: &Arguments<'_>) -> Outcome {
    let value = arguments.value(0)?;
    let count = match &value.kind {
        Kind::List(items) | Kind::Set(items) => items.len(),
        Kind::Object(entries) => entries.len(),
        Kind::String(text) => text.graphemes(true).count(),
        _ => {
            let text = format!(
                "a list, map or string is wanted, but this is {}",
                value.describe()
            );
            return Err(Problem::Argument(0, text));
        }
    };
    Ok(Value::number(count))
}

pub(super) fn lookup(arguments: &Arguments<'_>) -> Outcome {
    if arguments.value(0)?.is_null() || arguments.value(1)?.is_null() {
        let index = usize::from(!arguments.value(0)?.is_null());
        return Err(Problem::Argument(index, "this is null".into()));
    }
    let key = arguments.text(1)?;
    match (arguments.entries(0)?.get(&key), arguments.get(2)) {
        (Some(value), _) => Ok(value.clone()),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) if arguments.value(1)?.is_sensitive() => {
            Err(Problem::Argument(1, "there is no such key".into()))
        }
        (None, None) => Err(Problem::Argument(
            1,
            format!("there is no key \"{}\"", key.escape_debug()),
        )),
    }
}

/// All entries; of a key that is in several maps the last counts. null is left out.
pub(super) fn merge(arguments: &Arguments<'_>) -> Outcome {
    let mut merged = BTreeMap::new();
    for (index, value) in arguments.values.iter().enumerate() {
        if !value.is_null() {
            merged.extend(
                arguments
                    .entries(index)?
                    .iter()
                    .map(|(key, value)| (key.clone(), value.clone())),
            );
        }
    }
    Ok(Value::object(merged))
}

/// The only element, or null for none.
pub(super) fn one(arguments: &Arguments<'_>) -> Outcome {
    match arguments.items(0)? {
        [] => Ok(Value::null()),
        [only] => Ok(only.clone()),
        more => Err(Problem::Argument(
            0,
            format!(
                "at most one element is wanted, but there are {}",
                more.len()
            ),
        )),
    }
}

pub(super) fn reverse(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::list(
        arguments.items(0)?.iter().rev().cloned().collect(),
    ))
}

pub(super) fn slice(arguments: &Arguments<'_>) -> Outcome {
    if let Kind::Set(_) = arguments.value(0)?.kind {
        return Err(Problem::Argument(
            0,
            "a set has no order; make it a list: tolist(…)".into(),
        ));
    }
    let items = arguments.items(0)?;
    let inside = |index: usize| -> Result<usize, Problem> {
        let number = arguments.integer(index)?;
        let found = usize::try_from(number).ok().filter(|at| *at <= items.len());
        found.ok_or_else(|| {
            Problem::Argument(
                index,
                format!("this must be from 0 to {}, the list's length", items.len()),
            )
        })
    };
    let (start, end) = (inside(1)?, inside(2)?);
    if start > end {
        return Err(Problem::Argument(
            1,
            "the start must not be after the end".into(),
        ));
    }
    Ok(Value::list(items[start..end].to_vec()))
}

pub(super) fn sort(arguments: &Arguments<'_>) -> Outcome {
    let mut texts = arguments.texts(0)?;
    texts.sort_unstable();
    Ok(Value::list(texts.into_iter().map(Value::string).collect()))
}

/// From `{ a = ["1", "2"] }` to `{ "1" = ["a"], "2" = ["a"] }`.
pub(super) fn transpose(arguments: &Arguments<'_>) -> Outcome {
    let mut turned: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (key, value) in arguments.entries(0)? {
        let Some(items) = value.items() else {
            return Err(Problem::Argument(
                0,
                format!(
                    "\"{}\" holds {}, not a list",
                    key.escape_debug(),
                    value.describe()
                ),
            ));
        };
        for item in items {
            let text = item.to_text().ok_or_else(|| {
                Problem::Argument(
                    0,
                    format!(
                        "a list of strings is wanted, but it holds {}",
                        item.describe()
                    ),
                )
            })?;
            turned.entry(text).or_default().insert(key.clone());
        }
    }
    let lists = turned.into_iter().map(|(key, keys)| {
        (
            key,
            Value::list(keys.into_iter().map(Value::string).collect()),
        )
    });
    Ok(Value::object(lists.collect()))
}

/// In the order of their keys.
pub(super) fn values(arguments: &Arguments<'_>) -> Outcome {
    Ok(Value::list(
        arguments.entries(0)?.values().cloned().collect(),
    ))
}

pub(super) fn zipmap(arguments: &Arguments<'_>) -> Outcome {
    let keys = arguments.texts(0)?;
    let values = arguments.items(1)?;
    if keys.len() != values.len() {
        return Err(Problem::Call(format!(
            "there are {} keys and {} values",
            keys.len(),
            values.len()
        )));
    }
    Ok(Value::object(
        keys.into_iter().zip(values.iter().cloned()).collect(),
    ))
}

/// The list cut into lists of at most so many items.
pub(super) fn chunklist(arguments: &Arguments<'_>) -> Outcome {
    let items = arguments.items(0)?;
    let size = usize::try_from(arguments.integer(1)?)
        .map_err(|_| Problem::Argument(1, "the size can't be negative".into()))?;
    if items.is_empty() {
        return Ok(Value::list(Vec::new()));
    }
    let size = if size == 0 { items.len() } else { size };
    Ok(Value::list(
        items
            .chunks(size)
            .map(|chunk| Value::list(chunk.to_vec()))
            .collect(),
    ))
}

/// The values whose key of the same place is one of those sought.
pub(super) fn matchkeys(arguments: &Arguments<'_>) -> Outcome {
    let (values, keys) = (arguments.items(0)?, arguments.items(1)?);
    if values.len() != keys.len() {
        return Err(Problem::Argument(
            1,
            "there must be as many keys as values".into(),
        ));
    }
    let text = |value: &Value| value.to_text().unwrap_or_default();
    let sought: std::collections::BTreeSet<String> = arguments.items(2)?.iter().map(text).collect();
    let found = values
        .iter()
        .zip(keys)
        .filter(|(_, key)| sought.contains(&text(key)));
    Ok(Value::list(found.map(|(value, _)| value.clone()).collect()))
}
