//! The decoder against what real hosts said, and against any text.

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::engines::tests as testing;
use crate::observe::{Details, Role, Streaming};

fn recorded(name: &str) -> Instance {
    testing::recorded("redis", name)
}

/// Facts read from a saved observation are the facts that were saved.
#[test]
fn the_facts_of_recordings_survive_being_saved() {
    for name in testing::names("redis") {
        let instance = recorded(&name);
        let facts = RedisFacts::of(&instance).unwrap();
        let saved = Details::from(summary::details(&facts));
        assert_eq!(saved, instance.details, "{name}");
    }
}

#[test]
fn no_recording_holds_a_password_or_a_hash_of_one() {
    for entry in fs::read_dir(testing::recordings("redis")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in text.lines().filter(|line| {
            ["requirepass", "masterauth", "user "]
                .iter()
                .any(|word| line.contains(word))
        }) {
            let hash = line
                .split(|c: char| !c.is_ascii_hexdigit())
                .any(|word| word.len() == 64);
            assert!(!hash, "{line}");
            for word in ["requirepass ", "masterauth "] {
                if let Some((_, value)) = line.split_once(word) {
                    let value = value.trim_end_matches(['"', ',']);
                    assert!(value.is_empty() || value == "(set)", "{line}");
                }
            }
        }
    }
}

#[test]
fn a_port_without_an_instance_is_an_instance_that_says_so() {
    assert_eq!(recorded("not-installed").server, ServerState::NotInstalled);
    let text = testing::text("redis", "primary");
    let other = decode(&text, &[6380])
        .unwrap()
        .remove("redis:6380")
        .unwrap();
    assert_eq!(other.server, ServerState::NoInstance);
    let making = decode(&format!("making redis 6380\n{text}"), &[6380]).unwrap();
    assert_eq!(making["redis:6380"].server, ServerState::NotInstalled);
    let taken = decode(&format!("listening 6380\n{text}"), &[6380]).unwrap();
    assert!(matches!(
        taken["redis:6380"].server,
        ServerState::Unknown { .. }
    ));
}

#[test]
fn only_a_server_that_holds_nothing_is_empty() {
    for (name, empty) in [
        ("empty", true),
        ("empty-stopped", true),
        ("cut-between-renames", true),
        ("valkey-empty", true),
        ("valkey-standalone", false),
        ("foreign", false),
        ("foreign-stopped", false),
        ("hung", false),
        ("password-unknown", false),
        ("primary", false),
        ("replica", false),
        ("replica-stopped", false),
    ] {
        assert_eq!(recorded(name).data.unwrap().empty, empty, "{name}");
    }
}

#[test]
fn an_answer_that_was_cut_leaves_the_server_unknown_and_not_empty() {
    let cut = testing::text("redis", "empty").replace("core /etc/redis/redis.conf yes\n", "");
    let instance = decode(&cut, &[6379]).unwrap().remove("redis:6379").unwrap();
    assert!(matches!(instance.server, ServerState::Unknown { .. }));
    assert!(!instance.data.unwrap().empty);
}

#[test]
fn a_server_that_gives_no_answer_or_asks_for_a_password_is_unknown_with_the_reason() {
    for (name, sign) in [
        ("hung", "no answer in 4 s"),
        ("password-unknown", "asks for a password"),
    ] {
        let ServerState::Unknown { why } = recorded(name).server else {
            panic!("{name} isn't unknown");
        };
        assert!(why.contains(sign), "{name}: {why}");
    }
}

#[test]
fn roles_links_and_their_reasons_are_told() {
    let primary = recorded("primary");
    assert_eq!(primary.role, Some(Role::Primary));
    assert_eq!(primary.downstreams[0].name, "replform_o_r");
    assert_eq!(primary.downstreams[0].state, "online");
    let replica = recorded("replica");
    assert_eq!(replica.role, Some(Role::Replica));
    assert_eq!(replica.upstream.unwrap().streaming, Streaming::Yes);
    assert_eq!(
        replica.position.unwrap().history,
        primary.position.unwrap().history
    );
    assert_eq!(
        recorded("primary-replica-away").downstreams[0].state,
        "absent"
    );
    let stopped = recorded("replica-stopped");
    assert_eq!(stopped.role, Some(Role::Replica));
    assert!(stopped.position.is_some());
    let down = recorded("link-down-password").upstream.unwrap().streaming;
    let Streaming::No { why } = down else {
        panic!("{down:?}");
    };
    assert!(why.contains("AUTH"), "{why}");
}

#[test]
fn valkey_is_told_from_redis() {
    let valkey = recorded("valkey-standalone");
    assert_eq!(valkey.version.as_deref(), Some("8.1.1"));
    assert_eq!(RedisFacts::of(&valkey).unwrap().kind, Some(Kind::Valkey));
    assert_eq!(recorded("foreign").version.as_deref(), Some("8.0.2"));
    let bare = recorded("not-installed").installable;
    assert!(bare.iter().any(|(name, _)| name == "redis 8.0"), "{bare:?}");
    assert!(
        bare.iter().any(|(name, _)| name == "valkey 8.1"),
        "{bare:?}"
    );
}

#[test]
fn sentinel_and_cluster_are_managers() {
    let text = testing::text("redis", "primary");
    for (line, name) in [
        ("sentinels /etc/redis/redis.conf yes", "Sentinel"),
        (
            "info /etc/redis/redis.conf cluster_enabled:1",
            "Redis Cluster",
        ),
    ] {
        let with = text.replace(
            "core /etc/redis/redis.conf yes",
            &format!("{line}\ncore /etc/redis/redis.conf yes"),
        );
        let instance = decode(&with, &[6379])
            .unwrap()
            .remove("redis:6379")
            .unwrap();
        assert_eq!(instance.manager.unwrap().name, name);
    }
    let process = decode(&format!("manager process Sentinel pid 7\n{text}"), &[6379]).unwrap();
    assert_eq!(
        process["redis:6379"].manager.as_ref().unwrap().name,
        "Sentinel"
    );
}

proptest! {
    #[test]
    fn survives_any_text(text in ".{0,400}") {
        let _ = decode(&text, &[6379]);
    }

    #[test]
    fn survives_lines_of_its_own_kind(lines in proptest::collection::vec(
        ("(kind|unit|unitname|conf|block|data|disk|aside|size|dump|ping|info|set|user|connection|said|asked|package|candidate|missing|core)",
         "/etc/redis/redis.conf", "[a-zA-Z0-9/=:.#' {},-]{0,40}"), 0..40)) {
        let mut text = String::from("instance /etc/redis/redis.conf 6379\n");
        for (kind, name, rest) in lines {
            text.push_str(&format!("{kind} {name} {rest}\n"));
        }
        text.push_str("end\n");
        let instances = decode(&text, &[6379, 1]).unwrap();
        prop_assert_eq!(instances.len(), 2);
    }
}
