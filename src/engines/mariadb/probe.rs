//! The text of MariaDB's part of the one probe of a host. The script says what it reads; [`super::decode`] reads what it
//! prints. Nothing here runs anything.

/// Runs on the host as root with the variable `ports` set (ports of interest, one a line); changes nothing.
pub const PROBE: &str = include_str!("probe.sh");
