//! From the text of the host probe (src/observe/probe.sh) to [`Facts`]. Pure; never panics, whatever a machine says.
//!
//! A text without its end is [`ProbeError::Cut`]: what it doesn't say isn't known to be absent.

use std::collections::BTreeMap;

use super::decode_host::{self, Clock};
use super::decode_rows::{env_file, jobs, locks, markers, reach, tls_files};
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
        tls: BTreeMap::new(),
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
            Some(("tls", name)) => {
                facts.tls.insert(name.to_owned(), tls_files(section));
            }
            Some(("engine", name)) => facts.instances.extend(
                instances(section, name, request)
                    .into_iter()
                    .map(|(key, instance)| (key, Box::new(instance))),
            ),
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
        details: super::Details::default(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use proptest::prelude::*;

    use super::*;
    use crate::topology::{Shown, env_hash_line};

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/observations/host")
    }

    /// Each case is three files: NAME.request.json, NAME.txt (what a real host said to it), NAME.json (the facts).
    fn cases() -> Vec<(String, ProbeRequest)> {
        let mut cases: Vec<_> = std::fs::read_dir(folder())
            .unwrap()
            .filter_map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name()?.to_str()?.strip_suffix(".request.json")?;
                let request = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
                Some((name.to_owned(), request))
            })
            .collect();
        cases.sort_by(|a, b| a.0.cmp(&b.0));
        cases
    }

    fn said(name: &str) -> String {
        std::fs::read_to_string(folder().join(format!("{name}.txt"))).unwrap()
    }

    fn trip(text: &str) -> RoundTrip {
        let clock = |line: Option<&str>| line.unwrap()["clock ".len()..].parse::<f64>().unwrap();
        let mut lines = text.lines().filter(|line| line.starts_with("clock "));
        RoundTrip {
            asked: clock(lines.next()) - 0.04,
            answered: clock(lines.next_back()) + 0.06,
        }
    }

    #[test]
    fn recorded_hosts_decode_to_their_facts() {
        let rewrite = std::env::var_os("REPLFORM_REWRITE").is_some();
        let cases = cases();
        assert!(cases.len() >= 3);
        for (name, request) in cases {
            let text = said(&name);
            let facts = decode(&text, &request, trip(&text)).unwrap();
            let json = serde_json::to_string_pretty(&facts).unwrap() + "\n";
            let path = folder().join(format!("{name}.json"));
            if rewrite {
                std::fs::write(&path, &json).unwrap();
            }
            assert_eq!(std::fs::read_to_string(&path).unwrap(), json, "{name}");
        }
    }

    #[test]
    fn an_apps_own_secrets_never_leave_its_host() {
        for (name, _) in cases() {
            let text = said(&name);
            for canary in ["canary", "s3cr3t", "it's old", "RAILS_ENV"] {
                assert!(!text.contains(canary), "{name} printed {canary}");
            }
        }
    }

    #[test]
    fn hosts_and_planner_hash_a_sensitive_value_alike() {
        let text = said("app");
        for (name, value) in [
            ("ORDERS_URL", "postgres://app:s3cr3t$x@10.77.9.11/orders"),
            ("OLD_EXTRA", "it's old $5"),
        ] {
            let line = env_hash_line("acme", name, value);
            assert!(text.contains(&format!("|line {line}\n")), "{name}");
        }
    }

    #[test]
    fn a_text_without_its_end_is_cut() {
        for (name, request) in cases() {
            let text = said(&name);
            let lines: Vec<&str> = text.lines().collect();
            for length in 0..lines.len() {
                let part = lines[..length].join("\n");
                let result = decode(&part, &request, trip(&text));
                assert!(
                    matches!(result, Err(ProbeError::Cut { .. })),
                    "{name} {length}"
                );
            }
        }
    }

    #[test]
    fn a_part_that_was_asked_for_and_is_missing_is_an_error() {
        for (name, request) in cases() {
            let text = said(&name);
            let trip = trip(&text);
            for title in sections(&text).iter().map(|section| section.title) {
                let without: String = text
                    .split_inclusive("== ")
                    .collect::<String>()
                    .split("== ")
                    .filter(|part| part.lines().next() != Some(title))
                    .collect::<Vec<_>>()
                    .join("== ");
                assert!(
                    decode(&without, &request, trip).is_err(),
                    "{name} without {title}"
                );
            }
        }
    }

    #[test]
    fn without_root_nothing_is_known() {
        let text = "== host\nclock 1.0\nuid 1000\nmemory MemTotal: 9 kB\nmemory MemAvailable: 9 kB\n== end\nclock 2.0\nended\n";
        let trip = RoundTrip {
            asked: 1.0,
            answered: 2.0,
        };
        let error = decode(text, &ProbeRequest::default(), trip).unwrap_err();
        assert_eq!(error.reason(), "not_root");
    }

    proptest! {
        #[test]
        fn any_text_decodes_or_fails(
            lines in proptest::collection::vec(
                prop_oneof![
                    Just("== host".to_owned()), Just("== env /etc/a.env".to_owned()), Just("== markers".to_owned()),
                    Just("== jobs".to_owned()), Just("== locks".to_owned()), Just("== tls x".to_owned()), Just("== reach".to_owned()),
                    Just("== engine postgresql".to_owned()), Just("== end".to_owned()), Just("ended".to_owned()),
                    Just("uid 0".to_owned()), Just("memory MemTotal: 1 kB".to_owned()), Just("memory MemAvailable: 1 kB".to_owned()),
                    "(clock|job|id|hash|status|progress|age|lock|holder|file|pending|exit|[|]begin|[|]line|[|]outside|[|]) [ -~]{0,20}",
                    "\\PC{0,30}",
                ],
                0..40,
            ),
        ) {
            let request = ProbeRequest {
                topology: "acme".to_owned(),
                engines: [("postgresql".to_owned(), [5432].into())].into(),
                reach: [("10.0.0.1".to_owned(), 5432)].into(),
                env: [("/etc/a.env".to_owned(), [("A".to_owned(), Shown::AsHash)].into())].into(),
                ..ProbeRequest::default()
            };
            let _ = decode(&lines.join("\n"), &request, RoundTrip { asked: f64::NAN, answered: 1e300 });
        }

        #[test]
        fn a_recorded_text_with_any_line_changed_decodes_or_fails(at in 0..200_usize, line in "\\PC{0,30}") {
            for (name, request) in cases() {
                let text = said(&name);
                let mut lines: Vec<&str> = text.lines().collect();
                let at = at % lines.len();
                lines[at] = &line;
                let _ = decode(&lines.join("\n"), &request, trip(&text));
            }
        }
    }

    /// `testdata/observations/record` runs this to have the scripts for its hosts.
    #[test]
    #[ignore = "writes the scripts for a recording"]
    fn write_scripts() {
        let folder = PathBuf::from(std::env::var_os("REPLFORM_SCRIPTS").unwrap());
        for (name, request) in cases() {
            std::fs::write(folder.join(format!("{name}.sh")), request.script().unwrap()).unwrap();
        }
    }
}
