//! The probe's text into one [`Instance`] a port. Pure; made to survive any text, as it comes from hosts.
//!
//! Its source is probe.sh (or a recording under testdata/observations/mongodb); what it makes goes into the observation.
//! Only a missing end line is an error: everything else that isn't as expected is a fact (*unknown*, with why).

use std::collections::BTreeMap;

use serde_json::Value;

use super::facts::{
    DatabaseFacts, InitialSync, MemberWish, MongoFacts, Oplog, SeenMember, SetConfig, SetStatus,
    State,
};
use super::summary;
use crate::engines::DecodeError;
use crate::observe::{Instance, Manager, SetAside};
use crate::topology::Bytes;

/// What the probe says about the whole host.
#[derive(Debug, Default)]
pub(super) struct Host {
    pub(super) packages: BTreeMap<String, String>,
    pub(super) candidates: Vec<String>,
    pub(super) managers: Vec<Manager>,
    pub(super) listening: Vec<u16>,
    pub(super) huge_pages: String,
    pub(super) missing: Vec<String>,
}

/// What the probe says about one unit, besides [`MongoFacts`].
#[derive(Clone, Debug, Default)]
pub(super) struct Server {
    pub(super) port: u16,
    pub(super) facts: MongoFacts,
    pub(super) unreadable: bool,
    pub(super) version: Option<String>,
    pub(super) data_bytes: Option<u64>,
    pub(super) journal_bytes: Option<u64>,
    pub(super) disk: Option<(u64, u64)>,
    /// The data directory isn't there, or is empty.
    pub(super) holds_nothing: bool,
    pub(super) set_aside: Vec<SetAside>,
    /// Seconds and counter of the last write.
    pub(super) last_write: Option<(u64, u64)>,
    pub(super) term: Option<i64>,
}

/// Decodes what probe.sh printed into one instance for each of `ports`, keyed `mongodb:PORT`.
///
/// # Errors
/// When the end line is missing, or a `unit` line has no port.
pub fn decode(section: &str, ports: &[u16]) -> Result<BTreeMap<String, Instance>, DecodeError> {
    let mut host = Host::default();
    let mut servers: Vec<Server> = Vec::new();
    let mut complete = false;
    for (index, line) in section.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        match kind {
            "end" => complete = true,
            "unit" => servers.push(server(rest).ok_or_else(|| DecodeError::Line {
                line: index + 1,
                what: "a unit and its port, as in `unit mongod.service 27017`".to_owned(),
            })?),
            "package" | "candidate" | "manager" | "listening" | "hugepages" | "missing" => {
                host.take(kind, rest);
            }
            _ => {
                let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                if let Some(server) = servers.iter_mut().rev().find(|s| s.facts.unit == name) {
                    server.take(kind, rest);
                }
            }
        }
    }
    if !complete {
        return Err(DecodeError::Cut);
    }
    Ok(ports
        .iter()
        .map(|port| {
            let instance = summary::instance(*port, &host, &servers);
            (format!("mongodb:{port}"), instance)
        })
        .collect())
}

fn server(rest: &str) -> Option<Server> {
    let (unit, port) = rest.split_once(' ')?;
    let mut server = Server {
        port: port.trim().parse().ok()?,
        ..Server::default()
    };
    server.facts.unit = unit.to_owned();
    Some(server)
}

impl Host {
    fn take(&mut self, kind: &str, rest: &str) {
        let mut words = rest.split_whitespace();
        match (kind, words.next(), words.next()) {
            // A package that was removed but for its configuration isn't installed.
            ("package", Some(name), Some(version)) if rest.ends_with(" installed") => {
                self.packages.insert(name.to_owned(), version.to_owned());
            }
            ("candidate", Some(_), Some(version)) => self.candidates.push(version.to_owned()),
            ("manager", Some(_), Some(_)) => self.managers.push(manager(rest)),
            ("listening", Some(port), _) => self.listening.extend(port.parse::<u16>().ok()),
            ("hugepages", Some(word), _) => self.huge_pages = word.to_owned(),
            ("missing", Some(word), _) => self.missing.push(word.to_owned()),
            _ => {}
        }
    }
}

fn manager(rest: &str) -> Manager {
    let name = if rest.contains("mongos") {
        "a sharded cluster"
    } else {
        "Ops Manager or Cloud Manager"
    };
    Manager {
        name: name.to_owned(),
        evidence: rest.to_owned(),
    }
}

