//! Every script that apply can run, by its name in a plan: its own, and those of the engines' folders.
//!
//! Text only, compiled in. Nothing here runs anything.

/// Scripts that are nobody's engine's.
const OWN: &[(&str, &str)] = &[
    ("apply/env.sh", include_str!("env.sh")),
    ("apply/marker.sh", include_str!("marker.sh")),
];

/// What every script stands on.
pub(super) const PRELUDE: &str = include_str!("prelude.sh");
/// Lock, journal and job end around a step's script.
pub(super) const FRAME: &str = include_str!("frame.sh");

/// The text of a script by its name in a plan: `apply/env.sh`, `postgresql/account.sh`.
pub fn script(name: &str) -> Option<&'static str> {
    OWN.iter()
        .find(|(own, _)| *own == name)
        .map(|(_, text)| *text)
        .or_else(|| crate::engines::script(name))
}
