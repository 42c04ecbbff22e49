//! Where JSON events go: standard output (`-json`), a file (`-json-into`), both, or nowhere. One object a line.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::Streams;

/// The format version of events; it stands in the first line.
pub const EVENTS_FORMAT: &str = "1.0";

/// The places that get every event.
#[derive(Clone, Debug)]
pub struct EventLog {
    streams: Option<Streams>,
    file: Option<Arc<Mutex<std::fs::File>>>,
}

impl EventLog {
    /// Opens the file, where one is named (readable by its owner only), and writes the first line.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn open(streams: Streams, print: bool, into: Option<&Path>) -> std::io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let file = match into {
            Some(path) => {
                let mut options = std::fs::OpenOptions::new();
                let options = options.write(true).create(true).truncate(true).mode(0o600);
                Some(Arc::new(Mutex::new(options.open(path)?)))
            }
            None => None,
        };
        let log = Self {
            streams: print.then_some(streams),
            file,
        };
        log.write(&version_event(&jiff::Timestamp::now().to_string()));
        Ok(log)
    }

    /// Whether events are what standard output is for.
    pub fn prints(&self) -> bool {
        self.streams.is_some()
    }

    /// Whether anybody gets them.
    pub fn wanted(&self) -> bool {
        self.streams.is_some() || self.file.is_some()
    }

    /// One event to every place. A reader that went away, or a full disk, doesn't stop an apply.
    pub fn write(&self, event: &Value) {
        let line = format!("{event}\n");
        if let Some(streams) = &self.streams {
            let _ = streams.data(&line);
        }
        if let Some(file) = &self.file {
            let mut file = file
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Err(error) = file.write_all(line.as_bytes()) {
                tracing::warn!(%error, "an event couldn't be written into the file");
            }
        }
    }
}

/// The first line: which version of replform and of this format speaks.
pub fn version_event(at: &str) -> Value {
    json!({
        "@level": "info",
        "@message": format!("replform {}", env!("CARGO_PKG_VERSION")),
        "@module": "replform.ui",
        "@timestamp": at,
        "type": "version",
        "replform": env!("CARGO_PKG_VERSION"),
        "format_version": EVENTS_FORMAT,
    })
}
