//! End-to-end tests on real hosts: Debian machines that `testdata/lab/lab` boots in a network namespace of their own.
//!
//! What concerns an engine is a folder below `scenarios/`; what concerns the lab itself, and figures, is code. All that
//! needs hosts needs root and some minutes, so it is ignored unless asked for:
//! `cargo test --test lab -- --ignored --test-threads=2`. Every test has a lab of its own and takes it down again, whatever
//! happens; nothing in here touches the machine's own network, disks or databases.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose lab can't go on has failed; the panic says where"
)]

mod lab;
mod lab_itself;
mod measured;
mod postgresql;
mod scenario;
mod seeding;
mod swap;
mod wait;
mod writer;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use libtest_mimic::{Arguments, Trial};

/// Whether figures are shown: `cargo test -- --nocapture`.
static SHOW_FIGURES: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    SHOW_FIGURES.store(arguments.nocapture, Ordering::SeqCst);
    let mut trials = scenario::trials();
    trials.extend(coded("lab_itself", &lab_itself::TESTS));
    trials.extend(coded("measured", &measured::TESTS));
    trials.extend(seeding::trials());
    trials.extend(coded("swap", &swap::TESTS));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Tests that are functions; all of them need the lab.
fn coded(module: &str, tests: &[(&str, fn())]) -> Vec<Trial> {
    let tests = tests.iter().map(|(name, test)| {
        let test = *test;
        Trial::test(format!("{module}::{name}"), move || {
            test();
            Ok(())
        })
        .with_ignored_flag(true)
    });
    tests.collect()
}

/// A measured figure for the record: shown by `cargo test -- --nocapture`.
#[expect(
    clippy::print_stdout,
    reason = "the test runner captures nothing; figures are read by people"
)]
fn report(figure: &str) {
    if SHOW_FIGURES.load(Ordering::SeqCst) {
        println!("measured: {figure}");
    }
}
