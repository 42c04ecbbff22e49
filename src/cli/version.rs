//! `replform version`.

use clap::Args;
use serde_json::json;

use super::commands::Command;
use super::{Context, Exit, Failure};

/// Print replform's version
#[derive(Args, Debug, Default)]
pub struct Version {
    /// Print it as JSON
    #[arg(long)]
    pub json: bool,
}

impl Version {
    /// The same for `-version`.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn run_on(self, context: &Context) -> Result<Exit, Failure> {
        let version = env!("CARGO_PKG_VERSION");
        let platform = format!("{}_{}", std::env::consts::OS, std::env::consts::ARCH);
        let text = if self.json {
            let object = json!({
                "format_version": "1.0",
                "replform_version": version,
                "platform": platform,
            });
            format!("{object:#}\n")
        } else {
            format!("replform v{version}\non {platform}\n")
        };
        context.streams.data(&text)?;
        Ok(Exit::Done)
    }
}

impl Command for Version {
    fn run(self, context: &Context) -> Result<Exit, Failure> {
        self.run_on(context)
    }
}
