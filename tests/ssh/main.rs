//! The SSH layer against real sshd processes on loopback, each test with its own. Skipped, and said so, where sshd isn't installed.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail by panicking, and say why they were skipped"
)]

mod commands;
mod hosts;
mod logins;
mod server;

/// Runs a test's future on a runtime like the program's own.
fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(future)
}
