//! Texts of a scenario in which `${name}` stands for what an earlier step saved.

use std::collections::BTreeMap;

/// What steps saved, by name.
pub type Saved = BTreeMap<String, String>;

/// A string, or pieces of one.
#[derive(Debug, Clone)]
pub struct Text(pub Vec<Part>);

/// A piece of a [`Text`].
#[derive(Debug, Clone)]
pub enum Part {
    /// As it stands.
    Literal(String),
    /// What a step saved under this name.
    Saved(String),
}

impl Text {
    /// A text without pieces to fill in.
    pub fn literal(text: &str) -> Text {
        Text(vec![Part::Literal(text.to_owned())])
    }

    /// The names that must have been saved before.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Saved(name) => Some(name.as_str()),
        })
    }

    /// The whole text. Names were checked when the scenario was read.
    pub fn fill(&self, saved: &Saved) -> String {
        let piece = |part: &Part| match part {
            Part::Literal(text) => text.clone(),
            Part::Saved(name) => saved[name].clone(),
        };
        self.0.iter().map(piece).collect()
    }
}
