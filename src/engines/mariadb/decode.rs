//! The probe's text into one [`Instance`] a port. Pure; made to survive any text, as it comes from hosts.
//!
//! Its source is probe.sh (or a recording under testdata/observations/mariadb); what it makes goes into the observation. Only a
//! missing end line is an error: everything else that isn't as expected is a fact (*unknown*, with why).

use std::collections::BTreeMap;

use super::lines::Server;
use super::summary;
use crate::engines::DecodeError;
use crate::observe::Instance;

/// Decodes what probe.sh printed into one instance for each of `ports`, keyed `mariadb:PORT`.
///
/// # Errors
/// When the end line is missing.
pub fn decode(section: &str, ports: &[u16]) -> Result<BTreeMap<String, Instance>, DecodeError> {
    let mut server = Server::default();
    let mut complete = false;
    for line in section.lines() {
        let line = line.trim_end_matches('\r');
        match line.split_once(' ').unwrap_or((line, "")) {
            ("end", _) => complete = true,
            (kind, rest) => server.take(kind, rest),
        }
    }
    if !complete {
        return Err(DecodeError::Cut);
    }
    Ok(ports
        .iter()
        .map(|port| (format!("mariadb:{port}"), summary::instance(*port, &server)))
        .collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::facts::MariaFacts;
    use super::*;
    use crate::engines::tests as testing;
    use crate::observe::{Details, Role, ServerState, Streaming};

    fn recorded(name: &str) -> Instance {
        testing::recorded("mariadb", name)
    }

    /// Facts read from a saved observation are the facts that were saved.
    #[test]
    fn the_facts_of_recordings_survive_being_saved() {
        for name in testing::names("mariadb") {
            let instance = recorded(&name);
            let facts = MariaFacts::of(&instance).unwrap();
            let saved = Details::from(summary::details(&facts));
            assert_eq!(saved, instance.details, "{name}");
        }
    }

    #[test]
    fn a_port_without_a_server_is_an_instance_that_says_so() {
        assert_eq!(recorded("bare").server, ServerState::NotInstalled);
        let other = decode(&testing::text("mariadb", "primary"), &[3307])
            .unwrap()
            .remove("mariadb:3307")
            .unwrap();
        assert_eq!(other.server, ServerState::NoInstance);
    }

    #[test]
    fn an_answer_that_was_cut_leaves_the_server_unknown() {
        let text = testing::text("mariadb", "primary");
        let cut = format!("{}\nend\n", &text[..text.find("\ncore yes").unwrap() - 5]);
        let instance = decode(&cut, &[3306])
            .unwrap()
            .remove("mariadb:3306")
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
            ("fresh", true),
            ("fresh-stopped", true),
            ("account-stopped", false),
            ("foreign", false),
            ("foreign-stopped", false),
            ("hung", false),
            ("primary", false),
            ("replica", false),
            ("restored", false),
        ] {
            assert_eq!(recorded(name).data.unwrap().empty, empty, "{name}");
        }
    }

    #[test]
    fn states_of_servers_are_told_apart() {
        let ServerState::Unknown { why } = recorded("hung").server else {
            panic!("a hung server isn't unknown");
        };
        assert!(why.contains("no answer"), "{why}");
        for (name, clean) in [("fresh-stopped", true), ("foreign-stopped", true)] {
            assert_eq!(
                recorded(name).server,
                ServerState::Stopped { clean },
                "{name}"
            );
        }
        assert_eq!(recorded("primary").role, Some(Role::Primary));
        assert_eq!(recorded("replica").role, Some(Role::Replica));
    }

    #[test]
    fn why_a_link_stands_still_is_told() {
        assert_eq!(
            recorded("replica").upstream.unwrap().streaming,
            Streaming::Yes
        );
        for (name, sign) in [
            ("replica-cut", "rror connecting to master"),
            ("replica-stopped", "stopped"),
            ("binlog-gone", "purged"),
            ("diverged", "strict mode"),
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
        assert_eq!(recorded("galera").manager.unwrap().name, "Galera");
        assert_eq!(recorded("maxscale").manager.unwrap().name, "MaxScale");
        assert_eq!(recorded("primary").manager, None);
    }

    proptest! {
        #[test]
        fn survives_any_text(text in ".{0,400}") {
            let _ = decode(&text, &[3306]);
        }

        #[test]
        fn survives_lines_of_its_own_kind(lines in proptest::collection::vec(
            ("(package|process|listen|port|data|option|unit|socket|disk|aside|missing|size|slave|binlogs|oldest|var|status|down|people|core|version|error|masterinfo|copy)",
             "[a-zA-Z0-9/=:.' {}\\[\\]\",-]{0,40}"), 0..40)) {
            let mut text: String = lines.into_iter().map(|(kind, rest)| format!("{kind} {rest}\n")).collect();
            text.push_str("end\n");
            let instances = decode(&text, &[3306, 1]).unwrap();
            prop_assert_eq!(instances.len(), 2);
        }
    }
}
