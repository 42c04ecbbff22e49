//! Waiting for a condition with a deadline. Tests never sleep a guess.

use std::time::{Duration, Instant};

/// Polls `condition` every 50 ms until it holds.
///
/// # Panics
/// When `limit` is over: the test fails with `what` in words.
pub fn wait_until(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(
            started.elapsed() < limit,
            "waited {limit:?} in vain for: {what}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}
