//! A job's text on a real `sh`, without a unit around it: how it ends, and that one which stands still is ended.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::plan::scripts::{FRAME, PRELUDE};

/// Runs a job whose script is `script`; its folder is `folder`. What stands in its status file, and its log.
fn job(folder: &Path, stall: u32, script: &str) -> (String, String) {
    let path = folder.display();
    let text = format!(
        "{{\n{PRELUDE}\n{FRAME}\nreplform_who=anna replform_plan=p replform_step=s replform_stall={stall} job={path}\n\
         replform_journal() {{ :; }}\n{script}\nreplform_job 0a1b2c3d abc {path}/lock\nexit\n}}\n"
    );
    fs::write(folder.join("text"), text).unwrap();
    let log = fs::File::create(folder.join("log")).unwrap();
    Command::new("sh")
        .stdin(fs::File::open(folder.join("text")).unwrap())
        .stdout(log.try_clone().unwrap())
        .stderr(Stdio::from(log))
        .status()
        .unwrap();
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let status = read("status").lines().next().unwrap().trim().to_owned();
    (status, read("log"))
}

#[test]
fn a_job_ends_with_its_own_status() {
    let folder = tempfile::tempdir().unwrap();
    let script = "run() { echo working; }\nverify() { :; }\nprogress() { echo 5 9; }";
    let (status, log) = job(folder.path(), 60, script);
    assert_eq!(status, "0a1b2c3d abc 0");
    assert!(log.contains("working"), "{log}");
    let progress = fs::read_to_string(folder.path().join("progress")).unwrap();
    assert_eq!(progress, "5 9\n");
}

#[test]
fn a_job_that_stands_still_is_ended_and_can_tidy_up() {
    let folder = tempfile::tempdir().unwrap();
    let script = "run() { sleep 500 | cat >&2; echo tidied >&2; return 1; }\nverify() { :; }\nprogress() { echo 5 9; }";
    let began = Instant::now();
    let (status, log) = job(folder.path(), 2, script);
    assert_eq!(status, "0a1b2c3d abc 21", "{log}");
    assert!(log.contains("tidied"), "{log}");
    assert!(
        log.lines().last().unwrap().contains("nothing moved"),
        "{log}"
    );
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_job_that_moves_is_left_alone_whatever_its_progress_says() {
    let folder = tempfile::tempdir().unwrap();
    let script =
        "run() { sleep 6; }\nverify() { :; }\nprogress() { echo 5 9; }\nactivity() { date +%s; }";
    let (status, log) = job(folder.path(), 2, script);
    assert_eq!(status, "0a1b2c3d abc 0", "{log}");
}
