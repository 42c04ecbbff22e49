//! The probe's text into one [`Instance`] a port. Pure; made to survive any text, as it comes from hosts.
//!
//! Its source is probe.sh (or a recording under testdata/observations/postgresql); what it makes goes into the
//! observation. Only a missing end line is an error: everything else that isn't as expected is a fact (*unknown*, with why).

use std::collections::BTreeMap;

use super::facts::{OtherCluster, PostgresFacts};
use super::lines::{self, Cluster};
use super::summary;
use crate::engines::DecodeError;
use crate::observe::{Instance, Manager, ServerState};

/// What the probe says about the whole host.
#[derive(Debug, Default)]
struct Host {
    packages: BTreeMap<String, String>,
    candidates: Vec<(String, String)>,
    libc: String,
    managers: Vec<Manager>,
    listening: Vec<u16>,
}

/// Decodes what probe.sh printed into one instance for each of `ports`, keyed `postgresql:PORT`.
///
/// # Errors
/// When the end line is missing, or a `cluster` line has no port.
pub fn decode(section: &str, ports: &[u16]) -> Result<BTreeMap<String, Instance>, DecodeError> {
    let mut host = Host::default();
    let mut clusters: Vec<Cluster> = Vec::new();
    let mut complete = false;
    for (index, line) in section.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        match kind {
            "end" => complete = true,
            "cluster" => clusters.push(cluster(rest).ok_or_else(|| DecodeError::Line {
                line: index + 1,
                what: "a cluster and its port, as in `cluster 15/main 5432`".to_owned(),
            })?),
            "package" | "candidate" | "libc" | "manager" | "listening" => host.take(kind, rest),
            _ => {
                let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                if let Some(cluster) = clusters.iter_mut().rev().find(|c| c.name == name) {
                    cluster.take(kind, rest);
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
            let instance = instance(*port, &host, &clusters);
            (format!("postgresql:{port}"), instance)
        })
        .collect())
}

fn cluster(rest: &str) -> Option<Cluster> {
    let (name, port) = rest.split_once(' ')?;
    Some(Cluster {
        name: name.to_owned(),
        port: port.trim().parse().ok()?,
        ..Cluster::default()
    })
}

impl Host {
    fn take(&mut self, kind: &str, rest: &str) {
        let mut words = rest.split_whitespace();
        match (kind, words.next(), words.next()) {
            // A package that was removed but for its configuration isn't installed.
            ("package", Some(name), Some(version)) if rest.ends_with(" installed") => {
                self.packages.insert(name.to_owned(), version.to_owned());
            }
            ("candidate", Some(name), Some(version)) => {
                if let Some(major) = name.strip_prefix("postgresql-") {
                    self.candidates.push((major.to_owned(), version.to_owned()));
                }
            }
            ("libc", ..) => self.libc = rest.to_owned(),
            ("manager", ..) => self.managers.extend(lines::manager(rest)),
            ("listening", Some(port), _) => self.listening.extend(port.parse::<u16>().ok()),
            _ => {}
        }
    }

    /// Versions of the server that are installed, by major version.
    fn installed(&self) -> impl Iterator<Item = (&str, &str)> {
        self.packages.iter().filter_map(|(name, version)| {
            let major = name.strip_prefix("postgresql-")?;
            major
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
                .then_some((major, version.as_str()))
        })
    }

    /// The full version of an installed major version, from its package: `15.18`.
    fn version(&self, major: &str) -> Option<String> {
        let (_, version) = self.installed().find(|(found, _)| *found == major)?;
        let version = version.split_once(':').map_or(version, |(_, v)| v);
        Some(version.split('-').next().unwrap_or(version).to_owned())
    }

    fn installable(&self) -> Vec<(String, String)> {
        self.candidates.clone()
    }
}

/// Of several clusters on one port the one that runs, else the newest, else the first by name.
fn on_port(port: u16, clusters: &[Cluster]) -> Option<&Cluster> {
    clusters
        .iter()
        .filter(|cluster| cluster.port == port)
        .max_by_key(|cluster| {
            let runs = !matches!(
                cluster.facts.process.as_str(),
                "down" | "stale-pidfile" | ""
            );
            (
                runs,
                summary::major(&cluster.name),
                std::cmp::Reverse(&cluster.name),
            )
        })
}

fn instance(port: u16, host: &Host, clusters: &[Cluster]) -> Instance {
    let chosen = on_port(port, clusters);
    let mut cluster = chosen.cloned().unwrap_or_default();
    let facts = &mut cluster.facts;
    facts.listening = host.listening.contains(&port);
    facts.libc.clone_from(&host.libc);
    facts.packages.clone_from(&host.packages);
    let own = std::mem::take(&mut facts.managers);
    facts.managers = host.managers.iter().cloned().chain(own).collect();
    facts.other_clusters = clusters
        .iter()
        .filter(|other| chosen.is_none_or(|chosen| chosen.name != other.name))
        .map(|other| OtherCluster {
            cluster: other.name.clone(),
            port: other.port,
            process: other.facts.process.clone(),
            directory: other.directory.clone(),
        })
        .collect();
    let mut instance = match chosen {
        Some(_) => {
            let major = cluster
                .name
                .split('/')
                .next()
                .unwrap_or_default()
                .to_owned();
            summary::of_cluster(port, cluster, host.version(&major))
        }
        None => without_cluster(port, host, cluster.facts),
    };
    instance.installable = host.installable();
    instance
}

