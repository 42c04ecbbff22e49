//! From the text of the host probe (src/observe/probe.sh) to [`Facts`]. Pure; never panics, whatever a machine says.
//!
//! A text without its end is [`ProbeError::Cut`]: what it doesn't say isn't known to be absent.

use std::collections::BTreeMap;

use super::decode_host::{self, Clock};
use super::decode_rows::{env_file, jobs, locks, markers, reach};
use super::request::{ProbeRequest, reach_key};
use super::{Facts, Instance, Role, ServerState};
use crate::engines::engine;

/// Why a probe's text gives no facts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// It stops before its end.
    #[error("the probe was cut off: it said {lines} lines, and not its last")]
    Cut {
        /// Lines that came.
        lines: usize,
    },
    /// It didn't run as root.
    #[error(
        "the probe ran as user id {uid}, not as root: set `ssh {{ sudo = true }}`, or log in as root"
    )]
    NotRoot {
        /// The login user's id.
        uid: String,
    },
    /// A part isn't what the probe prints.
    #[error("the probe's part \"{section}\" isn't understood: {what}")]
    Section {
        /// The section's name.
        section: String,
        /// What is wrong.
        what: String,
    },
}

impl ProbeError {
    /// A short word for programs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Cut { .. } => "probe_cut",
            Self::NotRoot { .. } => "not_root",
            Self::Section { .. } => "probe_not_understood",
        }
    }
}

/// When the client asked and when it had the answer, seconds since the epoch by its own clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoundTrip {
    /// Just before the script was sent.
    pub asked: f64,
    /// Just after its end was read.
    pub answered: f64,
}

/// One section: its title after `== ` and its lines.
pub(super) struct Section<'a> {
    pub(super) title: &'a str,
    pub(super) lines: Vec<&'a str>,
}

impl Section<'_> {
    /// An error about this section.
    pub(super) fn error(&self, what: impl Into<String>) -> ProbeError {
        ProbeError::Section {
            section: self.title.to_owned(),
            what: what.into(),
        }
    }
}

/// Reads what a machine said to `request`.
///
/// # Errors
/// When the text was cut off, the probe wasn't root, or the host's own part can't be understood. An engine's part that
/// can't be understood isn't an error: its instances are then [`ServerState::Unknown`].
pub fn decode(text: &str, request: &ProbeRequest, trip: RoundTrip) -> Result<Facts, ProbeError> {
    let sections = sections(text);
    let cut = || ProbeError::Cut {
        lines: text.lines().count(),
    };
    let end = sections
        .iter()
        .rfind(|section| section.title == "end" && section.lines.contains(&"ended"))
        .ok_or_else(cut)?;
    let host = sections
        .iter()
        .find(|section| section.title == "host")
        .ok_or_else(cut)?;
    let clock = Clock {
        begin: decode_host::value(host, "clock"),
        end: decode_host::value(end, "clock"),
        trip,
    };
    let host = decode_host::host(host, &clock)?;
    if !host.root {
        let uid = sections
            .iter()
            .find(|section| section.title == "host")
            .and_then(|section| decode_host::value(section, "uid"));
        return Err(ProbeError::NotRoot {
            uid: uid.unwrap_or("unknown").to_owned(),
        });
    }
    let mut facts = Facts {
        host,
        instances: BTreeMap::new(),
        markers: BTreeMap::new(),
        jobs: BTreeMap::new(),
        locks: Vec::new(),
        reach: BTreeMap::new(),
        env: BTreeMap::new(),
    };
    for section in &sections {
        match section.title.split_once(' ') {
            None => match section.title {
                "reach" => facts.reach = reach(section)?,
                "markers" => facts.markers = markers(section)?,
                "jobs" => facts.jobs = jobs(section)?,
                "locks" => facts.locks = locks(section)?,
                _ => {}
            },
            Some(("env", path)) => {
                facts.env.insert(path.to_owned(), env_file(section)?);
            }
            Some(("engine", name)) => facts.instances.extend(instances(section, name, request)),
            Some(_) => {}
        }
    }
    complete(&facts, request, &sections)?;
    Ok(facts)
}

/// Whether everything that was asked is answered: a part that is missing is no proof that there is nothing.
fn complete(
    facts: &Facts,
    request: &ProbeRequest,
    sections: &[Section<'_>],
) -> Result<(), ProbeError> {
    let missing = |what: &str| ProbeError::Section {
        section: what.to_owned(),
        what: "it is missing".to_owned(),
    };
    for title in ["reach", "markers", "jobs", "locks"] {
        if !sections.iter().any(|section| section.title == title) {
            return Err(missing(title));
        }
    }
    for path in request.env.keys() {
        if !facts.env.contains_key(path) {
            return Err(missing(&format!("env {path}")));
        }
    }
    for (address, port) in &request.reach {
        if !facts.reach.contains_key(&reach_key(address, *port)) {
            return Err(missing(&format!("reach {address} {port}")));
        }
    }
    for (name, ports) in &request.engines {
        for port in ports {
            let key = format!("{name}:{port}");
            if engine(name).is_some() && !facts.instances.contains_key(&key) {
                return Err(missing(&format!("engine {key}")));
            }
        }
    }
    Ok(())
}

fn sections(text: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("== ") {
            sections.push(Section {
                title,
                lines: Vec::new(),
            });
        } else if let Some(section) = sections.last_mut()
            && !line.is_empty()
        {
            section.lines.push(line);
        }
    }
    sections
}

/// The instances of one engine, decoded by the engine itself.
fn instances(
    section: &Section<'_>,
    name: &str,
    request: &ProbeRequest,
) -> BTreeMap<String, Instance> {
    let Some(ports) = request.engines.get(name) else {
        return BTreeMap::new();
    };
    let ports: Vec<u16> = ports.iter().copied().collect();
    let unknown = |why: String| -> BTreeMap<String, Instance> {
        ports
            .iter()
            .map(|port| {
                (
                    format!("{name}:{port}"),
                    unknown_instance(name, *port, why.clone()),
                )
            })
            .collect()
    };
    let Some(engine) = engine(name) else {
        return BTreeMap::new();
    };
    let said: String = section
        .lines
        .iter()
        .filter_map(|line| line.strip_prefix('|'))
        .flat_map(|line| [line, "\n"])
        .collect();
    match decode_host::value(section, "exit") {
        Some("0") => engine
            .decode(&said, &ports)
            .unwrap_or_else(|error| unknown(error.to_string())),
        Some("124" | "137") => {
            unknown("the probe of the database had no answer in 25 s".to_owned())
        }
        code => unknown(format!(
            "the probe of the database ended with code {}",
            code.unwrap_or("unknown")
        )),
    }
}

/// An instance of which nothing is known.
fn unknown_instance(engine: &str, port: u16, why: String) -> Instance {
    Instance {
        engine: engine.to_owned(),
        port,
        server: ServerState::Unknown { why },
        version: None,
        installable: Vec::new(),
        role: None::<Role>,
        manager: None,
        identity: None,
        position: None,
        data: None,
        set_aside: Vec::new(),
        upstream: None,
        downstreams: Vec::new(),
        details: serde_json::Value::Null,
    }
}
