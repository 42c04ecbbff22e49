//! The list of commands. A new command is a file beside this one and one row here.

use super::{Context, Exit, Failure};

/// What each command's arguments implement.
pub trait Command {
    /// Does the command's work: data through `context.streams.data`, talk through `talk`.
    ///
    /// # Errors
    /// What stops the command; it is printed, and replform exits with its code.
    fn run(self, context: &Context) -> Result<Exit, Failure>;
}

macro_rules! commands {
    ($($group:ident $name:ident = $module:ident),+ $(,)?) => {
        /// Every command with its arguments.
        #[derive(Debug, clap::Subcommand)]
        pub enum Commands {
            $(#[expect(missing_docs, reason = "the help text stands at the arguments")]
              $name(super::$module::$name)),+
        }

        impl Commands {
            /// Runs the command.
            ///
            /// # Errors
            /// What stops the command.
            pub fn run(self, context: &Context) -> Result<Exit, Failure> {
                match self {
                    $(Self::$name(command) => command.run(context)),+
                }
            }
        }

        /// Each command's variant, lower case, and whether it stands under "Main commands".
        pub const GROUPS: &[(&str, Group)] = &[$((stringify!($name), Group::$group)),+];
    };
}

/// The heading that a command stands under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// "Main commands".
    Main,
    /// "Other commands".
    Other,
}

// In the order of the help text.
commands! {
    Main Plan = plan,
    Main Apply = apply,
    Main Status = status,
    Main Drift = drift,
    Main Resync = resync,
    Main Validate = validate,
    Other Completions = completions,
    Other Console = console,
    Other Explain = explain,
    Other Fmt = fmt,
    Other Graph = graph,
    Other History = history,
    Other Man = man,
    Other Observe = observe,
    Other Show = show,
    Other Version = version,
}
