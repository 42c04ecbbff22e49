//! The rows that a server answered (`sql KIND JSON` lines). Pure; never fails: what isn't there stays unknown, and whether a
//! server answered enough is judged by its row `core`.

use serde_json::{Map, Value};

use super::decode::Server;
use super::facts::{Account, Channel, People, Reader, Tables};
use crate::observe::{Database, Manager};
use crate::topology::Bytes;

/// One JSON object; a field that is missing, null or of another type reads as its type's nothing.
struct Row<'a>(&'a Map<String, Value>);

impl Row<'_> {
    fn text(&self, name: &str) -> String {
        self.maybe_text(name).unwrap_or_default()
    }

    fn maybe_text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A number, also one that stands as a text or with a fraction of zeros.
    fn number(&self, name: &str) -> Option<u64> {
        let value = self.0.get(name)?;
        value
            .as_u64()
            .or_else(|| value.as_str()?.parse().ok())
            .or_else(|| Some(value.as_f64()?.max(0.0) as u64))
    }

    fn small<T: TryFrom<u64> + Default>(&self, name: &str) -> T {
        self.number(name)
            .and_then(|number| T::try_from(number).ok())
            .unwrap_or_default()
    }

    fn is(&self, name: &str) -> bool {
        matches!(self.text(name).as_str(), "1" | "Y" | "YES")
    }
}

/// Takes one row in. Kinds that aren't known are left out.
pub(super) fn take(kind: &str, value: &Value, server: &mut Server) {
    if kind == "core" {
        server.complete = true;
    } else if let Some(object) = value.as_object() {
        let row = Row(object);
        if !take_state(kind, &row, server) && !take_channel(kind, &row, server) {
            take_content(kind, &row, server);
        }
    }
}

/// What the server says of itself.
fn take_state(kind: &str, row: &Row<'_>, server: &mut Server) -> bool {
    let facts = &mut server.facts;
    match kind {
        "state" => {
            server.version = row.maybe_text("version");
            server.uuid = row.maybe_text("uuid");
            server.table_bytes = row.number("bytes");
            server.now = row.0.get("now").and_then(Value::as_f64);
            facts.server_port = row.number("port").and_then(|port| port.try_into().ok());
            facts.executed = row.maybe_text("executed");
            facts.purged = row.maybe_text("purged");
            facts.tls = row.number("tls").map(|channels| channels > 0);
        }
        "set" => {
            facts.settings.insert(row.text("name"), row.text("value"));
        }
        "persisted" => {
            facts.persisted.insert(row.text("name"), row.text("value"));
        }
        "plugin" => {
            if row.text("name") == "group_replication" && row.text("status") == "ACTIVE" {
                in_charge(
                    server,
                    "Group Replication",
                    "plugin group_replication".to_owned(),
                );
            } else if row.text("name") == "ndbcluster" && row.text("status") == "ACTIVE" {
                in_charge(server, "NDB Cluster", "engine ndbcluster".to_owned());
            }
            server
                .facts
                .plugins
                .insert(row.text("name"), row.text("status"));
        }
        "member" => in_charge(
            server,
            "Group Replication",
            format!("a group member, {} {}", row.text("role"), row.text("state")),
        ),
        "managed" => {
            let schema = row.text("schema");
            let name = match schema.as_str() {
                "orchestrator" => "Orchestrator",
                _ => "InnoDB Cluster",
            };
            in_charge(server, name, format!("schema {schema}"));
        }
        _ => return false,
    }
    true
}

fn in_charge(server: &mut Server, name: &str, evidence: String) {
    server.facts.managers.push(Manager {
        name: name.to_owned(),
        evidence,
    });
}

/// Whom it reads from, and who reads from it.
fn take_channel(kind: &str, row: &Row<'_>, server: &mut Server) -> bool {
    if kind == "channel" && row.is("failover") {
        let evidence = format!(
            "SOURCE_CONNECTION_AUTO_FAILOVER of its channel \"{}\"",
            row.text("name")
        );
        in_charge(server, "MySQL's connection failover", evidence);
    }
    let facts = &mut server.facts;
    let channels = &mut facts.channels;
    let of_row = |channel: &&mut Channel| channel.name == row.text("name");
    match kind {
        "channel" => channels.push(channel(row)),
        "applier" => {
            if let Some(channel) = channels.iter_mut().find(of_row) {
                channel.applier = row.text("state");
            }
        }
        "applyerror" => {
            if let Some(channel) = channels.iter_mut().find(of_row) {
                channel.applier_error = row.small("errno");
                channel.applier_message = row.text("error");
            }
        }
        "lag" => {
            if let Some(channel) = channels.iter_mut().find(of_row) {
                let seconds = row.0.get("seconds").and_then(Value::as_f64);
                channel.lag_ms = seconds.map(|seconds| (seconds.max(0.0) * 1000.0).round() as u64);
            }
        }
        "down" => facts.readers.push(Reader {
            user: row.text("user"),
            host: row.text("host"),
            command: row.text("command"),
            state: row.text("state"),
        }),
        "account" => facts.accounts.push(Account {
            user: row.text("user"),
            host: row.text("host"),
            plugin: row.text("plugin"),
            locked: row.is("locked"),
            requires: row.text("requires"),
        }),
        "filter" => facts
            .filters
            .push(format!("{} {}", row.text("name"), row.text("rule"))),
        _ => return false,
    }
    true
}

fn channel(row: &Row<'_>) -> Channel {
    Channel {
        name: row.text("name"),
        host: row.text("host"),
        port: row.small("port"),
        user: row.text("user"),
        auto_position: row.is("auto_position"),
        failover: row.is("failover"),
        connection: row.text("connection"),
        connection_error: row.small("errno"),
        connection_message: row.text("error"),
        source: row.text("source"),
        received: row.text("received"),
        verified_by: row.text("verified_by"),
        ..Channel::default()
    }
}

/// What is in it.
fn take_content(kind: &str, row: &Row<'_>, server: &mut Server) {
    let facts = &mut server.facts;
    let tables = || Tables {
        engine: row.text("engine"),
        tables: row.number("tables").unwrap_or(0),
        example: row.text("example"),
    };
    match kind {
        "people" => {
            facts.people = match (row.number("schemas"), row.number("accounts")) {
                (Some(schemas), Some(accounts)) => Some(People { schemas, accounts }),
                _ => None,
            };
        }
        "schema" => server.schemas.push(Database {
            name: row.text("name"),
            bytes: Bytes(row.number("bytes").unwrap_or(0)),
        }),
        "engine" => facts.other_engines.push(tables()),
        "keyless" => facts.keyless = Some(tables()),
        "outside" => facts.outside.push(row.text("path")),
        "encrypted" => facts.encrypted = row.number("tables").unwrap_or(0),
        _ => {}
    }
}
