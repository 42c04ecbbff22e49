//! Values: what expressions come to. Each knows where it was written and whether it is sensitive.
//!
//! Data, comparison and plain conversions only; type constraints live in `types.rs`. Big values
//! share their insides, so a clone is cheap.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value as Json;

pub use super::number::Number;
use crate::diagnostics::Span;

/// A value with its place. Its `Debug` is JSON with what is sensitive masked.
#[derive(Clone)]
pub struct Value {
    /// What it is.
    pub kind: Kind,
    /// Where the expression stands that gave it; `None` for values from outside any file.
    pub span: Option<Span>,
    /// Never to be shown, saved or logged.
    pub sensitive: bool,
    /// Something inside a list or object is sensitive. Kept by the constructors, so that asking is
    /// cheap.
    sensitive_inside: bool,
    /// About how many bytes it would take if nothing were shared. Kept by the constructors: a value
    /// that shares its parts can be exponentially larger than the memory it takes.
    weight: u64,
}

/// What every value counts for in [`Value::weight`].
const OWN_WEIGHT: u64 = 64;

/// What a value is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Not set.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    String(Arc<str>),
    /// A list or tuple.
    List(Arc<Vec<Value>>),
    /// A set: sorted by [`Value::order`], each value once.
    Set(Arc<Vec<Value>>),
    /// A map or object.
    Object(Arc<BTreeMap<String, Value>>),
    /// A block that is referred to.
    Reference(Reference),
}

/// A block of the configuration as a value.
#[derive(Debug, Clone)]
pub struct Reference {
    /// Such as `["stack", "eu", "server", "db1"]`.
    pub address: Vec<String>,
    /// What can be read from it.
    pub attributes: Arc<BTreeMap<String, Value>>,
}

impl Reference {
    /// The address as it is written: `stack.eu.server.db1`.
    pub fn address_text(&self) -> String {
        self.address.join(".")
    }
}

impl Value {
    /// A value without a place.
    pub fn new(kind: Kind) -> Value {
        let (sensitive_inside, weight) = match &kind {
            Kind::List(items) | Kind::Set(items) => inside(items.iter()),
            Kind::Object(entries) => inside(entries.values()),
            // A block is written as its address.
            Kind::Reference(reference) => (inside(reference.attributes.values()).0, 0),
            Kind::String(text) => (false, text.len() as u64),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => (false, 0),
        };
        Value {
            kind,
            span: None,
            sensitive: false,
            sensitive_inside,
            weight: weight.saturating_add(OWN_WEIGHT),
        }
    }

    /// About how many bytes it would take written out, whatever it shares.
    pub fn weight(&self) -> u64 {
        self.weight
    }

    /// `null`.
    pub fn null() -> Value {
        Value::new(Kind::Null)
    }

    /// A boolean.
    pub fn bool(value: bool) -> Value {
        Value::new(Kind::Bool(value))
    }

    /// A number.
    pub fn number(value: impl Into<Number>) -> Value {
        Value::new(Kind::Number(value.into()))
    }

    /// A string.
    pub fn string(value: impl Into<Arc<str>>) -> Value {
        Value::new(Kind::String(value.into()))
    }

    /// A list.
    pub fn list(items: Vec<Value>) -> Value {
        Value::new(Kind::List(Arc::new(items)))
    }

    /// A set: sorts, and drops what is there twice.
    pub fn set(mut items: Vec<Value>) -> Value {
        items.sort_by(Value::order);
        items.dedup_by(|a, b| a.order(b) == Ordering::Equal);
        Value::new(Kind::Set(Arc::new(items)))
    }

    /// An object.
    pub fn object(entries: BTreeMap<String, Value>) -> Value {
        Value::new(Kind::Object(Arc::new(entries)))
    }

    /// A block.
    pub fn reference(address: Vec<String>, attributes: BTreeMap<String, Value>) -> Value {
        Value::new(Kind::Reference(Reference {
            address,
            attributes: Arc::new(attributes),
        }))
    }

    /// The same at a place.
    #[must_use]
    pub fn at(mut self, span: Span) -> Value {
        self.span = Some(span);
        self
    }

    /// The same, sensitive when `sensitive` is true or it was before.
    #[must_use]
    pub fn marked(mut self, sensitive: bool) -> Value {
        self.sensitive |= sensitive;
        self
    }

    /// True when it or anything inside it is sensitive.
    pub fn is_sensitive(&self) -> bool {
        self.sensitive || self.sensitive_inside
    }

