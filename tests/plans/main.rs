//! Golden plans: real recordings put together to a world, planned by the real command, compared with what a person reads.
//!
//! A case is a folder of testdata/plans: `hosts.json` (which recording stands for which host, and what is changed in it),
//! `main.rf.hcl` where it isn't the common one, `arguments.txt`, and `expected.txt`; `expected.md`, `expected.json`, `drift.txt`
//! where a comment, programs' view, drift in five formats are pinned too. The plan's hash and the time aren't compared.
//! REPLFORM_REWRITE=1 writes what came out.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is missing"
)]

mod schemas;
mod views;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// Two hours ago: the age that plans show stays "2 h" for a minute.
fn observed_at() -> String {
    let now = jiff::Timestamp::now();
    (now - jiff::SignedDuration::from_secs(7205)).to_string()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The facts of one host: the plain host, with a recording's instances and the changes of the case.
fn host(wish: &Value) -> Value {
    if let Some(message) = wish.get("unreachable") {
        return json!({ "state": "unreachable", "reason": "timed_out", "message": message });
    }
    let mut facts = read(&root().join("observations/host/plain.json"));
    facts["host"]["clock_offset_ms"] = json!(0);
    if let Some(recording) = wish.get("recording").and_then(Value::as_str) {
        // Another engine's stand in its own folder: `mariadb/primary`.
        let recording = match recording.contains('/') {
            true => recording.to_owned(),
            false => format!("postgresql/{recording}"),
        };
        facts["instances"] = read(&root().join(format!("observations/{recording}.json")));
    }
    let port = instance(&facts).map_or("5432", |key| key.rsplit(':').next().unwrap_or_default());
    facts["reach"] = json!({ format!("10.77.20.11:{port}"): { "is": "open" } });
    facts["state"] = json!("reached");
    for (pointer, value) in wish
        .get("set")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        set(&mut facts, pointer, value.clone());
    }
    facts
}

/// The key of the host's first instance.
fn instance(facts: &Value) -> Option<&String> {
    facts["instances"].as_object()?.keys().next()
}

/// Sets a value by its JSON pointer; `~` alone stands for the host's first instance.
fn set(facts: &mut Value, pointer: &str, value: Value) {
    let key = instance(facts).map_or("postgresql:5432", String::as_str);
    let pointer = pointer.replace('~', &format!("/instances/{key}"));
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("%", "/");
    let parent = facts
        .pointer_mut(parent)
        .unwrap_or_else(|| panic!("nothing at {pointer}"));
    parent[key] = value;
}

fn observation(case: &Path) -> Value {
    let hosts = read(&case.join("hosts.json"));
    let machines: BTreeMap<&String, Value> = hosts
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, wish)| (name, host(wish)))
        .collect();
    json!({
        "format_version": "1.0",
        "replform": env!("CARGO_PKG_VERSION"),
        "topology": "acme",
        "observed_at": observed_at(),
        "machines": machines,
    })
}

fn replform(directory: &Path, arguments: &[String]) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_replform"))
        .arg(format!("-chdir={}", directory.display()))
        .args(arguments)
        .env_clear()
        .env("REPLFORM_VAR_password", "canary-4711")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8(bytes).unwrap())
        .concat();
    (text, output.status.code())
}

fn configuration(case: &Path) -> PathBuf {
    if case.join("main.rf.hcl").exists() {
        case.to_owned()
    } else {
        root().join("plans/common")
    }
}

