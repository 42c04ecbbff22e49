//! Figures of the README that need real hosts, measured in one run beside what a person would do by hand.
//!
//! `cargo test --test lab measured -- --ignored --nocapture --test-threads=1`

use crate::lab::Lab;
use crate::postgresql::{load, sql};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

/// Each with its name.
pub const TESTS: [(&str, fn()); 2] = [
    (
        "twenty_hosts_are_observed_faster_than_twenty_parallel_ssh",
        twenty_hosts_are_observed_faster_than_twenty_parallel_ssh,
    ),
    (
        "a_copy_runs_at_the_speed_of_pg_basebackup_by_hand",
        a_copy_runs_at_the_speed_of_pg_basebackup_by_hand,
    ),
];

/// Machines this slow are not what the figures are about, but a busy one must not fail the test by one bad moment.
const ROUNDS: usize = 5;

/// The shortest of some rounds: what it takes when nothing else gets in the way.
fn best_of(rounds: usize, mut work: impl FnMut()) -> Duration {
    (0..rounds)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed()
        })
        .min()
        .unwrap()
}

fn twenty_hosts_are_observed_faster_than_twenty_parallel_ssh() {
    let specs: Vec<String> = (1..=20)
        .map(|n| format!("h{n}=bookworm-bare@10.77.2.{n}"))
        .collect();
    let lab = Lab::up(
        "twenty",
        &specs.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let mut hcl = String::from("stack \"eu\" {\n");
    for n in 1..=20 {
        writeln!(hcl, "  server \"h{n}\" {{ host = \"10.77.2.{n}\" }}").unwrap();
    }
    hcl.push_str(
        "}\n\nreplication \"all\" {\n  engine  = \"postgresql\"\n  primary = stack.eu.server.h1\n",
    );
    for n in 2..=20 {
        writeln!(
            hcl,
            "  replica \"r{n}\" {{ server = stack.eu.server.h{n} }}"
        )
        .unwrap();
    }
    hcl.push_str("}\n");
    let directory = project(&lab, &hcl);

    let replform = best_of(ROUNDS, || {
        lab.replform(&directory, &["observe", "-o", "observed.json"])
            .expect_success();
    });
    let by_hand = best_of(ROUNDS, || {
        let mut logins: Vec<Child> = (1..=20)
            .map(|n| {
                lab.ssh_command(&format!("root@10.77.2.{n}"))
                    .arg("true")
                    .spawn()
                    .unwrap()
            })
            .collect();
        for login in &mut logins {
            assert!(login.wait().unwrap().success());
        }
    });
    crate::report(&format!(
        "20 hosts: replform observe {replform:?}, 20 × ssh true in parallel {by_hand:?}"
    ));
    assert!(replform < by_hand, "{replform:?} against {by_hand:?}");
}

/// Writes `hcl` (stacks and replications) below what every page begins with, and returns the folder.
fn project(lab: &Lab, hcl: &str) -> PathBuf {
    let directory = lab.scratch().join("project");
    std::fs::create_dir(&directory).unwrap();
    let page =
        format!("replform {{ topology = \"measured\" }}\n\nssh {{ user = \"root\" }}\n\n{hcl}");
    std::fs::write(directory.join("main.rf.hcl"), page).unwrap();
    directory
}

const ONE_REPLICA: &str = r#"
stack "eu" {
  server "db1" { host = "10.77.1.11" }
  server "db2" { host = "10.77.1.12" }
}

replication "orders" {
  engine  = "postgresql"
  primary = stack.eu.server.db1
  allow   = ["restart"]

  replica "reader" { server = stack.eu.server.db2 }
}
"#;

/// The copy alone, from the first to the last byte, as the primary sees it, against the same tool run by hand.
fn a_copy_runs_at_the_speed_of_pg_basebackup_by_hand() {
    let lab = Lab::up(
        "speed",
        &["db1=bookworm-pg@10.77.1.11", "db2=bookworm-bare@10.77.1.12"],
    );
    let (db1, db2) = (lab.host("db1"), lab.host("db2"));
    load(db1, 600);
    let directory = project(&lab, ONE_REPLICA);

    let watch = "until pgrep -x pg_basebackup >/dev/null; do sleep 0.02; done; begun=$(date +%s%N); \
                 while pgrep -x pg_basebackup >/dev/null; do sleep 0.02; done; echo $((($(date +%s%N) - begun) / 1000000))";
    let apply = lab.spawn_replform(&directory, "apply", &["apply", "-auto-approve"]);
    let replform: u64 = db2.sh(watch).expect_success().line().parse().unwrap();
    apply.finish(Duration::from_secs(300)).expect_success();

    sql(
        db1,
        "create role by_hand replication login password 'by-hand'",
    );
    db1.sh("echo 'host replication by_hand 10.77.1.12/32 scram-sha-256' >>/etc/postgresql/15/main/pg_hba.conf").expect_success();
    sql(db1, "select pg_reload_conf()");
    let by_hand = db2.sh(
        "begun=$(date +%s%N); cd /; runuser -u postgres -- env PGPASSWORD=by-hand pg_basebackup -h 10.77.1.11 -U by_hand \
         -D /var/lib/postgresql/by-hand -X stream --checkpoint=fast --manifest-checksums=SHA256; \
         echo $((($(date +%s%N) - begun) / 1000000))",
    );
    let by_hand: u64 = by_hand.expect_success().line().parse().unwrap();
    crate::report(&format!(
        "copy of 600 MB: replform {replform} ms, pg_basebackup by hand {by_hand} ms"
    ));
    assert!(
        replform * 9 <= by_hand * 10,
        "{replform} ms against {by_hand} ms by hand"
    );
}
