//! Figures of the README that need real hosts, measured in one run beside what a person would do by hand.
//!
//! `cargo test --test lab measured -- --ignored --nocapture --test-threads=1`

use crate::lab::Lab;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

/// Each with its name.
pub const TESTS: [(&str, fn()); 1] = [(
    "twenty_hosts_are_observed_faster_than_twenty_parallel_ssh",
    twenty_hosts_are_observed_faster_than_twenty_parallel_ssh,
)];

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
pub fn project(lab: &Lab, hcl: &str) -> PathBuf {
    let directory = lab.scratch().join("project");
    std::fs::create_dir_all(&directory).unwrap();
    let page =
        format!("replform {{ topology = \"measured\" }}\n\nssh {{ user = \"root\" }}\n\n{hcl}");
    std::fs::write(directory.join("main.rf.hcl"), page).unwrap();
    directory
}
