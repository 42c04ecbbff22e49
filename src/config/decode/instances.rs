//! `for_each`: one block that becomes several.

use std::collections::BTreeMap;

use super::structure::{FOR_EACH, invalid_name};
use crate::config::evaluate::{Budget, Scope, evaluate};
use crate::config::tree::{Attribute, Block};
use crate::config::value::{Kind, Value};
use crate::diagnostics::{Diagnostic, codes};

/// What a block became: one, or one of each key of its `for_each`, in the order of the keys.
#[derive(Clone, Debug)]
pub enum Instances<T> {
    /// Without `for_each`.
    Single(T),
    /// With `for_each`; sorted by key.
    Keyed(Vec<(String, T)>),
}

/// A key and value of `for_each`; `None` where there is none.
pub type Each = Option<(String, Value)>;

impl<T> Instances<T> {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        let (single, keyed) = match self {
            Self::Single(item) => (Some(item), &[][..]),
            Self::Keyed(entries) => (None, entries.as_slice()),
        };
        single.into_iter().chain(keyed.iter().map(|(_, item)| item))
    }

    /// All of them, owned.
    pub fn into_all(self) -> Vec<T> {
        match self {
            Self::Single(item) => vec![item],
            Self::Keyed(entries) => entries.into_iter().map(|(_, item)| item).collect(),
        }
    }

    /// The one of a key, or the only one.
    pub fn get(&self, key: Option<&str>) -> Option<&T> {
        match (self, key) {
            (Self::Single(item), None) => Some(item),
            (Self::Keyed(entries), Some(key)) => {
                let at = entries
                    .binary_search_by(|(other, _)| other.as_str().cmp(key))
                    .ok()?;
                Some(&entries[at].1)
            }
            _ => None,
        }
    }

    /// As a value: that of the only one, or an object by key.
    pub fn value(&self, value: impl Fn(&T) -> Value) -> Value {
        match self {
            Self::Single(item) => value(item),
            Self::Keyed(entries) => {
                let entries: BTreeMap<_, _> = entries
                    .iter()
                    .map(|(key, item)| (key.clone(), value(item)))
                    .collect();
                Value::object(entries)
            }
        }
    }
}

/// What `for_each` of a block asks for.
///
/// # Errors
/// What is wrong with it.
pub fn expand(
    block: &Block,
    scope: &dyn Scope,
    budget: &mut Budget,
) -> Result<Instances<Each>, Vec<Diagnostic>> {
    let Some(attribute) = block
        .body
        .attributes
        .iter()
        .find(|attribute| attribute.name == FOR_EACH)
    else {
        return Ok(Instances::Single(None));
    };
    let value = evaluate(&attribute.value, scope, budget)?;
    let entries = entries(&value, attribute)?;
    let problems: Vec<Diagnostic> = entries
        .iter()
        .filter_map(|(key, value)| {
            let problem = invalid_name(key)?;
            let span = value
                .span
                .filter(|span| span.file == attribute.value.span.file)
                .unwrap_or(attribute.value.span);
            Some(Diagnostic::error(
                codes::INVALID_NAME,
                span,
                format!("the key \"{}\" is no name: {problem}", key.escape_debug()),
            ))
        })
        .collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Instances::Keyed(
        entries
            .into_iter()
            .map(|(key, value)| (key.clone(), Some((key, value))))
            .collect(),
    ))
}

fn entries(value: &Value, attribute: &Attribute) -> Result<Vec<(String, Value)>, Vec<Diagnostic>> {
    let span = attribute.value.span;
    let error = |label: &str| Diagnostic::error(codes::INVALID_FOR_EACH, span, label);
    // Values may be sensitive: where each.value mustn't be shown, that is told there.
    let secret_keys =
        value.sensitive || (matches!(value.kind, Kind::Set(_)) && value.is_sensitive());
    if secret_keys {
        return Err(vec![
            Diagnostic::error(codes::SENSITIVE_VALUE, span, "the keys become names that plans show, so they can't be sensitive")
                .help("take for_each's keys from a value that isn't sensitive, or wrap nothing but the secret in sensitive variables"),
        ]);
    }
    match &value.kind {
        Kind::Object(entries) => Ok(entries
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()),
        Kind::Set(items) => {
            let keys = items
                .iter()
                .map(|item| item.as_str().map(|key| (key.to_owned(), item.clone())));
            let mut keys: Vec<_> = keys.collect::<Option<_>>().ok_or_else(|| {
                vec![error(
                    "a set of strings is wanted, and this one holds something else",
                )]
            })?;
            keys.sort_by(|a, b| a.0.cmp(&b.0));
            Ok(keys)
        }
        Kind::List(_) => Err(vec![
            error("a map, an object or a set is wanted, not a list")
                .help("write toset(…), or { for x in … : x.name => x }"),
        ]),
        Kind::Null => Err(vec![error("it can't be null").help("write {} for none")]),
        _ => Err(vec![error(&format!(
            "a map, an object or a set of strings is wanted, not {}",
            value.describe()
        ))]),
    }
}
