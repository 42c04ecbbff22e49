//! Values become ones of a type, as Terraform's do, and two types find the one that both share.
//!
//! Pure. Problems come back as phrases that say where inside the value they are; the caller knows the
//! place in the file.

use std::collections::BTreeMap;
use std::fmt;

use super::types::{Field, Presence, Type};
use super::value::{Kind, Number, Value};
use crate::diagnostics::{did_you_mean, nearest};

/// Where inside a value something doesn't fit, and why: `.servers[2].port: a number is wanted, …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Such as `.servers[2].port`; empty for the value itself.
    pub path: String,
    /// Why.
    pub text: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            formatter.write_str(&self.text)
        } else {
            write!(
                formatter,
                "at {}: {}",
                self.path.trim_start_matches('.'),
                self.text
            )
        }
    }
}

impl From<Mismatch> for String {
    fn from(mismatch: Mismatch) -> String {
        mismatch.to_string()
    }
}

impl Mismatch {
    fn new(text: impl Into<String>) -> Mismatch {
        Mismatch {
            path: String::new(),
            text: text.into(),
        }
    }

    fn inside(mut self, step: &str) -> Mismatch {
        self.path.insert_str(0, step);
        self
    }
}

/// The value as one of the type. Keeps places and marks; null fits every type.
///
/// # Errors
/// Where and why it doesn't fit.
pub fn convert(value: &Value, kind: &Type) -> Result<Value, Mismatch> {
    if value.is_null() && !matches!(kind, Type::Any) {
        return Ok(value.clone());
    }
    let converted = match kind {
        Type::Any => return Ok(value.clone()),
        Type::String => match value.to_text() {
            Some(text) => match &value.kind {
                Kind::String(_) => return Ok(value.clone()),
                _ => Value::string(text),
            },
            None => return Err(wanted("a string", value)),
        },
        Type::Number => match &value.kind {
            Kind::Number(_) => return Ok(value.clone()),
            Kind::String(text) => {
                Value::number(Number::parse(text).ok_or_else(|| wanted_text("a number", value))?)
            }
            _ => return Err(wanted("a number", value)),
        },
        Type::Bool => match &value.kind {
            Kind::Bool(_) => return Ok(value.clone()),
            Kind::String(text) => match &**text {
                "true" | "1" => Value::bool(true),
                "false" | "0" => Value::bool(false),
                _ => return Err(wanted_text("true or false", value)),
            },
            _ => return Err(wanted("true or false", value)),
        },
        Type::List(of) => Value::list(elements(value, of, "a list")?),
        Type::Set(of) => Value::set(elements(value, of, "a set")?),
        Type::Map(of) => Value::object(map_entries(value, of)?),
        Type::Tuple(kinds) => Value::list(tuple(value, kinds)?),
        Type::Object(fields) => Value::object(object(value, fields)?),
    };
    let mut converted = converted.marked(value.sensitive);
    converted.span = value.span;
    Ok(converted)
}

fn wanted(what: &str, value: &Value) -> Mismatch {
    Mismatch::new(format!(
        "{what} is wanted, but this is {}",
        value.describe()
    ))
}

fn wanted_text(what: &str, value: &Value) -> Mismatch {
    match value.as_str() {
        Some(text) if !value.sensitive && text.len() <= 40 => Mismatch::new(format!(
            "{what} is wanted, but this is \"{}\"",
            text.escape_debug()
        )),
        _ => wanted(what, value),
    }
}

fn elements(value: &Value, of: &Type, what: &str) -> Result<Vec<Value>, Mismatch> {
    let items = value.items().ok_or_else(|| wanted(what, value))?;
    let shared = shared_type(of, items.iter())?;
    items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            convert(item, &shared).map_err(|problem| problem.inside(&format!("[{index}]")))
        })
        .collect()
}

fn map_entries(value: &Value, of: &Type) -> Result<BTreeMap<String, Value>, Mismatch> {
    let Kind::Object(entries) = &value.kind else {
        return Err(wanted("a map", value));
    };
    let shared = shared_type(of, entries.values())?;
    entries
        .iter()
        .map(|(key, item)| match convert(item, &shared) {
            Ok(converted) => Ok((key.clone(), converted)),
            Err(problem) => Err(problem.inside(&step(key))),
        })
        .collect()
}

/// The type of a collection's elements: where that is open, the one that all elements share.
fn shared_type<'a>(of: &Type, items: impl Iterator<Item = &'a Value>) -> Result<Type, Mismatch> {
    if *of != Type::Any {
        return Ok(of.clone());
    }
    let mut shared = Type::Any;
    for item in items {
        shared = unify(&shared, &type_of(item))
            .ok_or_else(|| Mismatch::new("all elements must have the same type"))?;
    }
    Ok(shared)
}

fn tuple(value: &Value, kinds: &[Type]) -> Result<Vec<Value>, Mismatch> {
    let items = value.items().ok_or_else(|| wanted("a list", value))?;
    if items.len() != kinds.len() {
        return Err(Mismatch::new(format!(
            "{} elements are wanted, but this has {}",
            kinds.len(),
            items.len()
        )));
    }
    items
        .iter()
        .zip(kinds)
        .enumerate()
        .map(|(index, (item, kind))| {
            convert(item, kind).map_err(|problem| problem.inside(&format!("[{index}]")))
        })
        .collect()
}

