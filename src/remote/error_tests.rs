//! What people read when a machine can't be reached: each sentence names what, where, and what to do.

use super::*;

fn sentence(kind: ConnectErrorKind) -> String {
    ConnectError {
        target: "eu/db1".into(),
        endpoint: "root@10.0.0.11:22".into(),
        kind,
    }
    .to_string()
}

/// Reason, and what the sentence must say.
fn cases() -> Vec<(ConnectErrorKind, &'static str, Vec<&'static str>)> {
    let after = Duration::from_secs(15);
    let text = || "said so".to_owned();
    vec![
        (
            ConnectErrorKind::Refused,
            "refused",
            vec!["connection refused", "Is sshd running"],
        ),
        (
            ConnectErrorKind::TimedOut {
                stage: Stage::Connection,
                after,
            },
            "timed_out",
            vec!["no answer within 15 s", "firewall"],
        ),
        (
            ConnectErrorKind::TimedOut {
                stage: Stage::Handshake,
                after,
            },
            "timed_out",
            vec!["no SSH greeting within 15 s"],
        ),
        (
            ConnectErrorKind::TimedOut {
                stage: Stage::Authentication,
                after,
            },
            "timed_out",
            vec!["login within 15 s"],
        ),
        (
            ConnectErrorKind::NameNotFound { text: text() },
            "name_not_found",
            vec!["can't be resolved", "said so"],
        ),
        (
            ConnectErrorKind::NoRoute { text: text() },
            "no_route",
            vec!["no way to this address", "said so"],
        ),
        (
            ConnectErrorKind::KnownHostsUnreadable {
                file: "/kh".into(),
                text: text(),
            },
            "known_hosts_unreadable",
            vec!["/kh", "said so"],
        ),
        (
            ConnectErrorKind::KeyFileMissing { file: "/id".into() },
            "key_file_missing",
            vec!["/id doesn't exist"],
        ),
        (
            ConnectErrorKind::KeyFileEncrypted { file: "/id".into() },
            "key_file_encrypted",
            vec!["/id is encrypted", "ssh-add /id"],
        ),
        (
            ConnectErrorKind::KeyFileUnusable {
                file: "/id".into(),
                text: text(),
            },
            "key_file_unusable",
            vec!["/id", "said so"],
        ),
        (
            ConnectErrorKind::JumpRefused {
                hop: "b:22".into(),
                text: text(),
            },
            "jump_failed",
            vec!["jump host b:22", "said so"],
        ),
        (
            ConnectErrorKind::Dropped {
                attempts: 4,
                text: text(),
            },
            "dropped",
            vec!["hung up", "4 times", "MaxStartups"],
        ),
        (
            ConnectErrorKind::NotSsh {
                text: "HTTP/1.1".into(),
            },
            "not_ssh",
            vec!["not an SSH server", "HTTP/1.1"],
        ),
        (
            ConnectErrorKind::HandshakeFailed { text: text() },
            "handshake_failed",
            vec!["handshake failed", "said so"],
        ),
        (
            ConnectErrorKind::Configuration { text: text() },
            "ssh_config",
            vec!["SSH configuration", "said so"],
        ),
        (
            ConnectErrorKind::ProxyCommand { text: text() },
            "proxy_command",
            vec!["ProxyCommand", "said so"],
        ),
        (
            ConnectErrorKind::Client { text: text() },
            "client",
            vec!["this client", "said so"],
        ),
    ]
}

#[test]
fn every_sentence_names_the_machine_and_says_what_to_do() {
    for (kind, reason, parts) in cases() {
        assert_eq!(kind.reason(), reason);
        let sentence = sentence(kind);
        assert!(
            sentence.starts_with("eu/db1 (root@10.0.0.11:22): "),
            "{sentence}"
        );
        for part in parts {
            assert!(sentence.contains(part), "{part:?} is missing in {sentence}");
        }
    }
}

#[test]
fn an_unknown_key_comes_with_fingerprint_line_file_and_the_other_key_that_is_known() {
    let sentence = sentence(ConnectErrorKind::KeyUnknown {
        algorithm: "ssh-ed25519".into(),
        fingerprint: "SHA256:abc".into(),
        line: "10.0.0.11 ssh-ed25519 AAAA".into(),
        file: "/root/.ssh/known_hosts".into(),
        other: Some("/root/.ssh/known_hosts:3 knows it by its ssh-rsa key".into()),
    });
    for part in [
        "ssh-ed25519 SHA256:abc",
        "known_hosts:3 knows it by its ssh-rsa key",
        "add to /root/.ssh/known_hosts:\n10.0.0.11 ssh-ed25519 AAAA",
    ] {
        assert!(sentence.contains(part), "{part:?} is missing in {sentence}");
    }
}

#[test]
fn keys_that_must_not_be_trusted_name_their_place() {
    let (fingerprint, place) = ("SHA256:abc".to_owned(), "/kh:12".to_owned());
    let changed = ConnectErrorKind::KeyChanged {
        algorithm: "ssh-rsa".into(),
        fingerprint: fingerprint.clone(),
        place: place.clone(),
    };
    let revoked = ConnectErrorKind::KeyRevoked {
        fingerprint: fingerprint.clone(),
        place: place.clone(),
    };
    let authority = ConnectErrorKind::OnlyAuthority {
        fingerprint,
        place,
        line: "h ssh-rsa AAAA".into(),
    };
    for (kind, word) in [
        (changed, "CHANGED"),
        (revoked, "revoked"),
        (authority, "@cert-authority"),
    ] {
        let sentence = sentence(kind);
        assert!(
            sentence.contains(word)
                && sentence.contains("/kh:12")
                && sentence.contains("SHA256:abc"),
            "{sentence}"
        );
    }
}

#[test]
fn a_failed_login_lists_keys_and_methods_even_when_there_are_none() {
    let failed = |offered: &[&str], tried: &[&str]| {
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        sentence(ConnectErrorKind::AuthenticationFailed {
            user: "deploy".into(),
            offered: list(offered),
            tried: list(tried),
        })
    };
    let full = failed(
        &["publickey", "password"],
        &["/a (refused)", "/b (encrypted)"],
    );
    assert!(full.ends_with("login as deploy failed; tried: /a (refused); /b (encrypted). The server offers: publickey, password"), "{full}");
    assert!(failed(&[], &[]).contains("no key was found to try"));
}

#[test]
fn a_jump_hosts_own_failure_is_told_once() {
    let error = ConnectError {
        target: "b".into(),
        endpoint: "root@b:22".into(),
        kind: ConnectErrorKind::Refused,
    };
    let sentence = sentence(ConnectErrorKind::JumpFailed {
        hop: "root@b:22".into(),
        error: Box::new(error),
    });
    assert!(
        sentence.contains("the jump host root@b:22 can't be reached: connection refused"),
        "{sentence}"
    );
    assert_eq!(sentence.matches("root@b:22").count(), 1);
}
