//! A look over a text before it is parsed: where each top-level item starts, and what was opened and
//! never closed. The parser says where it stumbles; people need where the mistake is.
//!
//! Pure, linear, without recursion: hostile input costs its length.

/// What the look found.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Where each top-level attribute or block starts, in order.
    pub(super) items: Vec<usize>,
    /// What is never closed, in order of its place.
    pub(super) open: Vec<Open>,
    /// The first closing bracket with nothing open.
    pub(super) stray: Option<usize>,
    /// Where the object opens with which [`MOST_COMPARISONS`] is passed.
    pub(super) crowded: Option<usize>,
    /// How many keys of objects the parser will compare.
    pub(super) comparisons: usize,
}

/// The parser compares each key of an object with each before it. This allows one object of 10,000 keys.
const MOST_COMPARISONS: usize = 50_000_000;

/// Something that is opened and not closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) what: What,
    /// Where it opens.
    pub(super) at: usize,
    /// Where a closing one of another kind stands, if that is how it was noticed.
    pub(super) closed_by: Option<usize>,
}

/// What can be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Brace,
    Bracket,
    Parenthesis,
    Quote,
    Interpolation,
    Comment,
    Heredoc(String),
}

impl What {
    /// The text that opens it.
    pub(super) fn opening(&self) -> String {
        match self {
            What::Brace => "{".into(),
            What::Bracket => "[".into(),
            What::Parenthesis => "(".into(),
            What::Quote => "\"".into(),
            What::Interpolation => "${".into(),
            What::Comment => "/*".into(),
            What::Heredoc(word) => format!("<<{word}"),
        }
    }

    /// The text that closes it.
    pub(super) fn closing(&self) -> String {
        match self {
            What::Brace | What::Interpolation => "}".into(),
            What::Bracket => "]".into(),
            What::Parenthesis => ")".into(),
            What::Quote => "\"".into(),
            What::Comment => "*/".into(),
            What::Heredoc(word) => word.clone(),
        }
    }
}

struct Frame {
    what: What,
    at: usize,
    /// White space before the first character of the line on which it opens.
    indent: usize,
    /// A brace that opens an object, not a block.
    is_object: bool,
    /// Signs of an entry (`=`, `:`) directly inside.
    entries: usize,
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    line_start: usize,
    frames: Vec<Frame>,
    /// The first opener that a closing bracket of a lower indentation was taken for.
    suspect: Option<Open>,
    scan: Scan,
}

/// Looks over a whole text.
pub(super) fn scan(text: &str) -> Scan {
    run(text, Vec::new())
}

/// Looks over a text that is a template as a whole.
pub(super) fn scan_template(text: &str) -> Scan {
    // A heredoc whose last line no text can hold.
    let what = What::Heredoc("\0".to_owned());
    let mut scan = run(
        text,
        vec![Frame {
            what: what.clone(),
            at: 0,
            indent: 0,
            is_object: false,
            entries: 0,
        }],
    );
    scan.open.retain(|open| open.what != what);
    scan
}

fn run(text: &str, frames: Vec<Frame>) -> Scan {
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        at: 0,
        line_start: 0,
        frames,
        suspect: None,
        scan: Scan::default(),
    };
    scanner.run();
    scanner.scan
}

