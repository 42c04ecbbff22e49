//! Saved observations: written by `observe -o FILE`, read by `plan -observed FILE`. The only file access of this module.
//!
//! An observation holds no secrets, but it tells a lot about the machines: the file is for its owner alone (0600).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{OBSERVATION_FORMAT, Observation};
use crate::json;
use crate::topology::MachineId;

/// Why saved observations can't be used, or one not saved.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// The file can't be read.
    #[error("{} can't be read", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file can't be written.
    #[error("{} can't be written", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file isn't JSON.
    #[error("{} is not a saved observation: {what}", file.display())]
    NotJson {
        /// The file.
        file: PathBuf,
        /// The reader's own words, with line and column.
        what: String,
    },
    /// It has another major format version.
    #[error(
        "{} has the observation format {found:?}, and this replform reads {OBSERVATION_FORMAT}: \
         save it again with this version", file.display()
    )]
    Format {
        /// The file.
        file: PathBuf,
        /// What the file says.
        found: String,
    },
    /// A field doesn't fit.
    #[error("{}, field {path}: {what}", file.display())]
    Field {
        /// The file.
        file: PathBuf,
        /// The field: `machines["10.0.0.11"].host.memory_total`.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// The files are of several topologies.
    #[error("{} is of topology {found:?}, the files before it of {expected:?}", file.display())]
    Topology {
        /// The file.
        file: PathBuf,
        /// Its topology.
        found: String,
        /// The others'.
        expected: String,
    },
    /// No file was given.
    #[error("no file with an observation was given")]
    Nothing,
}

/// Writes an observation: whole or not at all, readable by its owner alone.
///
/// # Errors
/// When the directory or file can't be written.
pub fn save(observation: &Observation, file: &Path) -> Result<(), SavedError> {
    let write_error = |source: std::io::Error| SavedError::Write {
        file: file.to_owned(),
        source,
    };
    let directory = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // A temporary file of this kind has mode 0600.
    let beside = tempfile::NamedTempFile::new_in(directory).map_err(write_error)?;
    json::write(observation, &beside)
        .and_then(|()| beside.as_file().sync_all())
        .map_err(write_error)?;
    beside
        .persist(file)
        .map_err(|error| write_error(error.error))?;
    Ok(())
}

/// Reads one or several saved observations and merges them.
///
/// # Errors
/// When a file can't be read, has another format or an unknown field, or the files are of several topologies.
pub fn load(files: &[PathBuf]) -> Result<Observation, SavedError> {
    let mut observations = Vec::new();
    for file in files {
        let bytes = std::fs::read(file).map_err(|source| SavedError::Read {
            file: file.clone(),
            source,
        })?;
        let observation = read(&bytes, file)?;
        if let Some(first) = observations.first() {
            let first: &Observation = first;
            if first.topology != observation.topology {
                return Err(SavedError::Topology {
                    file: file.clone(),
                    found: observation.topology,
                    expected: first.topology.clone(),
                });
            }
        }
        observations.push(observation);
    }
    merge(observations).ok_or(SavedError::Nothing)
}

/// Of each machine what was observed last; the whole is as old as the oldest that is still in it.
pub fn merge(mut observations: Vec<Observation>) -> Option<Observation> {
    observations.sort_by_cached_key(|observation| instant(&observation.observed_at));
    let mut newest = observations.pop()?;
    for older in observations.into_iter().rev() {
        let mut used = false;
        for (id, machine) in older.machines {
            newest.machines.entry(id).or_insert_with(|| {
                used = true;
                machine
            });
        }
        if used {
            newest.observed_at = older.observed_at;
        }
    }
    Some(newest)
}

/// How old an observation is at `now`, seconds; `None` when its time can't be read. A clock that went back counts as 0.
pub fn age_seconds(observation: &Observation, now: jiff::Timestamp) -> Option<u64> {
    let seconds = now
        .duration_since(instant(&observation.observed_at)?)
        .as_secs();
    Some(u64::try_from(seconds).unwrap_or(0))
}

fn instant(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok()
}

/// Reads one document, machine by machine, so that what is wrong names the machine.
///
/// # Errors
/// As [`load`].
pub fn read(bytes: &[u8], file: &Path) -> Result<Observation, SavedError> {
    let not_json = |what: String| SavedError::NotJson {
        file: file.to_owned(),
        what,
    };
    let parts: BTreeMap<String, &RawValue> =
        serde_json::from_slice(bytes).map_err(|error| not_json(error.to_string()))?;
    let mut document = Map::new();
    let mut machines: Option<BTreeMap<String, &RawValue>> = None;
    for (name, text) in parts {
        let wrong = |error: serde_json::Error| not_json(format!("{name}: {error}"));
        if name == "machines" {
            machines = Some(serde_json::from_str(text.get()).map_err(wrong)?);
            document.insert(name, Value::Object(Map::new()));
        } else {
            let value = serde_json::from_str(text.get()).map_err(wrong)?;
            document.insert(name, value);
        }
    }
    let found = match document.get("format_version") {
        Some(Value::String(found)) => found.clone(),
        _ => return Err(not_json("it has no format_version".to_owned())),
    };
    if found.split('.').next() != OBSERVATION_FORMAT.split('.').next() {
        return Err(SavedError::Format {
            file: file.to_owned(),
            found,
        });
    }
    let Some(machines) = machines else {
        return Err(not_json("it has no machines".to_owned()));
    };
    let mut observation: Observation = field(Value::Object(document), file, "")?;
    if instant(&observation.observed_at).is_none() {
        return Err(SavedError::Field {
            file: file.to_owned(),
            path: "observed_at".to_owned(),
            what: format!("{:?} is no time (RFC 3339)", observation.observed_at),
        });
    }
    for (id, text) in machines {
        let machine = match serde_json::from_str(text.get()) {
            Ok(machine) => machine,
            // Once more, for the field: keeping track of it takes twice as long.
            Err(_) => field(
                &mut serde_json::Deserializer::from_str(text.get()),
                file,
                &format!("machines[{id:?}]"),
            )?,
        };
        observation.machines.insert(MachineId(id), machine);
    }
    Ok(observation)
}

fn field<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    saved: D,
    file: &Path,
    path: &str,
) -> Result<T, SavedError> {
    serde_path_to_error::deserialize(saved).map_err(
        |error: serde_path_to_error::Error<D::Error>| {
            let inner = error.path().to_string();
            let path = match (path, inner.as_str()) {
                ("", inner) => inner.to_owned(),
                (path, ".") => path.to_owned(),
                (path, inner) => format!("{path}.{inner}"),
            };
            SavedError::Field {
                file: file.to_owned(),
                path,
                what: error.into_inner().to_string(),
            }
        },
    )
}
