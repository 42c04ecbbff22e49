//! What recordings of real hosts decode into.

use proptest::prelude::*;

use super::super::facts::MysqlFacts;
use super::*;
use crate::engines::tests as testing;
use crate::observe::{Details, Role, ServerState, Streaming};

fn recorded(name: &str) -> Instance {
    testing::recorded("mysql", name)
}

/// Facts read from a saved observation are the facts that were saved.
#[test]
fn the_facts_of_recordings_survive_being_saved() {
    for name in testing::names("mysql") {
        let instance = recorded(&name);
        let facts = MysqlFacts::of(&instance).unwrap();
        let saved = Details::from(summary::details(&facts));
        assert_eq!(saved, instance.details, "{name}");
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
    let text = testing::text("mysql", "primary");
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