impl Server {
    fn take(&mut self, kind: &str, rest: &str) {
        let facts = &mut self.facts;
        match kind {
            "set" => {
                if let Some((name, value)) = rest.split_once(' ') {
                    facts.settings.insert(name.to_owned(), value.to_owned());
                }
            }
            "unreadable" => self.unreadable = true,
            "state" => self.take_unit(rest),
            "user" => {
                rest.split(' ')
                    .next()
                    .unwrap_or_default()
                    .clone_into(&mut facts.user);
            }
            "binary" => rest.trim().clone_into(&mut facts.binary),
            "conf" => {
                rest.strip_prefix("refused ")
                    .unwrap_or(rest)
                    .clone_into(&mut facts.conf_refused);
            }
            "key" => rest.clone_into(&mut facts.key_file),
            "disk" => {
                let mut numbers = rest.split_whitespace().map(str::parse);
                if let (Some(Ok(size)), Some(Ok(free))) = (numbers.next(), numbers.next()) {
                    self.disk = Some((size, free));
                }
            }
            "aside" => {
                if let Some((bytes, path)) = rest.split_once(' ') {
                    self.set_aside.push(SetAside {
                        path: path.to_owned(),
                        bytes: Bytes(bytes.parse().unwrap_or(0)),
                    });
                }
            }
            "place" => rest.clone_into(&mut facts.place),
            "content" if rest == "new" => facts.begun_empty = true,
            "content" => self.holds_nothing = true,
            "size" => self.data_bytes = rest.trim().parse().ok(),
            "journal" => self.journal_bytes = rest.trim().parse().ok(),
            "rollback" => facts.rollback_files = rest.trim().parse().unwrap_or(0),
            "took" => facts.answered_ms = rest.trim().parse().ok(),
            "asked" => {
                let (name, why) = rest.split_once(' ').unwrap_or((rest, ""));
                facts.refused.insert(name.to_owned(), why.trim().to_owned());
            }
            "ask" => {
                let (name, text) = rest.split_once(' ').unwrap_or((rest, ""));
                match serde_json::from_str(text) {
                    Ok(answer) => self.take_answer(name, &answer),
                    Err(error) => {
                        let why = format!("an answer that isn't understood: {error}");
                        facts.refused.insert(name.to_owned(), why);
                    }
                }
            }
            _ => {}
        }
    }

    fn take_unit(&mut self, rest: &str) {
        let unit = &mut self.facts.unit_state;
        let (name, value) = rest.split_once('=').unwrap_or((rest, ""));
        match name {
            "ActiveState" => value.clone_into(&mut unit.active),
            "SubState" => value.clone_into(&mut unit.sub),
            "UnitFileState" => value.clone_into(&mut unit.file),
            "Result" => value.clone_into(&mut unit.result),
            "MainPID" => unit.main_pid = value.parse().unwrap_or(0),
            _ => {}
        }
    }

    fn take_answer(&mut self, name: &str, answer: &Value) {
        let facts = &mut self.facts;
        match name {
            "hello" => self.take_hello(answer),
            "build" => self.version = text(&answer["version"]),
            "options" => facts.running_bind = text(&answer["net"]["bindIp"]),
            "fcv" => facts.feature_version = text(answer),
            "engine" => facts.storage_engine = text(answer),
            "databases" => {
                facts.databases = answer.as_array().map(|all| {
                    let mut all: Vec<_> = all.iter().filter_map(database).collect();
                    all.sort();
                    all
                });
            }
            "made" => {
                // A server that waits for its set doesn't tell its users.
                let known = facts.state != State::Waiting;
                facts.users = answer[0].as_u64().filter(|_| known);
                facts.collections = answer[1].as_u64();
            }
            "status" => facts.status = Some(status(answer)),
            "config" => facts.config = Some(config(answer)),
            "oplog" => {
                facts.oplog = Some(Oplog {
                    limit: Bytes(number(&answer[0])),
                    used: Bytes(number(&answer[1])),
                    first: number(&answer[2][0]),
                    last: number(&answer[3][0]),
                });
            }
            "concern" => {
                let w = &answer["defaultWriteConcern"]["w"];
                facts.write_concern = text(w).unwrap_or_else(|| {
                    w.as_u64()
                        .map_or_else(String::new, |number| number.to_string())
                });
            }
            _ => {}
        }
    }