fn object(
    value: &Value,
    fields: &BTreeMap<String, Field>,
) -> Result<BTreeMap<String, Value>, Mismatch> {
    let Kind::Object(entries) = &value.kind else {
        return Err(wanted("an object", value));
    };
    let mut result = BTreeMap::new();
    for (name, field) in fields {
        let given = entries.get(name);
        let converted = match (given, &field.presence) {
            (Some(given), Presence::Optional(Some(default))) if given.is_null() => default.clone(),
            (Some(given), _) => {
                convert(given, &field.kind).map_err(|problem| problem.inside(&step(name)))?
            }
            (None, Presence::Optional(default)) => default.clone().unwrap_or_else(Value::null),
            (None, Presence::Required) => return Err(missing(name, entries)),
        };
        result.insert(name.clone(), converted);
    }
    Ok(result)
}

fn missing(name: &str, entries: &BTreeMap<String, Value>) -> Mismatch {
    match did_you_mean(name, entries.keys().map(String::as_str)) {
        Some(_) => {
            let near = nearest(name, entries.keys().map(String::as_str)).unwrap_or_default();
            Mismatch::new(format!(
                "the attribute `{name}` is missing (there is `{near}`)"
            ))
        }
        None => Mismatch::new(format!("the attribute `{name}` is missing")),
    }
}

fn step(key: &str) -> String {
    let plain = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if plain {
        format!(".{key}")
    } else {
        format!("[\"{}\"]", key.escape_debug())
    }
}

/// The narrowest type of a value; null and blocks have none of their own.
pub fn type_of(value: &Value) -> Type {
    match &value.kind {
        Kind::Null | Kind::Reference(_) => Type::Any,
        Kind::Bool(_) => Type::Bool,
        Kind::Number(_) => Type::Number,
        Kind::String(_) => Type::String,
        Kind::List(items) => Type::Tuple(items.iter().map(type_of).collect()),
        Kind::Set(items) => Type::Set(Box::new(items.first().map_or(Type::Any, type_of))),
        Kind::Object(entries) => Type::Object(
            entries
                .iter()
                .map(|(name, value)| {
                    (
                        name.clone(),
                        Field {
                            kind: type_of(value),
                            presence: Presence::Required,
                        },
                    )
                })
                .collect(),
        ),
    }
}

/// The type that values of both convert to; `None` when there is none.
pub fn unify(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        _ if a == b => Some(a.clone()),
        (Type::Any, other) | (other, Type::Any) => Some(other.clone()),
        (Type::String, Type::Number | Type::Bool) | (Type::Number | Type::Bool, Type::String) => {
            Some(Type::String)
        }
        (Type::List(a), Type::List(b)) => Some(Type::List(Box::new(unify(a, b)?))),
        (Type::Set(a), Type::Set(b) | Type::List(b)) | (Type::List(a), Type::Set(b)) => {
            Some(Type::Set(Box::new(unify(a, b)?)))
        }
        (Type::Map(a), Type::Map(b)) => Some(Type::Map(Box::new(unify(a, b)?))),
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => Some(Type::Tuple(
            a.iter()
                .zip(b)
                .map(|(a, b)| unify(a, b))
                .collect::<Option<_>>()?,
        )),
        (Type::Tuple(a), Type::Tuple(b)) => {
            Some(Type::List(Box::new(unify_all(a.iter().chain(b))?)))
        }
        (Type::Tuple(items), Type::List(of)) | (Type::List(of), Type::Tuple(items)) => {
            Some(Type::List(Box::new(unify(&unify_all(items.iter())?, of)?)))
        }
        (Type::Tuple(items), Type::Set(of)) | (Type::Set(of), Type::Tuple(items)) => {
            Some(Type::Set(Box::new(unify(&unify_all(items.iter())?, of)?)))
        }
        (Type::Object(a), Type::Object(b)) if a.keys().eq(b.keys()) => {
            let fields = a.iter().zip(b.values()).map(|((name, a), b)| {
                Some((
                    name.clone(),
                    Field {
                        kind: unify(&a.kind, &b.kind)?,
                        presence: Presence::Required,
                    },
                ))
            });
            Some(Type::Object(fields.collect::<Option<_>>()?))
        }
        (Type::Object(a), Type::Object(b)) => {
            let kinds = a.values().chain(b.values()).map(|field| &field.kind);
            Some(Type::Map(Box::new(unify_all(kinds)?)))
        }
        (Type::Object(fields), Type::Map(of)) | (Type::Map(of), Type::Object(fields)) => {
            let shared = unify_all(fields.values().map(|field| &field.kind))?;
            Some(Type::Map(Box::new(unify(&shared, of)?)))
        }
        _ => None,
    }
}

/// The type that all share.
pub fn unify_all<'a>(kinds: impl Iterator<Item = &'a Type>) -> Option<Type> {
    kinds
        .into_iter()
        .try_fold(Type::Any, |shared, kind| unify(&shared, kind))
}

/// What a value is, for messages about two that differ.
pub fn describe(value: &Value) -> String {
    match &value.kind {
        Kind::Object(entries) if !entries.is_empty() && entries.len() <= 6 => {
            let names: Vec<&str> = entries.keys().map(String::as_str).collect();
            format!("an object with {}", names.join(", "))
        }
        Kind::List(items) => format!("a list of {}", items.len()),
        _ => value.describe().to_owned(),
    }
}
