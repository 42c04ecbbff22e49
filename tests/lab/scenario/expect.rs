//! What a command must have said and how it must have ended.

use regex::Regex;

use super::text::{Saved, Text};
use crate::lab::Ran;

/// Everything that one step expects of a command.
pub struct Expect {
    pub exit: Exit,
    /// Each somewhere in what it said, wherever its lines were broken.
    pub says: Vec<Text>,
    /// None of them anywhere in what it said.
    pub lacks: Vec<Text>,
    /// Each a whole line of standard output.
    pub lines: Vec<Text>,
    /// Each found in what it said, lines as they are.
    pub matches: Vec<Regex>,
    /// All of standard output, but for the blanks around it.
    pub prints: Option<Text>,
}

/// How a command must end.
pub enum Exit {
    Code(i32),
    AnyFailure,
}

impl Expect {
    /// Everything that may have something to fill in.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        let lists = [&self.says, &self.lacks, &self.lines];
        lists.into_iter().flatten().chain(&self.prints)
    }

    /// Whether it says more than that the command must end well.
    pub fn asserts(&self) -> bool {
        !matches!(self.exit, Exit::Code(0))
            || self.texts().next().is_some()
            || !self.matches.is_empty()
    }

    /// Holds `ran` to it.
    ///
    /// # Errors
    /// Says what doesn't hold, with all that the command said.
    pub fn hold(&self, ran: &Ran, saved: &Saved) -> Result<(), String> {
        let wrong = self.wrong(ran, saved);
        if wrong.is_empty() {
            return Ok(());
        }
        Err(format!("{}\n{ran}", wrong.join("\n")))
    }

    fn wrong(&self, ran: &Ran, saved: &Saved) -> Vec<String> {
        let mut wrong = Vec::new();
        match self.exit {
            Exit::Code(code) if ran.code != code => {
                wrong.push(format!("exit {} instead of {code}", ran.code));
            }
            Exit::AnyFailure if ran.code == 0 => wrong.push("it did not fail".to_owned()),
            _ => {}
        }
        for text in self.says.iter().map(|text| text.fill(saved)) {
            if !ran.says(&text) {
                wrong.push(format!("it doesn't say {text:?}"));
            }
        }
        for text in self.lacks.iter().map(|text| text.fill(saved)) {
            if ran.says(&text) {
                wrong.push(format!("it says {text:?}"));
            }
        }
        for line in self.lines.iter().map(|text| text.fill(saved)) {
            if !ran.stdout.lines().any(|found| found == line) {
                wrong.push(format!("no line {line:?}"));
            }
        }
        for pattern in &self.matches {
            if !pattern.is_match(&ran.stdout) && !pattern.is_match(&ran.stderr) {
                wrong.push(format!("nothing matches {:?}", pattern.as_str()));
            }
        }
        if let Some(text) = self.prints.as_ref().map(|text| text.fill(saved))
            && ran.line() != text.trim()
        {
            wrong.push(format!("it prints something else than {text:?}"));
        }
        wrong
    }
}
