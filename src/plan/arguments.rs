//! A call's arguments: few, looked up by name, shown and saved in the order of their names.
//!
//! A plan of ten thousand links has seventy thousand calls, so a call's arguments stand in one block of memory, names are
//! borrowed from the program, and calls made from one another share their texts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::iter::Map;
use std::slice;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Argument;

/// An argument with its name.
type Named = (Cow<'static, str>, Argument);

/// Arguments by name.
pub type Iter<'a> = Map<slice::Iter<'a, Named>, fn(&'a Named) -> (&'a str, &'a Argument)>;

/// A script's variables by name, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arguments(Vec<Named>);

impl Arguments {
    /// Sets an argument; one of the same name is replaced.
    pub fn insert(&mut self, name: impl Into<Cow<'static, str>>, argument: Argument) {
        let name = name.into();
        match self.find(&name) {
            Ok(at) => self.0[at].1 = argument,
            Err(at) => {
                if self.0.len() == self.0.capacity() {
                    // Few follow: twice the room would mostly stay empty.
                    self.0.reserve_exact(4);
                }
                self.0.insert(at, (name, argument));
            }
        }
    }

    /// The argument of this name.
    pub fn get(&self, name: &str) -> Option<&Argument> {
        let at = self.find(name).ok()?;
        Some(&self.0[at].1)
    }

    /// Whether there is an argument of this name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// All of them, by name.
    pub fn iter(&self) -> Iter<'_> {
        self.0.iter().map(|(name, argument)| (name, argument))
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name))
    }
}

impl<'a> IntoIterator for &'a Arguments {
    type Item = (&'a str, &'a Argument);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl Serialize for Arguments {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sorted = BTreeMap::<String, Argument>::deserialize(deserializer)?;
        let own = |(name, argument)| (Cow::Owned(name), argument);
        Ok(Self(sorted.into_iter().map(own).collect()))
    }
}

impl JsonSchema for Arguments {
    fn inline_schema() -> bool {
        <BTreeMap<String, Argument>>::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        <BTreeMap<String, Argument>>::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        <BTreeMap<String, Argument>>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_stand_by_name_and_the_last_of_one_name_counts() {
        let mut arguments = Arguments::default();
        for (name, number) in [("role", 1), ("port", 2), ("role", 3)] {
            arguments.insert(name, Argument::Number(number));
        }
        let all: Vec<_> = arguments.iter().collect();
        assert_eq!(
            all,
            [
                ("port", &Argument::Number(2)),
                ("role", &Argument::Number(3))
            ]
        );
        assert_eq!(arguments.get("slot"), None);
    }

    #[test]
    fn they_are_saved_as_a_map() {
        let mut arguments = Arguments::default();
        arguments.insert("slot", Argument::Text("a".into()));
        arguments.insert("port", Argument::Number(5432));
        let saved = serde_json::to_string(&arguments).unwrap();
        assert_eq!(
            saved,
            r#"{"port":{"is":"number","value":5432},"slot":{"is":"text","value":"a"}}"#
        );
        assert_eq!(
            serde_json::from_str::<Arguments>(&saved).unwrap(),
            arguments
        );
    }
}
