//! Compose on a real `sh`: arguments arrive as they are, secrets only where they belong, hashes say what they must.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use super::*;
use crate::plan::{Argument, Call, SecretName, Sensitive};
use crate::secret::Secret;

const CANARY: &str = "canary-7b1e";

fn call() -> Call {
    Call::new("apply/marker.sh", 30)
        .text("marker_file", "acme.orders.json")
        .text("marker_json", "{\"a\": \"it's $HOME `id`\"}")
}

fn secret_call() -> Call {
    let name = SecretName("orders.reader.password".to_owned());
    // Any engine's: a proof is made by the engine of the script.
    let mut call = call();
    call.script = crate::engines::ENGINES[0].scripts()[0].0.to_owned();
    call.with("password", Argument::Secret(name.clone()))
        .with("verifier", Argument::Proof(name))
        .with(
            "block",
            Argument::Sensitive(Box::new(Sensitive {
                text: Secret::new(CANARY),
                hash: "0a1b".to_owned(),
            })),
        )
}

fn sh(text: &str) -> Output {
    let mut child = Command::new("sh")
        .arg("-s")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn arguments_reach_the_shell_as_they_are() {
    let lines = Argument::Lines(vec!["one".to_owned(), "two 'three'".to_owned()]);
    let call = call().with("list", lines).number("count", -3);
    let ending = "printf '%s|%s|%s' \"$marker_json\" \"$list\" \"$count\"";
    let output = sh(&compose(&call, &[], ending, &Secrets::new()).unwrap());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "{\"a\": \"it's $HOME `id`\"}|one\ntwo 'three'|-3",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_command_that_reads_input_cannot_eat_the_script() {
    let output = sh(&compose(&call(), &[], "cat; echo after", &Secrets::new()).unwrap());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "after\n");
}

#[test]
fn a_cut_text_runs_nothing() {
    let text = compose(&call(), &[], "echo ran", &Secrets::new()).unwrap();
    let output = sh(&text[..text.len() - 3]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    assert!(!output.status.success());
}

#[test]
fn shown_scripts_hold_no_secret() {
    let text = masked(&secret_call(), "check run verify").unwrap();
    assert!(!text.contains(CANARY), "{text}");
    assert!(text.contains("password='(made at apply time)'"), "{text}");
    assert!(text.contains("block='(sensitive)'"), "{text}");
    assert!(text.contains("replform_main check run verify"));
}

#[test]
fn the_identity_ignores_secrets_pace_and_estimates_and_nothing_else() {
    let hash = |call: &Call| call.identity().unwrap();
    let base = secret_call().with("expected", Argument::Volatile("100".to_owned()));
    assert_eq!(hash(&base), hash(&base.clone()));
    let another_estimate = base
        .clone()
        .with("expected", Argument::Volatile("7".to_owned()));
    assert_eq!(hash(&base), hash(&another_estimate));
    let pace = |pace: &str| {
        base.clone()
            .with("max_rate", Argument::Pace(pace.to_owned()))
    };
    assert_eq!(hash(&pace("1")), hash(&pace("2")));
    assert_ne!(hash(&pace("1")), hash(&base));
    assert_ne!(
        hash(&base),
        hash(&base.clone().text("marker_file", "other.json"))
    );
    assert_ne!(hash(&base), hash(&base.clone().text("more", "")));
}

#[test]
fn names_that_reach_into_the_shell_are_refused() {
    for name in ["PATH", "replform_who", "a b", "", "1a", "job"] {
        let refused = compose(&call().text(name, "x"), &[], "", &Secrets::new());
        assert!(matches!(refused, Err(ComposeError::Name { .. })), "{name}");
    }
    assert!(matches!(
        compose(&Call::new("nobody/x.sh", 1), &[], "", &Secrets::new()),
        Err(ComposeError::UnknownScript(_))
    ));
}
