//! The shell parts of the CI templates against a code host on loopback that keeps what it is told, and the policies and the
//! cron script as they stand in examples/.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is missing"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

const TOKEN: &str = "token-canary-31c9";
const HASH: &str = "7f3a9c0123456789abcdef0123456789abcdef0123456789abcdef0123456789";

/// What the code host keeps.
#[derive(Default)]
struct Kept {
    comments: Vec<Value>,
    issues: Vec<Value>,
    requests: Vec<String>,
}

/// A code host that speaks as much of GitHub's and GitLab's REST APIs as the scripts use.
struct Host {
    url: String,
    kept: Arc<Mutex<Kept>>,
}

impl Host {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let kept = Arc::new(Mutex::new(Kept::default()));
        let state = Arc::clone(&kept);
        std::thread::spawn(move || {
            for stream in listener.incoming().take(200) {
                answer(stream.unwrap(), &state);
            }
        });
        Self { url, kept }
    }

    fn comments(&self) -> Vec<Value> {
        self.kept.lock().unwrap().comments.clone()
    }

    fn issues(&self) -> Vec<Value> {
        self.kept.lock().unwrap().issues.clone()
    }

    fn asked(&self) -> usize {
        self.kept.lock().unwrap().requests.len()
    }

    fn writes(&self) -> usize {
        let kept = self.kept.lock().unwrap();
        let gets = kept.requests.iter().filter(|line| line.starts_with("GET"));
        kept.requests.len() - gets.count()
    }
}

fn answer(mut stream: std::net::TcpStream, state: &Mutex<Kept>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut length, mut known) = (String::new(), 0, false);
    reader.read_line(&mut line).unwrap();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let lower = header.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        known |= header.contains(TOKEN);
        if header.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let mut kept = state.lock().unwrap();
    kept.requests.push(line.trim().to_owned());
    let (code, text) = if known {
        respond(&mut kept, method, path, &body)
    } else {
        (401, json!({ "message": "who are you" }))
    };
    let text = text.to_string();
    write!(
        stream,
        "HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
    .unwrap();
}

fn respond(kept: &mut Kept, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let list = |all: &[Value]| {
        let page: usize = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("page="))
            .map_or(1, |page| page.parse().unwrap());
        json!(
            all.iter()
                .skip((page - 1) * 100)
                .take(100)
                .collect::<Vec<_>>()
        )
    };
    let merged = json!([
        { "number": 6, "merged_at": null, "iid": 6, "state": "closed" },
        { "number": 7, "merged_at": "2026-11-24T08:00:00Z", "iid": 7, "state": "merged" }
    ]);
    match (method, parts.as_slice()) {
        ("GET", [.., "issues" | "merge_requests", "7", "comments" | "notes"]) => {
            (200, list(&kept.comments))
        }
        ("POST", [.., "issues" | "merge_requests", "7", "comments" | "notes"]) => {
            let id = kept.comments.len() + 1000;
            kept.comments
                .push(json!({ "id": id, "body": body["body"] }));
            (201, json!({}))
        }
        ("PATCH" | "PUT", [.., "comments" | "notes", id]) => {
            let id: usize = id.parse().unwrap();
            kept.comments[id - 1000]["body"] = body["body"].clone();
            (200, json!({}))
        }
        ("GET", [.., "commits", "abc", "pulls" | "merge_requests"]) => (200, merged),
        ("GET", [.., "commits", _, "pulls" | "merge_requests"]) => (200, json!([])),
        ("GET", [.., "issues"]) => {
            let open = |issue: &&Value| issue["open"] == json!(true);
            let open: Vec<&Value> = kept.issues.iter().filter(open).collect();
            (200, json!(open))
        }
        ("POST", [.., "issues"]) => {
            let number = kept.issues.len();
            let text = body
                .get("body")
                .or(body.get("description"))
                .unwrap()
                .clone();
            assert!(body["labels"].to_string().contains("replform-drift"));
            kept.issues
                .push(json!({ "number": number, "iid": number, "open": true, "text": text }));
            (201, json!({}))
        }
        ("PATCH" | "PUT", [.., "issues", number]) => {
            let issue = &mut kept.issues[number.parse::<usize>().unwrap()];
            if let Some(text) = body.get("body").or(body.get("description")) {
                issue["text"] = text.clone();
            }
            if body["state"] == json!("closed") || body["state_event"] == json!("close") {
                issue["open"] = json!(false);
            }
            (200, json!({}))
        }
        ("GET", [.., "raw", "facts.json"]) => (200, json!({ "facts": true })),
        _ => (
            404,
            json!({ "message": format!("nothing at {method} {path}") }),
        ),
    }
}

