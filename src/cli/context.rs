//! What every command gets: the directory, the environment and the streams.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::VariableArguments;
use crate::config::{Failed, Inputs, Loaded, load};
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
    /// The configuration of the directory, with the variables that the command line and the environment give.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn load(&self, variables: &VariableArguments) -> Result<Loaded, Failed> {
        load(&self.directory, &self.inputs(variables))
    }

    /// Where variables get their values.
    pub fn inputs(&self, variables: &VariableArguments) -> Inputs {
        Inputs {
            var_files: variables.var_files.iter().map(PathBuf::from).collect(),
            vars: variables.vars.clone(),
            environment: self.variables.clone(),
            home: variable("HOME").map(PathBuf::from),
        }
    }

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