    fn take_hello(&mut self, hello: &Value) {
        let facts = &mut self.facts;
        let is = |name: &str| hello[name] == Value::Bool(true);
        facts.set = text(&hello["setName"]);
        facts.me = text(&hello["me"]);
        facts.primary = text(&hello["primary"]);
        facts.state = if hello["msg"] == "isdbgrid" {
            State::Router
        } else if is("isreplicaset") {
            State::Waiting
        } else if facts.set.is_none() {
            State::Standalone
        } else if is("isWritablePrimary") {
            State::Primary
        } else if is("arbiterOnly") {
            State::Arbiter
        } else if is("secondary") {
            State::Secondary
        } else {
            State::Other
        };
        let written = &hello["lastWrite"]["opTime"];
        self.last_write = written["ts"][0].as_u64().zip(written["ts"][1].as_u64());
        self.term = written["t"].as_i64();
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// A whole number that may be written as a floating-point one.
fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .or_else(|| value.as_f64().map(|float| float.max(0.0) as u64))
        .unwrap_or(0)
}

fn database(entry: &Value) -> Option<DatabaseFacts> {
    Some(DatabaseFacts {
        name: text(&entry[0])?,
        bytes: Bytes(number(&entry[1])),
    })
}

fn status(answer: &Value) -> SetStatus {
    let members = answer["members"].as_array().into_iter().flatten();
    let sync = &answer["initialSyncStatus"];
    SetStatus {
        state: u8::try_from(number(&answer["myState"])).unwrap_or(0),
        term: answer["term"].as_i64().unwrap_or(0),
        source: text(&answer["syncSourceHost"]).unwrap_or_default(),
        members: members
            .map(|member| SeenMember {
                host: text(&member["name"]).unwrap_or_default(),
                state: text(&member["stateStr"]).unwrap_or_default(),
                healthy: number(&member["health"]) == 1,
                own: member["self"] == Value::Bool(true),
                applied: member["optimeDate"]
                    .as_i64()
                    .filter(|milliseconds| *milliseconds > 0)
                    .map(|milliseconds| milliseconds as f64 / 1e3),
                message: text(&member["lastHeartbeatMessage"]).unwrap_or_default(),
            })
            .collect(),
        copy: sync.is_object().then(|| InitialSync {
            done: Bytes(number(&sync["approxTotalBytesCopied"])),
            total: Bytes(number(&sync["approxTotalDataSize"])),
            failed: number(&sync["failedInitialSyncAttempts"]),
        }),
    }
}

fn config(answer: &Value) -> SetConfig {
    let members = answer["members"].as_array().into_iter().flatten();
    SetConfig {
        name: text(&answer["_id"]).unwrap_or_default(),
        id: text(&answer["settings"]["replicaSetId"]).unwrap_or_default(),
        version: number(&answer["version"]),
        members: members
            .map(|member| MemberWish {
                host: text(&member["host"]).unwrap_or_default(),
                votes: number(&member["votes"]),
                priority_thousandths: (member["priority"].as_f64().unwrap_or(0.0).max(0.0) * 1e3)
                    as u64,
                hidden: member["hidden"] == Value::Bool(true),
                arbiter: member["arbiterOnly"] == Value::Bool(true),
                delay_seconds: number(&member["secondaryDelaySecs"]),
                joining: member["tags"]["replform"].is_string(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engines::tests as testing;
    use crate::observe::{Details, ServerState};

    fn recorded(name: &str) -> Instance {
        testing::recorded("mongodb", name)
    }

    /// Facts read from a saved observation are the facts that were saved.
    #[test]
    fn the_facts_of_recordings_survive_being_saved() {
        for name in testing::names("mongodb") {
            let instance = recorded(&name);
            let facts = MongoFacts::of(&instance).unwrap();
            let saved = Details::from(super::super::summary::details(&facts));
            assert_eq!(saved, instance.details, "{name}");
        }
    }

    #[test]
    fn only_a_server_in_which_nobody_made_anything_is_empty() {
        for (name, empty) in [
            ("fresh-running", true),
            ("fresh-stopped", true),
            ("foreign", false),
            ("closed", false),
            ("hung", false),
            ("primary", false),
            ("replica", false),
        ] {
            assert_eq!(recorded(name).data.unwrap().empty, empty, "{name}");
        }
    }

    #[test]
    fn a_server_that_gives_no_answer_is_unknown() {
        let ServerState::Unknown { why } = recorded("hung").server else {
            panic!("a hung server isn't unknown");
        };
        assert!(why.contains("no answer"), "{why}");
        assert_eq!(
            recorded("fresh-stopped").server,
            ServerState::Stopped { clean: true }
        );
        assert_eq!(recorded("not-installed").server, ServerState::NotInstalled);
    }

    #[test]
    fn a_port_without_a_unit_is_an_instance_that_says_so() {
        let other = decode(&testing::text("mongodb", "primary"), &[27018])
            .unwrap()
            .remove("mongodb:27018")
            .unwrap();
        assert_eq!(other.server, ServerState::NoInstance);
        let taken = decode(
            &format!("listening 27018\n{}", testing::text("mongodb", "primary")),
            &[27018],
        );
        assert!(matches!(
            taken.unwrap()["mongodb:27018"].server,
            ServerState::Unknown { .. }
        ));
    }

    #[test]
    fn a_server_that_lets_nobody_look_is_known_by_what_it_says_to_strangers() {
        let closed = recorded("closed");
        let facts = MongoFacts::of(&closed).unwrap();
        assert_eq!(facts.state, State::Standalone);
        assert!(facts.authenticates());
        assert_eq!(facts.databases, None);
        assert!(facts.refused["databases"].contains("Unauthorized"));
    }

    proptest! {
        #[test]
        fn survives_any_text(text in ".{0,400}") {
            let _ = decode(&text, &[27017]);
        }

        #[test]
        fn survives_lines_of_its_own_kind(lines in proptest::collection::vec(
            ("(unit|set|state|user|binary|conf|key|disk|aside|place|content|size|journal|rollback|ask|asked|took|manager|package|candidate|missing|listening)",
             "(mongod.service|hello|status|config|made|oplog|concern)", "[a-zA-Z0-9/=:.' {}\\[\\]\",-]{0,40}"), 0..40)) {
            let mut text = String::from("unit mongod.service 27017\n");
            for (kind, name, rest) in lines {
                if kind != "unit" {
                    text.push_str(&format!("{kind} mongod.service {name} {rest}\n"));
                }
            }
            text.push_str("end\n");
            let instances = decode(&text, &[27017, 1]).unwrap();
            prop_assert_eq!(instances.len(), 2);
        }
    }
}
