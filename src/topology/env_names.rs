//! How replform writes into an app's environment file: the names it keeps, the lines around its block, quoting, and the
//! salted hashes that stand for sensitive values. Pure; the probe (src/observe/probe.sh) and the planner both go by it.
//!
//! ```text
//! # replform begin acme-production.orders: kept by replform, changes up to the end line are lost
//! POSTGRESQL_ADDRESS=10.0.0.11
//! # replform end acme-production.orders
//! ```

use std::collections::BTreeMap;

use openssl::sha::sha256;
use serde::{Deserialize, Serialize};

use super::{AppId, Env, MachineId, Names, Replication, Topology, WishedVariable};
use crate::engines::engine;

/// Where pending files stand on a host.
pub const PENDING_DIRECTORY: &str = "/var/lib/replform/pending";

/// Whether a variable's value may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// It may.
    Plainly,
    /// Only its salted hash leaves the host.
    AsHash,
}

/// Why a value can't stand in an environment file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a variable's value in an environment file can't hold a line break or a NUL byte")]
pub struct EnvValueError;

/// The names that replform keeps for one app and replication, with whether their values may be shown.
pub fn env_names(replication: &Replication, env: &Env, app: &AppId) -> BTreeMap<String, Shown> {
    let own = engine(&replication.engine.0).and_then(|engine| engine.env_names(env.names));
    let suffixes = own.unwrap_or(match env.names {
        Names::Replica => &[
            "ADDRESS",
            "PRIMARY_ADDRESS",
            "REPLICA_ADDRESSES_INT",
            "REPLICA_ADDRESSES_EXT",
            "PORT",
        ],
        Names::Cloud66 => &["ADDRESS", "SLAVE_ADDRESSES_INT", "SLAVE_ADDRESSES_EXT"],
    });
    let standard = suffixes
        .iter()
        .map(|suffix| (format!("{}_{suffix}", env.prefix), Shown::Plainly));
    let extra = env.variables.get(app).into_iter().flatten();
    standard
        .chain(extra.map(|(name, value)| {
            let shown = match value {
                WishedVariable::Plain(_) => Shown::Plainly,
                WishedVariable::Sensitive(_) => Shown::AsHash,
            };
            (name.clone(), shown)
        }))
        .collect()
}

/// The names of all replications for each environment file of one machine, by path.
pub fn env_files_of(
    topology: &Topology,
    machine: &MachineId,
) -> BTreeMap<String, BTreeMap<String, Shown>> {
    let mut files: BTreeMap<String, BTreeMap<String, Shown>> = BTreeMap::new();
    for app in &topology.apps {
        if !app.machines.contains(machine) {
            continue;
        }
        let names = files.entry(app.env_file.clone()).or_default();
        for replication in &topology.replications {
            if let Some(env) = &replication.env
                && env.targets.contains(&app.id)
            {
                names.extend(env_names(replication, env, &app.id));
            }
        }
    }
    files
}

/// The line that begins our block.
pub fn env_begin_line(topology: &str, replication: &str) -> String {
    format!(
        "# replform begin {topology}.{replication}: kept by replform, changes up to the end line are lost"
    )
}

/// The line that ends our block.
pub fn env_end_line(topology: &str, replication: &str) -> String {
    format!("# replform end {topology}.{replication}")
}

/// `NAME=value`, quoted so that sh, systemd's EnvironmentFile and dotenv readers all take it.
///
/// # Errors
/// When the value holds a line break or a NUL byte.
pub fn env_line(name: &str, value: &str) -> Result<String, EnvValueError> {
    if value.contains(['\n', '\r', '\0']) {
        return Err(EnvValueError);
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@,+%=".contains(c);
    let written = if value.chars().all(plain) {
        value.to_owned()
    } else if !value.contains('\'') {
        format!("'{value}'")
    } else {
        let mut quoted = String::from("\"");
        for c in value.chars() {
            if matches!(c, '"' | '\\' | '$' | '`') {
                quoted.push('\\');
            }
            quoted.push(c);
        }
        quoted + "\""
    };
    Ok(format!("{name}={written}"))
}

/// Name and value of a line that [`env_line`] wrote.
pub fn read_env_line(line: &str) -> Option<(&str, String)> {
    let (name, written) = line.split_once('=')?;
    let inner = |quote: char| {
        written
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
    };
    let value = if let Some(text) = inner('\'') {
        text.to_owned()
    } else if let Some(text) = inner('"') {
        let mut value = String::new();
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            match (c, characters.peek()) {
                ('\\', Some(&next @ ('"' | '\\' | '$' | '`'))) => {
                    value.push(next);
                    characters.next();
                }
                _ => value.push(c),
            }
        }
        value
    } else {
        written.to_owned()
    };
    Some((name, value))
}

/// The line that stands in observations for a variable whose value must not be shown: `NAME=(sha256:…)`.
pub fn env_hash_line(topology: &str, name: &str, value: &str) -> String {
    format!("{name}=(sha256:{})", env_hash(topology, name, value))
}

/// The salted hash of a sensitive value; the salt is the topology and the variable's name, so equal values don't show.
pub fn env_hash(topology: &str, name: &str, value: &str) -> String {
    hexadecimal(&sha256(format!("{topology}\n{name}\n{value}").as_bytes()))
}

/// The pending file of one environment file and replication: it stands from before the write until `on_change` has exited 0.
pub fn pending_file(path: &str, topology: &str, replication: &str) -> String {
    format!(
        "{PENDING_DIRECTORY}/{}.{topology}.{replication}",
        pending_key(path)
    )
}

/// What a path is called in the names of its pending files: 16 hexadecimal digits.
pub fn pending_key(path: &str) -> String {
    hexadecimal(&sha256(path.as_bytes())[..8])
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_quoted_only_where_a_reader_could_stumble() {
        let written = |value| env_line("A", value).unwrap();
        assert_eq!(written("10.0.0.11,10.0.0.12"), "A=10.0.0.11,10.0.0.12");
        assert_eq!(written(""), "A=");
        assert_eq!(written("a b$c"), "A='a b$c'");
        assert_eq!(written("it's $5"), "A=\"it's \\$5\"");
        assert_eq!(env_line("A", "a\nb"), Err(EnvValueError));
    }

    #[test]
    fn a_hash_names_its_variable_and_topology() {
        assert_ne!(env_hash("acme", "A", "x"), env_hash("acme", "B", "x"));
        assert_ne!(env_hash("acme", "A", "x"), env_hash("other", "A", "x"));
        assert_eq!(
            pending_file("/etc/a.env", "acme", "orders").len(),
            "/var/lib/replform/pending/".len() + 16 + ".acme.orders".len()
        );
    }

    proptest! {
        #[test]
        fn what_was_written_reads_back(value in "[^\n\r\0]{0,30}") {
            let line = env_line("NAME", &value).unwrap();
            prop_assert_eq!(read_env_line(&line), Some(("NAME", value)));
        }

        #[test]
        fn sh_reads_what_was_written(value in "[ -~é]{0,30}") {
            let line = env_line("NAME", &value).unwrap();
            let script = format!("{line}\nprintf %s \"$NAME\"");
            let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
            prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), value);
        }
    }
}
