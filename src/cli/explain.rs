//! `replform explain`.

use clap::Args;

use super::commands::Command;
use super::{Context, Exit, Failure};
use crate::diagnostics::{Code, Diagnostic, codes};

/// Say more about an error's code
#[derive(Args, Debug)]
pub struct Explain {
    /// The code, as in RF0107
    #[arg(value_name = "CODE")]
    pub code: String,
}

impl Command for Explain {
    fn run(self, context: &Context) -> Result<Exit, Failure> {
        let entry = Code::parse(&self.code)
            .and_then(Code::entry)
            .ok_or_else(|| {
                Failure::plain(
                    Diagnostic::without_place(
                        codes::NO_SUCH_CODE,
                        format!("\"{}\" is no code of replform's", self.code),
                    )
                    .help("codes look like RF0107; each error prints its own in brackets"),
                )
            })?;
        let text = format!(
            "{}: {}\n\n{}\n",
            entry.code,
            entry.summary,
            wrap(entry.explain, 78)
        );
        context.streams.data(&text)?;
        Ok(Exit::Done)
    }
}

/// Breaks a paragraph into lines of at most `width` columns.
fn wrap(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn long_texts_are_broken_between_words() {
        assert_eq!(wrap("one two  three", 7), "one two\nthree");
        assert_eq!(wrap("", 7), "");
    }
}