impl Scanner<'_> {
    fn run(&mut self) {
        while self.at < self.bytes.len() {
            match self.frames.last().map(|frame| &frame.what) {
                Some(What::Quote) => self.in_quotes(),
                Some(What::Heredoc(_)) => self.in_heredoc(),
                _ => self.in_code(),
            }
        }
        self.finish();
    }

    fn starts_with(&self, prefix: &str) -> bool {
        self.bytes[self.at..].starts_with(prefix.as_bytes())
    }

    fn newline(&mut self) {
        self.at += 1;
        self.line_start = self.at;
    }

    fn skip_to_newline(&mut self) {
        while self.at < self.bytes.len() && self.bytes[self.at] != b'\n' {
            self.at += 1;
        }
    }

    fn indent(&self) -> usize {
        self.bytes[self.line_start..]
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count()
    }

    fn push(&mut self, what: What, width: usize) {
        let indent = self.indent();
        let is_object = what == What::Brace && is_value(&self.text[..self.at]);
        self.frames.push(Frame {
            what,
            at: self.at,
            indent,
            is_object,
            entries: 0,
        });
        self.at += width;
    }

    fn in_code(&mut self) {
        let byte = self.bytes[self.at];
        match byte {
            b'\n' => self.newline(),
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'#' => self.skip_to_newline(),
            b'/' if self.starts_with("//") => self.skip_to_newline(),
            b'/' if self.starts_with("/*") => self.comment(),
            _ => {
                if self.frames.is_empty() && self.at == self.line_start + self.indent() {
                    self.scan.items.push(self.at);
                }
                self.token(byte);
            }
        }
    }

    fn comment(&mut self) {
        match self.text[self.at + 2..].find("*/") {
            Some(length) => {
                let end = self.at + 2 + length + 2;
                if let Some(newline) = self.text[self.at..end].rfind('\n') {
                    self.line_start = self.at + newline + 1;
                }
                self.at = end;
            }
            None => {
                self.scan.open.push(Open {
                    what: What::Comment,
                    at: self.at,
                    closed_by: None,
                });
                self.at = self.bytes.len();
                // What is open around the comment can't be judged.
                self.frames.clear();
            }
        }
    }

    fn token(&mut self, byte: u8) {
        match byte {
            b'{' => self.push(What::Brace, 1),
            b'[' => self.push(What::Bracket, 1),
            b'(' => self.push(What::Parenthesis, 1),
            b'"' => self.push(What::Quote, 1),
            b'}' | b']' | b')' => self.close(byte),
            b'<' if self.starts_with("<<") => self.heredoc(),
            b'=' | b':' => self.entry(),
            _ => self.at += 1,
        }
    }

    fn entry(&mut self) {
        self.at += 1;
        if let Some(frame) = self.frames.last_mut().filter(|frame| frame.is_object) {
            frame.entries += 1;
            self.scan.comparisons += frame.entries;
            if self.scan.comparisons > MOST_COMPARISONS {
                self.scan.crowded.get_or_insert(frame.at);
            }
        }
    }

    fn close(&mut self, byte: u8) {
        let at = self.at;
        self.at += 1;
        let indent = self.indent();
        let first_of_line = at == self.line_start + indent;
        let Some(frame) = self.frames.last() else {
            self.scan.stray.get_or_insert(at);
            return;
        };
        let matches = frame.what.closing().as_bytes() == [byte];
        let outer = self.frames.len() > 1 && self.frames[self.frames.len() - 2].indent >= indent;
        if matches && first_of_line && indent < frame.indent && outer && self.suspect.is_none() {
            self.suspect = Some(Open {
                what: frame.what.clone(),
                at: frame.at,
                closed_by: None,
            });
        }
        if matches {
            self.frames.pop();
            return;
        }
        // A closing one of another kind: the opener is at fault when something further out fits.
        let fitting = self
            .frames
            .iter()
            .rposition(|frame| frame.what.closing().as_bytes() == [byte]);
        if let Some(index) = fitting.filter(|index| {
            !self.frames[*index..]
                .iter()
                .any(|frame| frame.what == What::Quote)
        }) {
            let frame = &self.frames[index + 1];
            self.scan.open.push(Open {
                what: frame.what.clone(),
                at: frame.at,
                closed_by: Some(at),
            });
            self.frames.truncate(index);
        }
    }

    fn heredoc(&mut self) {
        let rest = &self.text[self.at + 2..];
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        let word: String = rest
            .chars()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
            .collect();
        let after = rest[word.len()..].trim_start_matches('\r');
        if word.is_empty() || !after.starts_with('\n') {
            self.at += 2;
            return;
        }
        self.push(What::Heredoc(word), 2);
        self.skip_to_newline();
    }

    /// One character inside quotes.
    fn in_quotes(&mut self) {
        match self.bytes[self.at] {
            b'\\' => self.at += 2,
            b'"' => {
                self.frames.pop();
                self.at += 1;
            }
            b'\n' => self.quote_at_line_end(),
            b'$' | b'%' => self.marker(),
            _ => self.at += 1,
        }
    }

    /// A string ends with its line. In `"${b"` the quote that seems open is the one that was to close, and
    /// the interpolation is what is open.
    fn quote_at_line_end(&mut self) {
        let around = self
            .frames
            .len()
            .checked_sub(3)
            .and_then(|index| self.frames.get(index..));
        let swallowed = around.filter(|frames| {
            frames[0].what == What::Quote
                && frames[1].what == What::Interpolation
                && frames[1].at >= self.line_start
        });
        if let Some(frames) = swallowed {
            self.scan.open.push(Open {
                what: What::Interpolation,
                at: frames[1].at,
                closed_by: None,
            });
            self.frames.truncate(self.frames.len() - 3);
        } else if let Some(frame) = self.frames.pop() {
            self.scan.open.push(Open {
                what: What::Quote,
                at: frame.at,
                closed_by: None,
            });
        }
    }

    fn marker(&mut self) {
        if self.starts_with("$${") || self.starts_with("%%{") {
            self.at += 3;
        } else if self.starts_with("${") || self.starts_with("%{") {
            self.push(What::Interpolation, 2);
        } else {
            self.at += 1;
        }
    }

    /// One character, or the start of a line, inside a heredoc.
    fn in_heredoc(&mut self) {
        match self.bytes[self.at] {
            b'\n' => {
                self.newline();
                let Some(What::Heredoc(word)) = self.frames.last().map(|frame| &frame.what) else {
                    return;
                };
                let line = self.text[self.at..].split('\n').next().unwrap_or_default();
                let trimmed = line.trim_start_matches([' ', '\t']);
                let ends = trimmed.strip_prefix(word.as_str()).is_some_and(|after| {
                    !after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-'))
                });
                if ends {
                    self.at += line.len() - trimmed.len() + word.len();
                    self.frames.pop();
                }
            }
            b'$' | b'%' => self.marker(),
            _ => self.at += 1,
        }
    }

    fn finish(&mut self) {
        // Of brackets left over, the one that indentation suspects; else the innermost: most often
        // that is where the end was forgotten.
        let left = self.frames.pop();
        if let Some(frame) = left {
            let bracket = matches!(frame.what, What::Brace | What::Bracket | What::Parenthesis);
            let open = Open {
                what: frame.what,
                at: frame.at,
                closed_by: None,
            };
            let open = if bracket {
                self.suspect.take().unwrap_or(open)
            } else {
                open
            };
            self.scan.open.push(open);
        }
        self.scan.open.sort_by_key(|open| open.at);
    }
}

