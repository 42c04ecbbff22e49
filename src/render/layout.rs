//! Text in columns: wrapping at word boundaries with a hanging indent, by what people see (wide characters count two).

use std::fmt;

use unicode_width::UnicodeWidthStr;

/// Columns that every text output keeps to.
pub const WIDTH: usize = 80;

/// `text` wrapped to [`WIDTH`], the first line after `first` (already its own indent), the others indented to its width.
pub fn hang(first: &str, text: &str) -> String {
    hang_within(first, text, WIDTH)
}

/// The same for another width.
pub fn hang_within(first: &str, text: &str, width: usize) -> String {
    let mut out = String::new();
    push_hanging(&mut out, first, text, width);
    out
}

/// The same at the end of a longer text.
pub fn push_hanging(out: &mut String, first: &str, text: &str, width: usize) {
    let begin = out.len();
    let indent = first.width();
    let room = width.saturating_sub(indent).max(20);
    out.push_str(first);
    for (index, paragraph) in text.split('\n').enumerate() {
        if index > 0 {
            break_line(out, begin, indent);
        }
        let (mut start, mut column) = (out.len(), 0);
        for word in paragraph.split(' ') {
            let columns = word.width();
            if out.len() > start && column + 1 + columns > room {
                break_line(out, begin, indent);
                (start, column) = (out.len(), 0);
            }
            if out.len() > start {
                out.push(' ');
                column += 1;
            }
            out.extend(word.chars().map(shown));
            column += columns;
        }
    }
    end_line(out, begin);
}

/// A text as one line, whatever a host put into it.
pub fn one_line(text: &str) -> String {
    text.chars().map(shown).collect()
}

/// What a host says can't move a terminal's cursor.
fn shown(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

fn break_line(out: &mut String, begin: usize, indent: usize) {
    end_line(out, begin);
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Ends a line of what began at `begin`, without blanks at its end.
fn end_line(out: &mut String, begin: usize) {
    let end = out[begin..].trim_end().len();
    out.truncate(begin + end);
    out.push('\n');
}

/// `text` filled with spaces to `width` columns; never cut.
pub fn pad(text: &str, width: usize) -> impl fmt::Display {
    let missing = width.saturating_sub(text.width());
    fmt::from_fn(move |f| write!(f, "{text}{:missing$}", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_hangs_under_its_first_word() {
        let text = hang_within("  because ", "one two three four five six seven", 30);
        assert_eq!(
            text,
            "  because one two three four\n          five six seven\n"
        );
    }

    #[test]
    fn what_a_host_says_moves_no_cursor() {
        assert_eq!(hang_within("", "a\u{1b}[31mb c\rd", 30), "a [31mb c d\n");
        assert_eq!(one_line("a\nb\u{7}"), "a b ");
    }

    #[test]
    fn a_word_longer_than_the_line_is_kept_whole() {
        assert_eq!(
            hang_within("", &"x".repeat(40), 30),
            format!("{}\n", "x".repeat(40))
        );
    }
}
