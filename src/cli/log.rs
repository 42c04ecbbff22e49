//! Debugging output: `REPLFORM_LOG` (trace, debug, info, warn, error) to standard error, or to `REPLFORM_LOG_PATH`.
//!
//! For developers and bug reports; what people need is printed anyway. No secret is ever given to it.

use std::fs::OpenOptions;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use super::Failure;
use crate::ui::variable;

/// Starts logging where the environment asks for it.
///
/// # Errors
/// When the file of `REPLFORM_LOG_PATH` can't be opened.
pub fn start() -> Result<(), Failure> {
    let Some(level) = variable("REPLFORM_LOG").filter(|level| !level.is_empty()) else {
        return Ok(());
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(format!("replform={}", level.to_lowercase())));
    match variable("REPLFORM_LOG_PATH").filter(|path| !path.is_empty()) {
        None => builder.with_writer(std::io::stderr).with_ansi(false).init(),
        Some(path) => {
            let file = OpenOptions::new()
                .append(true)
                .create(true)
                .open(&path)
                .map_err(|error| Failure::file("opening", path.as_ref(), &error))?;
            builder
                .with_writer(Mutex::new(file))
                .with_ansi(false)
                .init();
        }
    }
    Ok(())
}