/// True when a brace after this text opens an object and not a block.
fn is_value(before: &str) -> bool {
    let before = before.trim_end();
    before.is_empty() || before.ends_with(['=', ':', '(', '[', ',', '?', '{', '>', '|', '&', '!'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> Vec<(String, usize)> {
        scan(text)
            .open
            .into_iter()
            .map(|open| (open.what.opening(), open.at))
            .collect()
    }

    #[test]
    fn balanced_text_has_nothing_open() {
        let text = "a = \"x ${f(\"y\", [1])} %{ if b }c%{ endif } $${ \\\" \"\n# { [ \"\n/* { */\nb = <<-EOT\n  { [ \" ${ {a = 1}.a }\n  EOT\nc { d = (1) }\n";
        assert_eq!(open(text), []);
        assert_eq!(scan(text).items.len(), 3);
    }

    #[test]
    fn what_is_not_closed_is_named_where_it_opens() {
        assert_eq!(open("a = \"x\nb = 1\n"), [("\"".into(), 4)]);
        assert_eq!(open("a {\n  b = [1,\n}\n"), [("[".into(), 10)]);
        assert_eq!(open("a = 1 /* b\n"), [("/*".into(), 6)]);
        assert_eq!(open("a = <<EOT\nx\n"), [("<<EOT".into(), 4)]);
        assert_eq!(open("a = \"${b\"\n"), [("${".into(), 5)]);
    }

    #[test]
    fn indentation_tells_which_brace_was_forgotten() {
        let text = "stack \"eu\" {\n  server \"a\" {\n    host = 1\n}\nb = 2\n";
        assert_eq!(
            open(text),
            [("{".into(), text.find("{\n    host").unwrap())]
        );
    }

    #[test]
    fn a_hundred_thousand_brackets_are_no_trouble() {
        assert_eq!(scan(&"[".repeat(100_000)).open.len(), 1);
    }
}
