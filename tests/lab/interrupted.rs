//! Cut off in the middle: by SIGKILL, a dead link, a dead host, a full disk. `apply` again always ends well.

use crate::lab::{Host, Lab};
use crate::postgresql::{assert_has_all_written, load, sql, try_sql, wait_caught_up};
use crate::project::{SLOW_COPY, project, stack};
use crate::replicate::assert_nothing_to_do;
use crate::wait::wait_until;
use crate::writer::Writer;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(90);

/// A primary with 100 MB of data and a bare host that copies it in some 12 seconds.
pub fn lab_with_slow_copy(name: &str) -> (Lab, PathBuf) {
    let lab = Lab::up(
        name,
        &["db1=bookworm-pg@10.77.1.11", "db2=bookworm-bare@10.77.1.12"],
    );
    let db1 = lab.host("db1");
    sql(db1, "alter system set log_replication_commands = on");
    sql(db1, "select pg_reload_conf()");
    load(db1, 100);
    let directory = project(
        &lab,
        name,
        &format!("{}{SLOW_COPY}", stack(&["db1", "db2"])),
    );
    (lab, directory)
}

/// Waits until the primary has sent at least 30 MB of a base backup.
pub fn wait_mid_copy(primary: Host<'_>) {
    wait_until("the copy to be under way", LIMIT, || {
        let streamed = try_sql(
            primary,
            "select max(backup_streamed) from pg_stat_progress_basebackup",
        );
        streamed
            .line()
            .parse::<u64>()
            .is_ok_and(|bytes| bytes > 30_000_000)
    });
}

/// How often a copy was begun, as the primary's log tells.
fn copies_begun(primary: Host<'_>) -> usize {
    let log = primary
        .sh("cat /var/log/postgresql/postgresql-15-main.log")
        .expect_success();
    log.stdout
        .matches("received replication command: BASE_BACKUP")
        .count()
}

#[test]
#[ignore = "needs root and the lab"]
fn killed_in_the_copy_the_next_apply_takes_it_up_and_copies_nothing_twice() {
    let (lab, directory) = lab_with_slow_copy("kill");
    let (db1, db2) = (lab.host("db1"), lab.host("db2"));
    let writer = Writer::start(db1);
    let first = lab.spawn_replform(&directory, "first", &["apply", "-auto-approve"]);
    wait_mid_copy(db1);
    let copier = db2.sh("pgrep -x pg_basebackup").line().to_owned();
    first.kill();
    let killed = Instant::now();

    let second = lab.spawn_replform(
        &directory,
        "second",
        &["apply", "-auto-approve", "-lock-timeout=15s"],
    );
    while copies_begun(db1) == 1 && db2.sh("pgrep -x pg_basebackup || true").line() == copier {
        assert!(killed.elapsed() < LIMIT, "the copy does not end");
    }
    second.finish().expect_success();

    assert_eq!(copies_begun(db1), 1, "the copy was begun anew");
    let written = writer.stop();
    wait_caught_up(db2, db1, LIMIT);
    assert_has_all_written(db2, &written);
    assert_nothing_to_do(&lab, &directory);
}

#[test]
#[ignore = "needs root and the lab"]
fn a_link_cut_for_twenty_seconds_in_the_copy_is_survived() {
    let (lab, directory) = lab_with_slow_copy("cut");
    let (db1, db2) = (lab.host("db1"), lab.host("db2"));
    let apply = lab.spawn_replform(&directory, "apply", &["apply", "-auto-approve"]);
    wait_mid_copy(db1);
    db2.cut();
    std::thread::sleep(Duration::from_secs(20)); // the length of the outage is what is tested
    db2.heal();
    apply.finish().expect_success();
    wait_caught_up(db2, db1, LIMIT);
    assert_nothing_to_do(&lab, &directory);
}