fn arguments(case: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(case.join("arguments.txt")).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(root().join("plans"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("hosts.json").exists())
        .collect();
    cases.sort();
    assert!(cases.len() >= 20, "{}", cases.len());
    cases
}

/// The text with the plan's hash blotted out, at the same width: it changes with every argument of a script.
fn without_hash(text: &str) -> String {
    let hash = |word: &str| {
        word.len() == 12
            && word
                .chars()
                .all(|one| one.is_ascii_digit() || ('a'..='f').contains(&one))
    };
    let mut out = text.to_owned();
    let head = [", observed", ",\nobserved"]
        .iter()
        .find_map(|end| text.split_once(end));
    if let Some((head, _)) = head {
        let start = head.len().saturating_sub(12);
        if head.get(start..).is_some_and(hash) {
            out.replace_range(start..head.len(), "------------");
        }
    }
    out
}

/// The plan for programs without its hash, time and the version that made it.
fn pinned(json: &str) -> String {
    let mut plan: Value = serde_json::from_str(json).unwrap();
    for name in ["replform", "hash", "observed_at"] {
        plan[name] = json!("-");
    }
    serde_json::to_string_pretty(&plan).unwrap() + "\n"
}

/// What stands for the hash of a job that does what the case's plan wants, whatever the scripts are by now.
const AS_PLANNED: &str = "(as planned)";

fn saved_observation(case: &Path, folder: &Path) -> PathBuf {
    let file = folder.join("observation.json");
    let text = observation(case).to_string();
    std::fs::write(&file, &text).unwrap();
    if text.contains(AS_PLANNED) {
        let mut words = vec![
            "plan".to_owned(),
            "-json".to_owned(),
            format!("-observed={}", file.display()),
        ];
        words.extend(arguments(case));
        let (json, _) = replform(&configuration(case), &words);
        let plan: replform::plan::Plan = serde_json::from_str(&json).unwrap();
        let works = plan.steps.iter().flat_map(|step| &step.actions);
        let identity = works
            .filter_map(|action| match &action.work {
                replform::plan::Work::Job(job) => job.call.identity(),
                replform::plan::Work::Script(_) => None,
            })
            .next()
            .unwrap();
        std::fs::write(&file, text.replace(AS_PLANNED, &identity)).unwrap();
    }
    file
}

#[test]
fn plans_read_as_expected() {
    let rewrite = std::env::var_os("REPLFORM_REWRITE").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        let file = saved_observation(&case, folder.path());
        let mut words = vec![
            "plan".to_owned(),
            "-detailed-exitcode".to_owned(),
            format!("-observed={}", file.display()),
        ];
        words.extend(arguments(&case));
        let (text, code) = replform(&configuration(&case), &words);
        let got = without_hash(&format!("{text}exit {}\n", code.unwrap()));
        let wide = got.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{}", case.display());
        assert!(
            !got.contains("canary-4711"),
            "a sensitive value is shown in {}",
            case.display()
        );
        let expected = case.join("expected.txt");
        if rewrite {
            std::fs::write(&expected, &got).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != got {
            wrong.push(format!("{}\n{got}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn plans_are_saved_read_back_and_shown_the_same() {
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        let file = saved_observation(&case, folder.path());
        let saved = folder.path().join("plan");
        let mut words = vec![
            "plan".to_owned(),
            "-json".to_owned(),
            format!("-out={}", saved.display()),
            format!("-observed={}", file.display()),
        ];
        words.extend(arguments(&case));
        let (json, _) = replform(&configuration(&case), &words);
        let saved = saved.display().to_string();
        let (shown, code) = replform(
            &case,
            &["show".to_owned(), "-json".to_owned(), saved.clone()],
        );
        assert_eq!(code, Some(0), "{shown}");
        assert!(
            shown == json,
            "saved and shown again it is another: {}",
            case.display()
        );
        let (again, _) = replform(&configuration(&case), &words);
        assert!(
            again == json,
            "the same input gave another plan: {}",
            case.display()
        );
        let plan: replform::plan::Plan = serde_json::from_str(&json).unwrap();
        let expected = case.join("expected.json");
        if expected.exists() {
            if std::env::var_os("REPLFORM_REWRITE").is_some() {
                std::fs::write(&expected, pinned(&json)).unwrap();
            }
            let text = std::fs::read_to_string(&expected).unwrap();
            assert!(text == pinned(&json), "{} differs", expected.display());
            serde_json::from_str::<replform::plan::Plan>(&text).unwrap();
        }
        let (scripts, code) = replform(&case, &["show".to_owned(), "-scripts".to_owned(), saved]);
        assert_eq!(code, Some(0), "{scripts}");
        let actions: usize = plan.steps.iter().map(|step| step.actions.len()).sum();
        assert_eq!(scripts.matches("# ---- step").count(), actions);
        assert!(
            !(json + &scripts).contains("canary-4711"),
            "a sensitive value is saved in {}",
            case.display()
        );
    }
}

/// Before any host is asked: this configuration's hosts can't be reached at all.
#[test]
fn a_saved_plan_is_held_against_the_hash_that_is_expected() {
    let case = root().join("plans/restart-allowed");
    let folder = tempfile::tempdir().unwrap();
    let file = saved_observation(&case, folder.path());
    let saved = folder.path().join("plan").display().to_string();
    let words = ["plan", "-json"].map(str::to_owned).into_iter().chain([
        format!("-out={saved}"),
        format!("-observed={}", file.display()),
    ]);
    let (json, _) = replform(&configuration(&case), &words.collect::<Vec<_>>());
    let plan: replform::plan::Plan = serde_json::from_str(&json).unwrap();
    let other = "0123456789ab";
    assert!(!plan.hash.starts_with(other));
    let apply = |hash: &str| {
        let words = [
            "apply".to_owned(),
            format!("-expect-plan={hash}"),
            saved.clone(),
        ];
        replform(&configuration(&case), &words)
    };
    let (text, code) = apply(other);
    assert_eq!(code, Some(6), "{text}");
    assert!(text.contains(other), "{text}");
    for slip in ["", "0123456789a", "not-a-hash-at-all", &"0".repeat(65)] {
        let (text, code) = apply(slip);
        assert_eq!(code, Some(1), "{slip}: {text}");
        assert!(text.contains("64 hexadecimal digits"), "{slip}: {text}");
    }
}

#[test]
fn the_schema_of_plans_is_current() {
    let schema =
        serde_json::to_string_pretty(&schemars::schema_for!(replform::plan::Plan)).unwrap() + "\n";
    let file = root().join("../schemas/plan.json");
    if std::env::var_os("REPLFORM_REWRITE").is_some() {
        std::fs::write(&file, &schema).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        schema,
        "REPLFORM_REWRITE=1 writes it anew"
    );
}
