//! JSON as it is saved and printed: laid out for people, written piece by piece, since a large plan's text is larger than
//! the plan.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

/// Writes a value and a line end.
///
/// # Errors
/// When it can't be written.
pub fn write(value: &impl Serialize, to: impl Write) -> io::Result<()> {
    let mut to = BufWriter::new(to);
    serde_json::to_writer_pretty(&mut to, value)?;
    to.write_all(b"\n")?;
    to.flush()
}
