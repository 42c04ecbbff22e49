//! The marker that each member carries: `/var/lib/replform/<topology>.<replication>.json` (with `@<port>` where the port
//! isn't the engine's usual one). No secrets.
//!
//! Disposable but useful: it names what replform made, so that exactly that can be taken away again, and it
//! tells replication that replform set up from replication that it found.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names;
use crate::engines::Engine;

/// The marker's format; a marker of a newer major format is left alone and said.
pub const MARKER_FORMAT: &str = "1.0";

/// A marker file's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Marker {
    /// See [`MARKER_FORMAT`].
    pub format_version: String,
    /// The topology's name.
    pub topology: String,
    /// The replication's name.
    pub replication: String,
    /// The engine.
    pub engine: String,
    /// This member's part.
    pub role: MarkerRole,
    /// This member's port.
    pub port: u16,
    /// All members, the primary first.
    pub members: Vec<MarkerMember>,
    /// The apps' hosts and files that get variables: `host path`.
    pub env_targets: Vec<String>,
    /// Hash of what apps were to know when this was written, on the primary's marker: another one means that the
    /// configuration's `env` changed since; the same one, that a file was changed by hand.
    #[serde(default)]
    pub env_hash: String,
    /// Accounts and slots of ours on this member.
    pub objects: Vec<String>,
    /// Settings that replform changed here, by name.
    pub settings: BTreeMap<String, SettingChange>,
    /// Hash of the desired settings that were last applied.
    pub desired_hash: String,
}

/// A member's part, in a marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MarkerRole {
    /// It takes writes.
    Primary,
    /// It follows.
    Replica,
}

/// A member, in a marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MarkerMember {
    /// `primary`, or the replica's label.
    pub name: String,
    /// Where SSH goes.
    pub machine: String,
    /// Where the database listens.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// Whom it reads from: a member's name; empty for the primary.
    pub upstream: String,
    /// Its account and slot, where the name isn't the one that follows from its labels.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub account: String,
}

/// A setting that replform changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingChange {
    /// The value before.
    pub before: String,
    /// The value that replform set.
    pub set: String,
}

impl Marker {
    /// The file of the marker of a replication's member on `port`; two members on one host have a file each.
    pub fn file_name(topology: &str, replication: &str, engine: &str, port: u16) -> String {
        let usual = crate::engines::engine(engine).map(Engine::default_port);
        let replication = names::in_files(replication);
        if usual == Some(port) {
            format!("{topology}.{replication}.json")
        } else {
            // Labels hold no @, so no other replication's file is called so.
            format!("{topology}.{replication}@{port}.json")
        }
    }

    /// This marker's file.
    pub fn own_file_name(&self) -> String {
        Self::file_name(&self.topology, &self.replication, &self.engine, self.port)
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        // A marker is made of strings, numbers and maps with string keys: it always serialises.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// A marker as it is to be written. Its text is made once, however many steps carry it.
#[derive(Debug)]
pub struct WantedMarker {
    marker: Marker,
    text: OnceCell<Arc<str>>,
}

impl WantedMarker {
    /// The file's text.
    pub fn text(&self) -> Arc<str> {
        let text = self.text.get_or_init(|| self.marker.to_json().into());
        Arc::clone(text)
    }

    /// The same, with settings that were changed noted; of a setting that was noted earlier the value before stays.
    #[must_use]
    pub fn with_changes(self, changes: BTreeMap<String, SettingChange>) -> Self {
        let mut marker = self.marker;
        for (name, change) in changes {
            marker
                .settings
                .entry(name)
                .and_modify(|noted| noted.set.clone_from(&change.set))
                .or_insert(change);
        }
        marker.into()
    }
}

impl From<Marker> for WantedMarker {
    fn from(marker: Marker) -> Self {
        Self {
            marker,
            text: OnceCell::new(),
        }
    }
}

impl Deref for WantedMarker {
    type Target = Marker;

    fn deref(&self) -> &Marker {
        &self.marker
    }
}
