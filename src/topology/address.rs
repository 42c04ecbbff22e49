//! Names and places: which machine, which server, which line of the configuration.
//!
//! Identity and label are kept apart: a machine is known by where SSH goes, a server by its stack and label.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where SSH goes: `host`, or `host:port` when the port isn't 22. The key of everything observed.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct MachineId(pub String);

impl MachineId {
    /// The identity of the machine at `host` with its SSH server on `port` (22 where none is written).
    pub fn new(host: &str, port: Option<u16>) -> Self {
        match port {
            None | Some(22) => Self(host.to_owned()),
            Some(port) if host.contains(':') => Self(format!("[{host}]:{port}")),
            Some(port) => Self(format!("{host}:{port}")),
        }
    }

    /// Host and SSH port, as [`MachineId::new`] took them; no port: 22.
    pub fn parts(&self) -> (String, Option<u16>) {
        let bracketed = self
            .0
            .strip_prefix('[')
            .and_then(|rest| rest.split_once("]:"));
        let plain = || {
            self.0
                .split_once(':')
                .filter(|(_, port)| !port.contains(':'))
        };
        match bracketed.or_else(plain) {
            Some((host, port)) => match port.parse() {
                Ok(port) => (host.to_owned(), Some(port)),
                Err(_) => (self.0.clone(), None),
            },
            None => (self.0.clone(), None),
        }
    }
}

impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A server as people call it: `eu/db1` (stack and label).
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct ServerId {
    /// The stack's label.
    pub stack: String,
    /// The server's label, with its key where it came from `for_each`: `db["a"]`.
    pub name: String,
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.stack, self.name)
    }
}

/// A line of the configuration, as it is printed: `main.rf.hcl:33`.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Place {
    /// The file's name relative to the configuration directory.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}