#[test]
#[ignore = "needs root and the lab"]
fn after_a_power_cut_in_the_restore_the_next_apply_ends_well() {
    let (lab, directory) = lab_with_slow_copy("power");
    let (db1, db2) = (lab.host("db1"), lab.host("db2"));
    let apply = lab.spawn_replform(&directory, "apply", &["apply", "-auto-approve"]);
    wait_mid_copy(db1);
    // Moved into place: the restore is under way, the server not started yet or just starting.
    db2.sh(
        "main=/var/lib/postgresql/15/main; before=$(stat -c %i $main 2>/dev/null || true); \
         until [ -e $main/PG_VERSION ] && [ \"$(stat -c %i $main)\" != \"$before\" ]; do :; done",
    )
    .expect_success();
    db2.power_off();
    let cut_off = apply.finish();
    assert_ne!(cut_off.code, 0, "{cut_off}");
    db2.power_on();

    lab.replform(&directory, &["apply", "-auto-approve", "-lock-timeout=30s"])
        .expect_success();

    assert_eq!(copies_begun(db1), 1, "a finished copy was copied again");
    wait_caught_up(db2, db1, LIMIT);
    assert_nothing_to_do(&lab, &directory);
}

#[test]
#[ignore = "needs root and the lab"]
fn after_a_power_cut_in_the_copy_the_next_apply_ends_well() {
    let (lab, directory) = lab_with_slow_copy("power-copy");
    let (db1, db2) = (lab.host("db1"), lab.host("db2"));
    let apply = lab.spawn_replform(&directory, "apply", &["apply", "-auto-approve"]);
    wait_mid_copy(db1);
    db2.power_off();
    let cut_off = apply.finish();
    assert_ne!(cut_off.code, 0, "{cut_off}");
    db2.power_on();
    lab.replform(&directory, &["apply", "-auto-approve", "-lock-timeout=30s"])
        .expect_success();
    wait_caught_up(db2, db1, LIMIT);
    assert_nothing_to_do(&lab, &directory);
    let left = db2.sh("ls -d /var/lib/postgresql/15/*new* 2>/dev/null || true");
    assert_eq!(left.line(), "", "half a copy was left");
}

#[test]
#[ignore = "needs root and the lab"]
fn a_disk_that_fills_in_the_copy_harms_nobody_and_space_mends_it() {
    let (lab, directory) = lab_with_slow_copy("full");
    let (db1, db2) = (lab.host("db1"), lab.host("db2"));
    db2.fill("/var/lib/postgresql", "700M");
    let writer = Writer::start(db1);
    let apply = lab.spawn_replform(&directory, "apply", &["apply", "-auto-approve"]);
    wait_mid_copy(db1);
    // Something else takes the rest of the disk.
    db2.sh("cat /dev/zero >/var/lib/postgresql/eater || true")
        .expect_success();

    let failed = apply.finish().expect_code(7);
    assert!(failed.says("o space left on device"), "{failed}");
    // Nothing half swapped: the data directory is still the empty cluster that provision made, and nothing runs in it.
    db2.sh("cd /var/lib/postgresql/15; ! test -e main/standby.signal && ! test -e main/postmaster.pid && ! ls -d main.replform-2*")
        .expect_success();
    assert_slots_hold_no_log_for_ever(db1);

    db2.sh("rm /var/lib/postgresql/eater").expect_success();
    lab.replform(&directory, &["apply", "-auto-approve"])
        .expect_success();
    let written = writer.stop();
    wait_caught_up(db2, db1, LIMIT);
    assert_has_all_written(db2, &written);
    assert_nothing_to_do(&lab, &directory);
}

/// A slot that nobody reads from must be gone or capped.
fn assert_slots_hold_no_log_for_ever(primary: Host<'_>) {
    let slots = sql(
        primary,
        "select count(*) from pg_replication_slots where not active",
    );
    let cap = sql(primary, "show max_slot_wal_keep_size");
    assert!(
        slots == "0" || cap != "-1",
        "{slots} slots, max_slot_wal_keep_size {cap}"
    );
}
