//! The text of MySQL's part of the host probe.

/// Prints the lines that `decode` reads; needs the shell variable `ports`.
pub const PROBE: &str = include_str!("probe.sh");
