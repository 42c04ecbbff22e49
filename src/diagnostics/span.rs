//! Places: which file, which bytes, and how bytes become lines and columns.
//!
//! Knows no file system: [`SourceText`] holds text that somebody else read, and [`Texts`] is how
//! the renderer gets at it.

use std::sync::Arc;

/// A file among the sources of this run. Cheap to copy; means nothing outside the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A range of bytes in one file: `start` is the first byte, `end` the one after the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte; never below `start`.
    pub end: usize,
}

impl Span {
    /// The bytes `start..end` of `file`.
    pub fn new(file: FileId, start: usize, end: usize) -> Span {
        Span {
            file,
            start,
            end: end.max(start),
        }
    }

    /// The smallest range that holds both; `self` when `other` is in another file.
    pub fn to(self, other: Span) -> Span {
        if self.file != other.file {
            return self;
        }
        Span::new(
            self.file,
            self.start.min(other.start),
            self.end.max(other.end),
        )
    }
}

/// A place as people and editors count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// From 0, in bytes from the start of the file.
    pub byte: usize,
}

/// One text, its name as it is shown, and where its lines start.
#[derive(Debug)]
pub struct SourceText {
    /// Relative to the configuration directory.
    pub name: String,
    /// The text, without a byte order mark.
    pub text: Arc<str>,
    line_starts: Vec<usize>,
}

impl SourceText {
    /// Takes `text` and finds its lines.
    pub fn new(name: String, text: Arc<str>) -> SourceText {
        let mut line_starts = vec![0];
        line_starts.extend(
            text.bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(at, _)| at + 1),
        );
        SourceText {
            name,
            text,
            line_starts,
        }
    }

    /// The line and column of a byte; a byte beyond the end is the end.
    pub fn position(&self, byte: usize) -> Position {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        let line = self.line_starts.partition_point(|start| *start <= byte);
        let start = self.line_starts[line - 1];
        Position {
            line,
            column: self.text[start..byte].chars().count() + 1,
            byte,
        }
    }

    /// The bytes of a line (from 1) without its line end; empty beyond the last line.
    pub fn line(&self, line: usize) -> &str {
        let Some(start) = line
            .checked_sub(1)
            .and_then(|index| self.line_starts.get(index))
        else {
            return "";
        };
        let end = self
            .line_starts
            .get(line)
            .map_or(self.text.len(), |next| next - 1);
        self.text[*start..end].trim_end_matches('\r')
    }

    /// The offset of the first byte of a line (from 1).
    pub fn line_start(&self, line: usize) -> usize {
        line.checked_sub(1)
            .and_then(|index| self.line_starts.get(index))
            .copied()
            .unwrap_or(self.text.len())
    }
}

/// Whoever holds the texts that spans point into.
pub trait Texts {
    /// The text of a file of this run.
    fn source(&self, file: FileId) -> Option<Arc<SourceText>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_bytes_count_bytes() {
        let text = SourceText::new("a".into(), "größe = 1\nb = 2\n".into());
        assert_eq!(
            text.position(8),
            Position {
                line: 1,
                column: 7,
                byte: 8
            }
        );
        assert_eq!(
            text.position(12),
            Position {
                line: 2,
                column: 1,
                byte: 12
            }
        );
        assert_eq!(text.line(2), "b = 2");
        assert_eq!(text.position(999).line, 3);
    }
}
