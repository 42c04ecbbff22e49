//! What a client that went away leaves on hosts: jobs go on and are taken up, an instance is waited for, secrets are gone.

use crate::interrupted::{lab_with_slow_copy, wait_mid_copy};
use crate::lab::Running;
use crate::postgresql::wait_caught_up;
use crate::replicate::assert_nothing_to_do;
use crate::wait::wait_until;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);

fn wait_for_word(apply: &Running, word: &str) {
    wait_until(word, LIMIT, || apply.talk().contains(word));
}

#[test]
#[ignore = "needs root and the lab"]
fn two_interrupts_leave_the_job_and_the_next_apply_takes_it_up() {
    let (lab, directory) = lab_with_slow_copy("leave");
    let (db1, db2) = (lab.host("db1"), lab.host("db2"));
    let apply = |log: &str| {
        lab.spawn_replform(
            &directory,
            log,
            &["apply", "-auto-approve", "-lock-timeout=15s"],
        )
    };
    let first = apply("first");
    wait_mid_copy(db1);
    let copier = db2.sh("pgrep -x pg_basebackup").line().to_owned();
    let script = db2
        .sh("find /run/replform/jobs -type f; grep -rlF replform_main /var/lib/replform || true");
    assert_eq!(
        script.line(),
        "",
        "the job's script, with its secrets, is still there"
    );

    first.interrupt();
    wait_for_word(&first, "Interrupted");
    let second_interrupt = Instant::now();
    first.interrupt();
    let left = first.finish().expect_code(7);
    assert!(left.says("goes on"), "{left}");
    assert!(
        second_interrupt.elapsed() < Duration::from_secs(5),
        "{left}"
    );
    assert_eq!(db2.sh("pgrep -x pg_basebackup").line(), copier);

    let second = apply("second");
    wait_for_word(&second, "goes on with the job");
    second.finish().expect_success();
    wait_caught_up(db2, db1, LIMIT);
    let left = db2.sh("ls -A /var/lib/replform/jobs /run/replform/jobs | grep backup || true");
    assert_eq!(left.line(), "", "a job's folder was left");

    // What a dead client's step left running holds the instance: it is named, and waited for.
    db2.sh(
        "rm /var/lib/replform/*.json; lock=/run/replform/lock/postgresql:5432; exec 9>>$lock; flock 9; \
         echo 'anna@laptop pid 7 since noon' >$lock; setsid sleep 12 </dev/null >/dev/null 2>&1 &",
    )
    .expect_success();
    let third = apply("third");
    wait_for_word(&third, "waits for anna@laptop pid 7");
    third.finish().expect_success();
    assert_nothing_to_do(&lab, &directory);
}
