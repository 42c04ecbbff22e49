//! What every command gets: the directory, the environment and the streams.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::ui::{Streams, variable};

/// The surroundings of a command, read once at the start.
#[derive(Clone, Debug)]
pub struct Context {
    /// The configuration directory: `.`, since `-chdir` has been carried out.
    pub directory: PathBuf,
    /// `REPLFORM_VAR_x` by `x`.
    pub variables: BTreeMap<String, String>,
    /// Standard output and standard error.
    pub streams: Streams,
}

impl Context {
    /// Looks at the environment.
    pub fn new(no_color: bool) -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter_map(|(name, value)| {
                let name = name.strip_prefix("REPLFORM_VAR_")?;
                Some((name.to_owned(), value))
            })
            .collect();
        Self {
            directory: PathBuf::from("."),
            variables,
            streams: Streams::new(no_color, variable),
        }
    }
}