/// No cluster on the port: nothing installed, or an installation without one.
fn without_cluster(port: u16, host: &Host, facts: PostgresFacts) -> Instance {
    let server = if facts.listening {
        ServerState::Unknown {
            why: format!(
                "something that is no PostgreSQL cluster of Debian's listens on port {port}"
            ),
        }
    } else if host.installed().next().is_some() {
        ServerState::NoInstance
    } else {
        ServerState::NotInstalled
    };
    let mut instance = summary::bare(port, server, &facts);
    instance.version = host
        .installed()
        .last()
        .and_then(|(major, _)| host.version(major));
    instance
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engines::tests as testing;
    use crate::observe::{Details, Streaming};

    fn recorded(name: &str) -> Instance {
        testing::recorded("postgresql", name)
    }

    /// Facts read from a saved observation are the facts that were saved.
    #[test]
    fn the_facts_of_recordings_survive_being_saved() {
        for name in testing::names("postgresql") {
            let instance = recorded(&name);
            let facts = PostgresFacts::of(&instance).unwrap();
            let saved = Details::from(super::super::summary::details(&facts));
            assert_eq!(saved, instance.details, "{name}");
        }
    }

    #[test]
    fn a_port_without_a_cluster_is_an_instance_that_says_so() {
        assert_eq!(recorded("not-installed").server, ServerState::NotInstalled);
        let text = testing::text("postgresql", "primary");
        let other = decode(&text, &[5433])
            .unwrap()
            .remove("postgresql:5433")
            .unwrap();
        assert_eq!(other.server, ServerState::NoInstance);
        let taken = decode(&format!("listening 5433\n{text}"), &[5433]).unwrap();
        assert!(matches!(
            taken["postgresql:5433"].server,
            ServerState::Unknown { .. }
        ));
    }

    #[test]
    fn a_row_that_was_cut_leaves_the_server_unknown() {
        let text = testing::text("postgresql", "primary");
        let end = text.find("\nsql 15/main core").unwrap();
        let cut = format!("{}\nend\n", &text[..end - 5]);
        let instance = decode(&cut, &[5432])
            .unwrap()
            .remove("postgresql:5432")
            .unwrap();
        assert!(
            matches!(instance.server, ServerState::Unknown { .. }),
            "{:?}",
            instance.server
        );
        assert!(!instance.data.unwrap().empty);
    }

    #[test]
    fn only_a_server_in_which_nobody_made_anything_is_empty() {
        for (name, empty) in [
            ("fresh-stopped", true),
            ("cut-between-renames", true),
            ("foreign", false),
            ("foreign-stopped", false),
            ("hung", false),
            ("primary", false),
            ("replica", false),
        ] {
            assert_eq!(recorded(name).data.unwrap().empty, empty, "{name}");
        }
    }

    #[test]
    fn a_server_that_gives_no_answer_is_unknown_and_one_that_starts_is_starting() {
        let ServerState::Unknown { why } = recorded("hung").server else {
            panic!("a hung server isn't unknown");
        };
        assert_eq!(why, "no answer in 4 s");
        assert_eq!(recorded("starting").server, ServerState::Starting);
        assert_eq!(
            recorded("stopped").server,
            ServerState::Stopped { clean: true }
        );
        assert_eq!(
            recorded("parameter-too-low").server,
            ServerState::Stopped { clean: false }
        );
    }

    #[test]
    fn why_a_link_stands_still_is_told() {
        for (name, sign) in [
            ("replica-cut", "could not connect"),
            ("wal-gone", "already been removed"),
            ("parameter-running", "replay is paused"),
        ] {
            let streaming = recorded(name).upstream.unwrap().streaming;
            let Streaming::No { why } = streaming else {
                panic!("{name}: {streaming:?}");
            };
            assert!(why.contains(sign), "{name}: {why}");
        }
    }

    #[test]
    fn signs_of_another_manager_are_told() {
        assert_eq!(recorded("repmgr").manager.unwrap().name, "repmgr");
        assert_eq!(recorded("primary").manager, None);
    }

    #[test]
    fn a_lost_slot_keeps_nothing() {
        let facts = PostgresFacts::of(&recorded("slot-lost")).unwrap();
        let slot = facts
            .slots
            .iter()
            .find(|slot| slot.wal_status == "lost")
            .unwrap();
        assert_eq!(slot.restart_lsn, None);
        assert_eq!(slot.retained, None);
    }

    proptest! {
        #[test]
        fn survives_any_text(text in ".{0,400}") {
            let _ = decode(&text, &[5432]);
        }

        #[test]
        fn survives_lines_of_its_own_kind(lines in proptest::collection::vec(
            ("(cluster|process|data|unit|disk|size|aside|control|history|hbablock|sql|sqlerror|asked|manager|package|candidate|missing|dropin)",
             "15/main", "[a-zA-Z0-9/=:.' {}\\[\\]\",-]{0,40}"), 0..40)) {
            let mut text = String::from("cluster 15/main 5432\n");
            for (kind, name, rest) in lines {
                if kind != "cluster" {
                    text.push_str(&format!("{kind} {name} {rest}\n"));
                }
            }
            text.push_str("end\n");
            let instances = decode(&text, &[5432, 1]).unwrap();
            prop_assert_eq!(instances.len(), 2);
        }
    }
}
