//! Every script that a plan can name: apply's own, and those of the engines' folders.
//!
//! Text only, compiled in: the planner knows scripts by name and digest, apply sends them. Nothing here runs anything.

use super::names::digest;

/// A script for certificates, after what all of them share.
macro_rules! certificates {
    ($name:literal) => {
        (
            concat!("apply/", $name),
            concat!(
                include_str!("../engines/common.sh"),
                include_str!("../apply/tls.sh"),
                include_str!(concat!("../apply/", $name))
            ),
        )
    };
}

/// Scripts that are nobody's engine's.
const OWN: &[(&str, &str)] = &[
    ("apply/env.sh", include_str!("../apply/env.sh")),
    ("apply/forget.sh", include_str!("../apply/forget.sh")),
    ("apply/marker.sh", include_str!("../apply/marker.sh")),
    certificates!("tls-request.sh"),
    certificates!("tls-sign.sh"),
    certificates!("tls-keep.sh"),
];

/// What every script stands on.
pub(crate) const PRELUDE: &str = include_str!("../apply/prelude.sh");
/// Lock, journal and job end around a step's script.
pub(crate) const FRAME: &str = include_str!("../apply/frame.sh");

/// The text of a script by its name in a plan: `apply/env.sh`, `postgresql/account.sh`.
pub fn script(name: &str) -> Option<&'static str> {
    OWN.iter()
        .find(|(own, _)| *own == name)
        .map(|(_, text)| *text)
        .or_else(|| crate::engines::script(name))
}

/// SHA-256, hexadecimal, of all that runs under a script's name: prelude, frame and the script itself.
pub(super) fn script_digest(name: &str) -> Option<String> {
    let text = script(name)?;
    Some(digest([PRELUDE, FRAME, text].join("\0").as_bytes()))
}
