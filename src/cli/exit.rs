//! Exit codes: part of the interface, read by scripts and schedulers.

use std::process::ExitCode;

/// What a command's exit code means. The numbers never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do; a plan that was made.
    Done = 0,
    /// An error; nothing was changed.
    Error = 1,
    /// There are changes (`plan -detailed-exitcode`, `drift`).
    Changes = 2,
    /// A host could not be observed; for `fmt -check`: a file isn't laid out.
    Incomplete = 3,
    /// Blocked by a rule, or a hazard that isn't allowed.
    Blocked = 4,
    /// Another apply holds a host.
    Locked = 5,
    /// The saved plan no longer fits what is there, or another apply came in between.
    Stale = 6,
    /// Applied in part, or interrupted (also before a step had begun).
    Partial = 7,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Of several that apply to a command that only looks, the one to end with: 1, 3, 4, 2, then 0.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let rank = |exit: Self| match exit {
            Self::Error => 0,
            Self::Incomplete => 1,
            Self::Blocked => 2,
            Self::Changes => 3,
            Self::Locked | Self::Stale | Self::Partial => 4,
            Self::Done => 5,
        };
        if rank(other) < rank(self) {
            other
        } else {
            self
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn of_several_the_worst_is_reported() {
        assert_eq!(Exit::Changes.or(Exit::Blocked), Exit::Blocked);
        assert_eq!(Exit::Blocked.or(Exit::Incomplete), Exit::Incomplete);
        assert_eq!(Exit::Done.or(Exit::Changes), Exit::Changes);
        assert_eq!(Exit::Error.or(Exit::Changes), Exit::Error);
    }
}