    /// True for `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// The text of a string; nothing else.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean; nothing else.
    pub fn as_bool(&self) -> Option<bool> {
        match self.kind {
            Kind::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The number; nothing else.
    pub fn as_number(&self) -> Option<Number> {
        match self.kind {
            Kind::Number(value) => Some(value),
            _ => None,
        }
    }

    /// The items of a list or set.
    pub fn items(&self) -> Option<&[Value]> {
        match &self.kind {
            Kind::List(items) | Kind::Set(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a map or object, or what can be read from a block.
    pub fn entries(&self) -> Option<&BTreeMap<String, Value>> {
        match &self.kind {
            Kind::Object(entries) => Some(entries),
            Kind::Reference(reference) => Some(&reference.attributes),
            _ => None,
        }
    }

    /// The block that it refers to.
    pub fn as_reference(&self) -> Option<&Reference> {
        match &self.kind {
            Kind::Reference(reference) => Some(reference),
            _ => None,
        }
    }

    /// Strings, numbers and booleans as text, as templates show them; `None` for the rest.
    pub fn to_text(&self) -> Option<String> {
        match &self.kind {
            Kind::String(text) => Some(text.to_string()),
            Kind::Number(number) => Some(number.to_string()),
            Kind::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// What it is, with its article, for messages: `a string`, `an object`.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a bool",
            Kind::Number(_) => "a number",
            Kind::String(_) => "a string",
            Kind::List(_) => "a list",
            Kind::Set(_) => "a set",
            Kind::Object(_) => "an object",
            Kind::Reference(_) => "a reference to a block",
        }
    }

    /// A total order: by kind, then by content. Strings by bytes, numbers by size.
    pub fn order(&self, other: &Value) -> Ordering {
        match (&self.kind, &other.kind) {
            (Kind::Bool(a), Kind::Bool(b)) => a.cmp(b),
            (Kind::Number(a), Kind::Number(b)) => a.cmp(b),
            (Kind::String(a), Kind::String(b)) => a.cmp(b),
            (Kind::List(a), Kind::List(b)) | (Kind::Set(a), Kind::Set(b)) => order_all(
                a.iter().zip(b.iter()).map(|(a, b)| a.order(b)),
                a.len().cmp(&b.len()),
            ),
            (Kind::Object(a), Kind::Object(b)) => order_all(
                a.iter()
                    .zip(b.iter())
                    .map(|((k, v), (l, w))| k.cmp(l).then_with(|| v.order(w))),
                a.len().cmp(&b.len()),
            ),
            (Kind::Reference(a), Kind::Reference(b)) => a.address.cmp(&b.address),
            (a, b) => rank(a).cmp(&rank(b)),
        }
    }

    /// As JSON. Sensitive values are **not** masked; a block is its address.
    pub fn to_json(&self) -> Json {
        match &self.kind {
            Kind::Null => Json::Null,
            Kind::Bool(value) => Json::Bool(*value),
            Kind::Number(number) => number_to_json(*number),
            Kind::String(text) => Json::String(text.to_string()),
            Kind::List(items) | Kind::Set(items) => {
                Json::Array(items.iter().map(Value::to_json).collect())
            }
            Kind::Object(entries) => Json::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), value.to_json()))
                    .collect(),
            ),
            Kind::Reference(reference) => Json::String(reference.address_text()),
        }
    }

    /// From JSON.
    pub fn from_json(json: &Json) -> Value {
        match json {
            Json::Null => Value::null(),
            Json::Bool(value) => Value::bool(*value),
            // JSON text can't hold what isn't a finite number.
            Json::Number(number) => {
                Value::number(Number::parse(&number.to_string()).unwrap_or(Number::ZERO))
            }
            Json::String(text) => Value::string(text.as_str()),
            Json::Array(items) => Value::list(items.iter().map(Value::from_json).collect()),
            Json::Object(entries) => Value::object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), Value::from_json(value)))
                    .collect(),
            ),
        }
    }
}

/// Whether something is sensitive among `values`, and the weight of all.
fn inside<'a>(values: impl Iterator<Item = &'a Value>) -> (bool, u64) {
    values.fold((false, 0u64), |(sensitive, weight), value| {
        (
            sensitive || value.is_sensitive(),
            weight.saturating_add(value.weight),
        )
    })
}

fn order_all(mut parts: impl Iterator<Item = Ordering>, rest: Ordering) -> Ordering {
    parts
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(rest)
}

fn rank(kind: &Kind) -> u8 {
    match kind {
        Kind::Null => 0,
        Kind::Bool(_) => 1,
        Kind::Number(_) => 2,
        Kind::String(_) => 3,
        Kind::List(_) => 4,
        Kind::Set(_) => 5,
        Kind::Object(_) => 6,
        Kind::Reference(_) => 7,
    }
}

fn number_to_json(number: Number) -> Json {
    let integer = number.to_integer();
    if let Some(value) = integer.and_then(|value| i64::try_from(value).ok()) {
        return value.into();
    }
    if let Some(value) = integer.and_then(|value| u64::try_from(value).ok()) {
        return value.into();
    }
    // A Number is finite, so this is never null.
    serde_json::Number::from_f64(number.to_f64()).map_or(Json::Null, Json::Number)
}

impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sensitive {
            return formatter.write_str("(sensitive)");
        }
        match &self.kind {
            Kind::List(items) | Kind::Set(items) => {
                formatter.debug_list().entries(items.iter()).finish()
            }
            Kind::Object(entries) => formatter.debug_map().entries(entries.iter()).finish(),
            _ => write!(formatter, "{}", self.to_json()),
        }
    }
}

/// By content; places and marks don't count.
impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        self.order(other) == Ordering::Equal
    }
}

impl Eq for Value {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_goes_there_and_back() {
        let json = json!({"a": [1, 2.5, null, true, "x"], "b": {"c": 18446744073709551615u64}});
        assert_eq!(Value::from_json(&json).to_json(), json);
    }

    #[test]
    fn a_sensitive_element_makes_its_list_sensitive() {
        let list = Value::list(vec![Value::string("a"), Value::string("b").marked(true)]);
        assert!(list.is_sensitive() && !list.sensitive);
        assert!(Value::list(vec![list]).is_sensitive());
    }

    #[test]
    fn sets_are_sorted_and_hold_each_value_once() {
        let set = Value::set(vec![
            Value::number(10i64),
            Value::number(9i64),
            Value::number(10i64),
        ]);
        assert_eq!(set.to_json(), json!([9, 10]));
    }
}
