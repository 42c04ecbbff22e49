//! Tests of the lab: what the other tests stand on.

use crate::lab::{Lab, script};
use crate::postgresql::{checksum, load, sql};
use crate::wait::wait_until;
use crate::writer::Writer;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Each with its name.
pub const TESTS: [(&str, fn()); 6] = [
    (
        "hosts_answer_lose_their_link_and_their_power_and_leave_nothing_behind",
        hosts_answer_lose_their_link_and_their_power_and_leave_nothing_behind,
    ),
    (
        "two_labs_use_the_same_addresses_at_once",
        two_labs_use_the_same_addresses_at_once,
    ),
    (
        "the_writer_sees_a_restart_as_a_pause",
        the_writer_sees_a_restart_as_a_pause,
    ),
    (
        "a_small_disk_fills_up_and_grows",
        a_small_disk_fills_up_and_grows,
    ),
    (
        "the_script_leaves_alone_what_it_did_not_make",
        the_script_leaves_alone_what_it_did_not_make,
    ),
    (
        "a_bare_host_installs_postgresql_without_a_network",
        a_bare_host_installs_postgresql_without_a_network,
    ),
];

const LIMIT: Duration = Duration::from_secs(20);

fn reaches_ssh(lab: &Lab, address: &str) -> bool {
    let knock = format!("read -r banner </dev/tcp/{address}/22");
    lab.exec(Path::new("/"), &["timeout", "1", "bash", "-c", &knock])
        .code
        == 0
}

fn hosts_answer_lose_their_link_and_their_power_and_leave_nothing_behind() {
    let lab = Lab::up(
        "self",
        &["db1=bookworm-pg@10.77.1.11", "db2=bookworm-bare@10.77.1.12"],
    );
    let (db1, db2) = (lab.host("db1"), lab.host("db2"));
    assert_eq!(
        db2.sh("hostname; systemctl is-system-running").line(),
        "db2\nrunning"
    );
    assert!(sql(db1, "show server_version").starts_with("15."));

    assert!(reaches_ssh(&lab, "10.77.1.12"));
    db2.cut();
    assert!(!reaches_ssh(&lab, "10.77.1.12"));
    db2.heal();
    wait_until("the link to be back", LIMIT, || {
        reaches_ssh(&lab, "10.77.1.12")
    });

    db1.power_off();
    assert!(!reaches_ssh(&lab, "10.77.1.11"));
    db1.power_on();
    assert_eq!(sql(db1, "select 1"), "1");

    let name = lab.name().to_owned();
    drop(lab);
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap();
    assert!(!mounts.contains(&name), "{mounts}");
    let cache = std::env::var("REPLFORM_LAB_CACHE").unwrap_or("/var/cache/replform-lab".into());
    for path in [
        format!("/run/replform-lab/{name}"),
        format!("/run/netns/rf-{name}"),
        format!("{cache}/labs/{name}"),
    ] {
        assert!(!Path::new(&path).exists(), "{path} is still there");
    }
    let processes = Command::new("pgrep")
        .args(["-f", &format!("machine=db[12].{name}")])
        .output()
        .unwrap();
    assert!(processes.stdout.is_empty(), "processes are still there");
}

fn two_labs_use_the_same_addresses_at_once() {
    let first = Lab::up("same-a", &["db1=bookworm-bare@10.77.1.11"]);
    let second = Lab::up("same-b", &["db1=bookworm-bare@10.77.1.11"]);
    first.host("db1").sh("echo first >/etc/whose");
    second.host("db1").sh("echo second >/etc/whose");
    let keys = [&first, &second].map(|lab| std::fs::read_to_string(lab.known_hosts()).unwrap());
    assert_ne!(keys[0], keys[1], "each host has a key of its own");
    assert_eq!(first.host("db1").sh("cat /etc/whose").line(), "first");
    drop(first);
    assert!(
        reaches_ssh(&second, "10.77.1.11"),
        "taking one lab down leaves the other alone"
    );
}

fn the_writer_sees_a_restart_as_a_pause() {
    let lab = Lab::up("writer", &["db1=bookworm-pg@10.77.1.11"]);
    let script = include_str!("scenarios/postgresql/writer.sh");
    let db1 = lab.host("db1");
    load(db1, 20);
    let bytes: u64 = sql(db1, "select pg_total_relation_size('ballast')")
        .parse()
        .unwrap();
    assert!((18_000_000..25_000_000).contains(&bytes), "{bytes}");
    let quiet = Writer::start(&lab, "db1", script, &[]).stop(&lab);
    assert_eq!(quiet.lost_connections, 0);
    assert!(
        quiet.longest_pause < Duration::from_millis(500),
        "{quiet:?}"
    );

    sql(db1, "drop table writer");
    let writer = Writer::start(&lab, "db1", script, &[]);
    db1.sh("systemctl restart postgresql@15-main")
        .expect_success();
    let written = writer.stop(&lab);
    assert!(written.lost_connections > 0, "{written:?}");
    assert!(
        written.longest_pause > Duration::from_millis(100),
        "{written:?}"
    );
    let there = sql(db1, "select count(*) from writer");
    assert!(
        there.parse::<usize>().unwrap() >= written.acknowledged.len(),
        "{there} rows: {written:?}"
    );
}

fn a_small_disk_fills_up_and_grows() {
    let lab = Lab::up("disk", &["db2=bookworm-bare@10.77.1.12"]);
    let db2 = lab.host("db2");
    db2.fill("/srv/small", "10M");
    let write = "head -c 20M /dev/zero >/srv/small/file";
    assert!(db2.sh(write).expect_code(1).says("No space left on device"));
    db2.fill("/srv/small", "40M");
    db2.sh(write).expect_success();
    let before = checksum(db2, "/srv/small");
    db2.sh("printf x | dd of=/srv/small/file bs=1 seek=12345 conv=notrunc")
        .expect_success();
    assert_ne!(checksum(db2, "/srv/small"), before);
}

fn the_script_leaves_alone_what_it_did_not_make() {
    let foreign = Path::new("/run/replform-lab/t-foreign");
    std::fs::create_dir_all(foreign).unwrap();
    std::fs::write(foreign.join("owner"), "someone else\n").unwrap();
    let down = script(&["down", "t-foreign"]);
    let there = foreign.join("owner").exists();
    std::fs::remove_dir_all(foreign).unwrap();
    assert!(there, "the folder of someone else is gone");
    assert!(down.expect_code(1).says("left alone"));
}

fn a_bare_host_installs_postgresql_without_a_network() {
    let lab = Lab::up("bare", &["db2=bookworm-bare@10.77.1.12"]);
    let db2 = lab.host("db2");
    db2.sh("DEBIAN_FRONTEND=noninteractive apt-get -y install postgresql-15")
        .expect_success();
    wait_until("the cluster to accept connections", LIMIT, || {
        crate::postgresql::try_sql(db2, "select 1").line() == "1"
    });
}