fn examples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Runs one of the two scripts as its CI would.
fn script(kind: &str, host: &Host, token: &str, words: &[&str]) -> Output {
    Command::new(examples().join(format!("ci/{kind}/ci/{kind}.sh")))
        .args(words)
        .env("GITHUB_API_URL", &host.url)
        .env("GITHUB_REPOSITORY", "acme/databases")
        .env("GITHUB_TOKEN", token)
        .env("CI_API_V4_URL", &host.url)
        .env("CI_PROJECT_ID", "12")
        .env("CI_DEFAULT_BRANCH", "main")
        .env("REPLFORM_TOKEN", token)
        .output()
        .unwrap()
}

fn well(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn comment(hash: Option<&str>) -> String {
    let end = hash.map_or(String::new(), |hash| {
        format!(
            "\nExactly this, once approved: `replform apply -auto-approve -expect-plan={hash}`\n"
        )
    });
    let verdict = hash.map_or("no changes", |_| "1 replica to seed");
    format!("<!-- replform plan: acme -->\n### acme: {verdict}\n\"quoted\" \\ and $HOME\n{end}")
}

fn comments_are_kept_in_place(kind: &str) {
    let (host, folder) = (Host::start(), tempfile::tempdir().unwrap());
    let file = folder.path().join("comment.md");
    let path = file.display().to_string();
    // Somebody talks first, more than one page of it.
    for index in 0..103 {
        let body =
            json!({ "id": index + 1000, "body": "a <!-- replform plan: acme --> in a talk" });
        host.kept.lock().unwrap().comments.push(body);
    }
    std::fs::write(&file, comment(Some(HASH))).unwrap();
    well(&script(kind, &host, TOKEN, &["comment", "7", &path]));
    let written = host.writes();
    well(&script(kind, &host, TOKEN, &["comment", "7", &path]));
    assert_eq!(host.writes(), written, "the same text again is no news");
    std::fs::write(&file, comment(None)).unwrap();
    well(&script(kind, &host, TOKEN, &["comment", "7", &path]));
    let comments = host.comments();
    assert_eq!(comments.len(), 104);
    assert_eq!(comments[103]["body"], json!(comment(None)));
    // No changes, so nothing to approve; then a plan.
    assert_eq!(well(&script(kind, &host, TOKEN, &["approved", "abc"])), "");
    std::fs::write(&file, comment(Some(HASH))).unwrap();
    well(&script(kind, &host, TOKEN, &["comment", "7", &path]));
    assert_eq!(
        well(&script(kind, &host, TOKEN, &["approved", "abc"])),
        format!("{HASH}\n")
    );
    let refused = script(kind, &host, TOKEN, &["approved", "fff"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("nobody approved"));
    // A blocked plan can't be approved.
    std::fs::write(&file, "<!-- replform plan: acme -->\n### acme: BLOCKED\n").unwrap();
    well(&script(kind, &host, TOKEN, &["comment", "7", &path]));
    assert!(
        !script(kind, &host, TOKEN, &["approved", "abc"])
            .status
            .success()
    );
}

#[test]
fn a_pull_requests_comment_is_kept_in_place_and_its_hash_found() {
    comments_are_kept_in_place("github");
}

#[test]
fn a_merge_requests_note_is_kept_in_place_and_its_hash_found() {
    comments_are_kept_in_place("gitlab");
}

fn one_issue(kind: &str) {
    let (host, folder) = (Host::start(), tempfile::tempdir().unwrap());
    let file = folder.path().join("drift.md");
    let path = file.display().to_string();
    well(&script(kind, &host, TOKEN, &["drift-issue"]));
    assert!(host.issues().is_empty());
    for text in ["one", "two"] {
        std::fs::write(&file, text).unwrap();
        well(&script(kind, &host, TOKEN, &["drift-issue", &path]));
    }
    let issues = host.issues();
    assert_eq!((issues.len(), &issues[0]["text"]), (1, &json!("two")));
    well(&script(kind, &host, TOKEN, &["drift-issue"]));
    assert_eq!(host.issues()[0]["open"], json!(false));
    well(&script(kind, &host, TOKEN, &["drift-issue", &path]));
    assert_eq!(
        host.issues().len(),
        2,
        "drift that comes again is a new issue"
    );
    let before = host.asked();
    let refused = script(kind, &host, "wrong", &["drift-issue", &path]);
    assert!(!refused.status.success() && host.asked() > before);
}

#[test]
fn drift_is_one_issue_on_github() {
    one_issue("github");
}

#[test]
fn drift_is_one_issue_on_gitlab() {
    one_issue("gitlab");
}

#[test]
fn the_newest_facts_come_from_gitlab() {
    let (host, folder) = (Host::start(), tempfile::tempdir().unwrap());
    let file = folder.path().join("facts.json");
    well(&script(
        "gitlab",
        &host,
        TOKEN,
        &["facts", &file.display().to_string()],
    ));
    assert!(std::fs::read_to_string(file).unwrap().contains("facts"));
}

/// A plan for programs, of a golden case.
fn plan_json(case: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("testdata/plans/{case}"));
    std::fs::read_to_string(path.join("expected.json")).unwrap()
}

fn policy(plan: &str) -> Output {
    let mut jq = Command::new("jq")
        .arg("--from-file")
        .arg(examples().join("policy/no-restart-by-day.jq"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    jq.stdin.take().unwrap().write_all(plan.as_bytes()).unwrap();
    jq.wait_with_output().unwrap()
}

#[test]
fn the_policy_refuses_restarts_and_data_that_is_set_aside() {
    assert!(policy(&plan_json("nothing-to-do")).status.success());
    let refused = |case: &str| {
        let output = policy(&plan_json(case));
        assert!(!output.status.success(), "{case}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(refused("restart-allowed").contains("restarts: postgresql on eu/db1"));
    assert!(refused("foreign-data-allowed").contains("sets data aside: eu/db2"));
}

/// The cron script with a replform of the test's own words.
fn cron(folder: &Path, code: i32, text: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    let program = folder.join("replform");
    std::fs::write(&program, format!("#!/bin/sh\necho '{text}'\nexit {code}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new("sh")
        .arg(examples().join("cron/replform-drift.sh"))
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
        .env("STATE_DIRECTORY", folder)
        .env("REPLFORM_DIRECTORY", "/etc/replform")
        .output()
        .unwrap();
    assert!(output.stderr.is_empty());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn cron_tells_only_what_changed() {
    let folder = tempfile::tempdir().unwrap();
    let said = |code, text: &str| cron(folder.path(), code, text);
    assert_eq!(said(0, "acme: no drift on 2 members"), "");
    assert_eq!(said(2, "acme: 1 drift"), "acme: 1 drift\n");
    assert_eq!(said(2, "acme: 1 drift"), "");
    assert_eq!(said(2, "acme: 2 drift"), "acme: 2 drift\n");
    assert_eq!(
        said(0, "acme: no drift on 2 members"),
        "acme: no drift on 2 members\n"
    );
    assert_eq!(said(0, "acme: no drift on 2 members"), "");
    // A lag that grows is told once; another member, or another address, is news.
    let lags = |host, time| {
        format!("acme: 1 unhealthy: {host}: it lags {time} behind, above max_lag (60 s)")
    };
    assert_ne!(said(2, &lags("eu/db2", "61 s")), "");
    assert_eq!(said(2, &lags("eu/db2", "2 h 4 min")), "");
    assert_eq!(said(2, &lags("eu/db2", "1.2 GB")), "");
    assert_ne!(said(2, &lags("eu/db3", "2 h 4 min")), "");
    assert_ne!(
        said(
            2,
            "acme: 1 drift: eu/web: ADDRESS is 10.0.0.8, wanted 10.0.0.9"
        ),
        ""
    );
    assert_ne!(
        said(
            2,
            "acme: 1 drift: eu/web: ADDRESS is 10.0.0.7, wanted 10.0.0.9"
        ),
        ""
    );
}
