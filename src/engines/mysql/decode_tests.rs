//! What recordings of real hosts decode into.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::super::facts::MysqlFacts;
use super::*;
use crate::observe::{Role, ServerState, Streaming};

fn recordings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/observations/mysql")
}

fn recorded(name: &str) -> Instance {
    let text = fs::read_to_string(recordings().join(name).with_extension("txt")).unwrap();
    decode(&text, &[3306])
        .unwrap()
        .remove("mysql:3306")
        .unwrap()
}

/// Every recording NAME.txt decodes into NAME.json; `REPLFORM_REWRITE=1` writes the latter anew.
#[test]
fn recordings_decode_into_their_json() {
    let mut names: Vec<PathBuf> = fs::read_dir(recordings())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    names.sort();
    assert!(
        names.len() >= 10,
        "no recordings in {}",
        recordings().display()
    );
    for path in names {
        let text = fs::read_to_string(&path).unwrap();
        let instances = decode(&text, &[3306]).unwrap();
        let found = serde_json::to_string_pretty(&instances).unwrap() + "\n";
        let golden = path.with_extension("json");
        if std::env::var_os("REPLFORM_REWRITE").is_some() {
            fs::write(&golden, &found).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(found, expected, "{}", path.display());
        MysqlFacts::of(&instances["mysql:3306"]).unwrap();
    }
}

#[test]
fn every_cut_of_a_recording_is_an_error() {
    let text = fs::read_to_string(recordings().join("primary.txt")).unwrap();
    for end in 0..text.len() - "end\n".len() {
        if text.is_char_boundary(end) {
            assert!(decode(&text[..end], &[3306]).is_err(), "cut at {end}");
        }
    }
}

#[test]
fn each_state_is_seen_as_what_it_is() {
    assert_eq!(recorded("not-installed").server, ServerState::NotInstalled);
    assert_eq!(
        recorded("not-installed").installable,
        [("9.7".to_owned(), "9.7.4-2".to_owned())]
    );
    let primary = recorded("primary");
    assert_eq!(
        (primary.server, primary.role),
        (ServerState::Running, Some(Role::Primary))
    );
    assert_eq!(primary.version.as_deref(), Some("9.7.4"));
    assert_eq!(primary.downstreams[0].name, "replform_orders_reader");
    let replica = recorded("replica");
    let upstream = replica.upstream.unwrap();
    assert_eq!(
        (upstream.host.as_str(), upstream.port),
        ("10.77.4.11", 3306)
    );
    assert_eq!(upstream.streaming, Streaming::Yes);
    assert_eq!(upstream.lag_seconds, Some(0.0));
    let cut = recorded("replica-cut").upstream.unwrap();
    assert!(
        matches!(cut.streaming, Streaming::No { why } if why.contains("connection is stopped"))
    );
    assert!(
        matches!(recorded("hung").server, ServerState::Unknown { why } if why.contains("no answer"))
    );
    assert!(
        matches!(recorded("mariadb").server, ServerState::Unknown { why } if why == "MariaDB 10.11.18, not MySQL")
    );
}

#[test]
fn what_people_made_is_never_empty() {
    assert!(recorded("empty").data.unwrap().empty);
    assert!(recorded("fresh-stopped").data.unwrap().empty);
    for name in [
        "foreign",
        "foreign-stopped",
        "stopped",
        "primary",
        "replica",
    ] {
        assert!(!recorded(name).data.unwrap().empty, "{name}");
    }
    assert_eq!(
        recorded("foreign-stopped").data.unwrap().databases[0].name,
        "shop"
    );
}

#[test]
fn another_manager_is_recognised() {
    let manager = recorded("group-replication").manager.unwrap();
    assert_eq!(manager.name, "Group Replication");
    assert!(recorded("foreign").manager.is_none());
}

#[test]
fn a_port_without_its_server_says_so() {
    let text = fs::read_to_string(recordings().join("primary.txt")).unwrap();
    let other = decode(&text, &[3307])
        .unwrap()
        .remove("mysql:3307")
        .unwrap();
    assert_eq!(other.server, ServerState::NoInstance);
    assert!(other.data.is_none() && other.identity.is_none());
}

proptest! {
    #[test]
    fn survives_any_text(text in ".{0,400}") {
        let _ = decode(&text, &[3306]);
    }

    #[test]
    fn survives_lines_of_its_own_kind(lines in proptest::collection::vec(
        ("(package|process|unit|option|dropin|data|disk|size|aside|schema|sql|sqlerror|asked|manager|candidate|missing|version|port|binlogs|uuid)",
         "[a-zA-Z0-9/=:.' {}\\[\\]\",-]{0,40}"), 0..40)) {
        let mut text = String::new();
        for (kind, rest) in lines {
            text.push_str(&format!("{kind} {rest}\n"));
        }
        text.push_str("end\n");
        let instances = decode(&text, &[3306, 1]).unwrap();
        prop_assert_eq!(instances.len(), 2);
    }
}
