//! One database instance as the probe saw it: what all engines have in common, and the engine's own details.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::topology::Bytes;

/// An instance of an engine on a machine; present even where the engine isn't installed, saying so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// The engine's folder name.
    pub engine: String,
    /// Its port.
    pub port: u16,
    /// Whether the server runs.
    pub server: ServerState,
    /// Full server version (`15.18`), when it is installed.
    pub version: Option<String>,
    /// Versions that the host's package sources could install, by major version: `[["15", "15.18-0+deb12u1"]]`.
    pub installable: Vec<(String, String)>,
    /// Whether it takes writes or follows another; `None` when not known.
    pub role: Option<Role>,
    /// Another program that is in charge of it.
    pub manager: Option<Manager>,
    /// The data set's identity (PostgreSQL: system identifier). Equal ones are no proof of kinship.
    pub identity: Option<String>,
    /// Where it stands in its history.
    pub position: Option<Position>,
    /// The data directory.
    pub data: Option<Data>,
    /// Directories that replform set aside earlier, or half copies beside the data directory.
    pub set_aside: Vec<SetAside>,
    /// Whom it reads from, by its settings and by its live connection.
    pub upstream: Option<UpstreamSeen>,
    /// Who reads from it.
    pub downstreams: Vec<Downstream>,
    /// The engine's own facts; only the engine's folder reads them.
    pub details: Details,
}

/// Whether the server runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ServerState {
    /// No server package is installed.
    NotInstalled,
    /// Installed, but there is no instance on this port.
    NoInstance,
    /// Not running.
    Stopped {
        /// Whether it was shut down cleanly.
        clean: bool,
    },
    /// Starting, or recovering, and not yet answering.
    Starting,
    /// Answers.
    Running,
    /// Runs but doesn't answer, or answers what can't be understood.
    Unknown {
        /// Why, in words: `no answer in 5 s`.
        why: String,
    },
}

/// An instance's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It takes (or would take) writes.
    Primary,
    /// It follows an upstream.
    Replica,
}

/// Another program in charge (repmgr, Patroni, …).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manager {
    /// Its name.
    pub name: String,
    /// What gave it away: a process, a file, a table.
    pub evidence: String,
}

/// A place in a history of writes. `history` names the branch (timeline, replication id, …), `offset` grows with writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The branch: PostgreSQL's timeline.
    pub history: String,
    /// As the engine writes it: an LSN, a GTID set, an offset.
    pub text: String,
    /// The same as a number of bytes, where the engine has one. On a replica: what is *replayed*.
    pub offset: Option<u64>,
}

/// The data directory and what is in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Its path.
    pub directory: String,
    /// Its size on disk.
    pub bytes: Bytes,
    /// Size of its file system.
    pub disk_size: Bytes,
    /// Free space for the database there.
    pub disk_free: Bytes,
    /// Whether it holds nothing that a person put there (a fresh installation).
    pub empty: bool,
    /// What a person would recognise; empty when unknown.
    pub databases: Vec<Database>,
    /// Bytes a full copy would move (PostgreSQL: sum of `pg_database_size`); the directory's size when not known.
    pub copy_bytes: Bytes,
}

/// A database (schema, keyspace) by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Its size.
    pub bytes: Bytes,
}

/// A directory beside the data directory: set aside, or an unfinished copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAside {
    /// Its path.
    pub path: String,
    /// Its size.
    pub bytes: Bytes,
}

/// Whom an instance reads from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamSeen {
    /// Address, as its settings say.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the link stands.
    pub streaming: Streaming,
    /// Lag in seconds by the replica's own account; `None` when it can't tell.
    pub lag_seconds: Option<f64>,
}

/// How a link stands, seen from the replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Streaming {
    /// Connected, and what arrives is applied.
    Yes,
    /// Connected, catching up.
    CatchingUp,
    /// Not connected, or what arrives isn't applied.
    No {
        /// Why, as far as the server says.
        why: String,
    },
}

/// Who reads from an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Downstream {
    /// How it calls itself (PostgreSQL: application_name or slot).
    pub name: String,
    /// Its address, when it is connected.
    pub address: Option<String>,
    /// The engine's word for its state; `absent` when only its reservation (slot) is there.
    pub state: String,
    /// Log bytes kept for it.
    pub retained: Option<Bytes>,
    /// Log bytes it hasn't replayed.
    pub lag: Option<Bytes>,
}

/// An engine's own facts: JSON, read into the engine's type once. Kept as text, which takes a tenth of the room.
#[derive(JsonSchema)]
#[schemars(inline, with = "serde_json::Value")]
pub struct Details {
    text: Box<str>,
    read: Mutex<Option<Arc<dyn Any + Send + Sync>>>,
}

/// Details that aren't of the engine's type.
pub type DetailsError = serde_path_to_error::Error<serde_json::Error>;

impl Details {
    /// The facts as the engine's type; what was read once isn't read again until [`Details::forget`].
    ///
    /// # Errors
    /// When they are of another engine or of another version of replform.
    pub fn read<T: DeserializeOwned + Send + Sync + 'static>(
        &self,
    ) -> Result<Arc<T>, DetailsError> {
        // What a panic left there is whole: it is set in one go.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = read.clone().and_then(|any| any.downcast().ok());
        if let Some(earlier) = earlier {
            return Ok(earlier);
        }
        let facts: Arc<T> = match serde_json::from_str(&self.text) {
            Ok(facts) => Arc::new(facts),
            // Once more, for the field: keeping track of it takes twice as long.
            Err(_) => Arc::new(serde_path_to_error::deserialize(
                &mut serde_json::Deserializer::from_str(&self.text),
            )?),
        };
        *read = Some(facts.clone());
        Ok(facts)
    }

    /// Lets go of what was read, which may take ten times the room of the text.
    pub fn forget(&self) {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The facts as JSON.
    fn value(&self) -> serde_json::Value {
        // The text was made of a value, so it is JSON.
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl Default for Details {
    fn default() -> Self {
        serde_json::Value::Null.into()
    }
}

impl From<serde_json::Value> for Details {
    fn from(value: serde_json::Value) -> Self {
        Self {
            text: value.to_string().into_boxed_str(),
            read: Mutex::default(),
        }
    }
}

impl Clone for Details {
    fn clone(&self) -> Self {
        Self {
            text: self.text.clone(),
            read: Mutex::default(),
        }
    }
}

impl Serialize for Details {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Details {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Box<RawValue>>::deserialize(deserializer)?;
        Ok(Self {
            text: on_one_line(text.get()),
            read: Mutex::default(),
        })
    }
}

/// JSON without its layout: a line break stands only between tokens there, in a string it is written as `\n`.
fn on_one_line(json: &str) -> Box<str> {
    if json.contains('\n') {
        let lines: String = json.lines().map(str::trim_start).collect();
        lines.into_boxed_str()
    } else {
        json.into()
    }
}

impl PartialEq for Details {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text || self.value() == other.value()
    }
}

impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
