//! End-to-end tests on real hosts: Debian machines that `testdata/lab/lab` boots in a network namespace of their own.
//!
//! They need root and some minutes, so each is ignored unless asked for:
//! `cargo test --test lab -- --ignored --test-threads=2`. Every test has a lab of its own and takes it down again, whatever
//! happens; nothing in here touches the machine's own network, disks or databases.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose lab can't go on has failed; the panic says where"
)]

mod interrupted;
mod lab;
mod lab_itself;
mod leftovers;
mod measured;
mod postgresql;
mod project;
mod refused;
mod replicate;
mod secrets;
mod wait;
mod writer;

/// A measured figure for the record: shown by `cargo test -- --nocapture`, and whenever the test fails.
#[expect(
    clippy::print_stdout,
    reason = "the test runner captures it; figures are read by people"
)]
fn report(figure: &str) {
    println!("measured: {figure}");
}
