//! What replform must refuse: foreign data, a changed host key, a second apply at the same time.

use crate::interrupted::wait_mid_copy;
use crate::lab::Lab;
use crate::postgresql::{checksum, load, settle, sql, wait_caught_up};
use crate::project::{SLOW_COPY, project, stack};
use crate::replicate::assert_nothing_to_do;
use std::time::Duration;

const DATA: &str = "/var/lib/postgresql/15/main";

/// The other server was cloned from the same image: an equal system identifier is no proof of the same data.
fn refuses_foreign_data(name: &str, stopped: bool) {
    let lab = Lab::up(
        name,
        &["db1=bookworm-pg@10.77.1.11", "db2=bookworm-pg@10.77.1.12"],
    );
    let db2 = lab.host("db2");
    sql(db2, "create database shop");
    settle(db2);
    if stopped {
        db2.sh("systemctl stop postgresql@15-main").expect_success();
    }
    // A running server keeps its log and statistics going by itself.
    let watched = if stopped {
        DATA.to_owned()
    } else {
        format!("{DATA}/base")
    };
    let before = checksum(db2, &watched);
    let directory = project(
        &lab,
        name,
        &format!("{}{SLOW_COPY}", stack(&["db1", "db2"])),
    );

    let plan = lab
        .replform(&directory, &["plan", "-detailed-exitcode"])
        .expect_code(4);
    assert!(plan.says("BLOCKED") && plan.says("replace_data"), "{plan}");
    lab.replform(&directory, &["apply", "-auto-approve"])
        .expect_code(4);

    assert_eq!(checksum(db2, &watched), before, "foreign data was touched");
    assert_eq!(
        sql(lab.host("db1"), "select count(*) from pg_replication_slots"),
        "0"
    );
}

#[test]
#[ignore = "needs root and the lab"]
fn foreign_data_on_a_running_server_is_not_touched() {
    refuses_foreign_data("foreign", false);
}

#[test]
#[ignore = "needs root and the lab"]
fn foreign_data_on_a_stopped_server_is_not_touched() {
    refuses_foreign_data("stopped", true);
}

#[test]
#[ignore = "needs root and the lab"]
fn a_changed_host_key_is_refused() {
    let lab = Lab::up(
        "hostkey",
        &["db1=bookworm-pg@10.77.1.11", "db2=bookworm-bare@10.77.1.12"],
    );
    let db2 = lab.host("db2");
    db2.sh("rm /etc/ssh/ssh_host_ed25519_key*; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh")
        .expect_success();
    let fingerprint = db2.sh("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f2");
    let directory = project(
        &lab,
        "hostkey",
        &format!("{}{SLOW_COPY}", stack(&["db1", "db2"])),
    );
    let plan = lab.replform(&directory, &["plan"]).expect_code(3);
    assert!(
        plan.says("10.77.1.12") && plan.says("HOST KEY HAS CHANGED"),
        "{plan}"
    );
    assert!(
        plan.says(fingerprint.line()),
        "no fingerprint {}:\n{plan}",
        fingerprint.line()
    );
    let apply = lab.replform(&directory, &["apply", "-auto-approve"]);
    assert_ne!(apply.code, 0, "{apply}");
    let logins = db2.sh("journalctl -u ssh --no-pager | grep -c Accepted || true");
    assert_eq!(
        logins.line(),
        "0",
        "replform logged in to a host whose key changed"
    );
}

#[test]
#[ignore = "needs root and the lab"]
fn a_second_apply_is_told_who_holds_the_lock_and_gets_it_when_the_first_dies() {
    let lab = Lab::up(
        "lock",
        &["db1=bookworm-pg@10.77.1.11", "db2=bookworm-bare@10.77.1.12"],
    );
    let db1 = lab.host("db1");
    load(db1, 100);
    let directory = project(
        &lab,
        "lock",
        &format!("{}{SLOW_COPY}", stack(&["db1", "db2"])),
    );
    let first = lab.spawn_replform(&directory, "first", &["apply", "-auto-approve"]);
    wait_mid_copy(db1);

    let second = lab
        .replform(&directory, &["apply", "-auto-approve", "-lock-timeout=1s"])
        .expect_code(5);
    let me = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert!(
        second.says(me.trim()),
        "the holder ({}) is not named:\n{second}",
        me.trim()
    );
    assert!(
        sql(db1, "select count(*) from pg_stat_progress_basebackup") != "0",
        "the first goes on"
    );

    first.kill();
    let third = lab.spawn_replform(
        &directory,
        "third",
        &["apply", "-auto-approve", "-lock-timeout=15s"],
    );
    third.finish().expect_success();
    wait_caught_up(lab.host("db2"), db1, Duration::from_secs(60));
    assert_nothing_to_do(&lab, &directory);
}
