//! A setting that is to change, whatever the engine: what it is now, what it is to be, why, and whether that takes a restart.

use std::collections::BTreeMap;

use crate::plan::SettingChange;

/// A setting that is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// As the engine calls it.
    pub name: &'static str,
    /// Its value now.
    pub now: String,
    /// The value it is to have.
    pub want: String,
    /// Why it must be, as a reader sees it.
    pub why: String,
    /// Whether only a restart brings it.
    pub restart: bool,
}

impl Change {
    /// `wal_level minimal -> replica`.
    pub fn shown(&self) -> String {
        format!(
            "{} {} -> {}",
            self.name,
            quote(&self.now),
            quote(&self.want)
        )
    }
}

/// All changes in one line, for people.
pub fn shown(changes: &[Change]) -> String {
    let all: Vec<String> = changes.iter().map(Change::shown).collect();
    all.join(", ")
}

/// Why a restart is needed: the first change that needs one. `None`: none does.
pub fn restart_reason(changes: &[Change]) -> Option<String> {
    changes
        .iter()
        .find(|change| change.restart)
        .map(|change| format!("{} is {}", change.name, quote(&change.now)))
}

/// The changes with the values before, for the marker.
pub fn as_marker(changes: &[Change]) -> BTreeMap<String, SettingChange> {
    changes
        .iter()
        .map(|change| {
            let values = SettingChange {
                before: change.now.clone(),
                set: change.want.clone(),
            };
            (change.name.to_owned(), values)
        })
        .collect()
}

fn quote(value: &str) -> String {
    if value.is_empty() || value.contains([' ', ',']) {
        format!("\"{value}\"")
    } else {
        value.to_owned()
    }
}
