//! The one question that replform asks: whether to apply. Never without a terminal.

use std::io::{self, BufRead};

use super::Streams;

/// Asks; only the word `yes` is a yes.
///
/// # Errors
/// When the answer can't be read.
pub fn confirm(streams: Streams, question: &str) -> io::Result<bool> {
    streams.talk(&format!("\n{question} Only \"yes\" goes on: "));
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}
