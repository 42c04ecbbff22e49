//! What an instance is, in the words of the picture and of findings; the same words for every engine.

use crate::observe::{Instance, Role, ServerState};

/// What an instance is now: `bare host`, `primary`, `stopped`. `noun`: what the engine calls an instance (`cluster`, `server`).
pub fn describe(instance: &Instance, noun: &str) -> String {
    let empty = instance.data.as_ref().is_some_and(|data| data.empty);
    match (&instance.server, instance.role) {
        (ServerState::NotInstalled, _) => "bare host".to_owned(),
        (ServerState::NoInstance, _) => format!("no {noun} on port {}", instance.port),
        (ServerState::Stopped { .. }, _) if empty => "empty server, stopped".to_owned(),
        (ServerState::Stopped { .. }, _) => "stopped".to_owned(),
        (ServerState::Starting, _) => "starting".to_owned(),
        (ServerState::Unknown { why }, _) => format!("unknown: {why}"),
        (ServerState::Running, Some(Role::Replica)) => match &instance.upstream {
            Some(upstream) => format!("replica of {}:{}", upstream.host, upstream.port),
            None => "standby without an upstream".to_owned(),
        },
        (ServerState::Running, _) if empty => "empty server".to_owned(),
        (ServerState::Running, _) if !instance.downstreams.is_empty() => "primary".to_owned(),
        (ServerState::Running, _) => "standalone".to_owned(),
    }
}

/// What a person would recognise of its data: the databases by name and size, or the directory. `hidden`: databases that
/// every server has; `noun`: what the engine calls an instance.
pub fn contents(instance: &Instance, noun: &str, hidden: impl Fn(&str) -> bool) -> String {
    let Some(data) = &instance.data else {
        return "an unknown data directory".to_owned();
    };
    let mut databases: Vec<_> = data
        .databases
        .iter()
        .filter(|database| !hidden(&database.name))
        .collect();
    if databases.is_empty() {
        let state = match instance.server {
            ServerState::Running => "a",
            _ => "a stopped",
        };
        return format!("{state} {noun} of {} in {}", data.bytes, data.directory);
    }
    databases.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.name.cmp(&b.name)));
    let mut shown: Vec<String> = databases
        .iter()
        .take(5)
        .map(|d| format!("{} {}", d.name, d.bytes))
        .collect();
    if databases.len() > 5 {
        shown.push(format!("{} more", databases.len() - 5));
    }
    format!(
        "{} database{} ({})",
        databases.len(),
        if databases.len() == 1 { "" } else { "s" },
        shown.join(", ")
    )
}
