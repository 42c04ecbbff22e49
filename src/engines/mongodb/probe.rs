//! The text of MongoDB's part of the one probe of a host: the client and the readers of settings that its step scripts use
//! too, then probe.sh, which says what it reads; [`super::decode`] reads what it prints. Nothing here runs anything.

/// Runs on the host as root with the variable `ports` set (ports of interest, one a line); changes nothing.
pub const PROBE: &str = concat!(
    include_str!("client.sh"),
    include_str!("conf.sh"),
    include_str!("probe.sh")
);
