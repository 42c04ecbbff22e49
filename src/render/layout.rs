//! Text in columns: wrapping at word boundaries with a hanging indent, by what people see (wide characters count two).

use unicode_width::UnicodeWidthStr;

/// Columns that every text output keeps to.
pub const WIDTH: usize = 80;

/// `text` wrapped to [`WIDTH`], the first line after `first` (already its own indent), the others indented to its width.
pub fn hang(first: &str, text: &str) -> String {
    hang_within(first, text, WIDTH)
}

/// The same for another width.
pub fn hang_within(first: &str, text: &str, width: usize) -> String {
    let indent = first.width();
    let room = width.saturating_sub(indent).max(20);
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.width() + 1 + word.width() > room {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    let gap = " ".repeat(indent);
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        out.push_str(if index == 0 { first } else { &gap });
        out.push_str(line);
        let end = out.trim_end().len();
        out.truncate(end);
        out.push('\n');
    }
    out
}

/// `text` filled with spaces to `width` columns; never cut.
pub fn pad(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(missing))
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
    fn a_word_longer_than_the_line_is_kept_whole() {
        assert_eq!(
            hang_within("", &"x".repeat(40), 30),
            format!("{}\n", "x".repeat(40))
        );
    }
}
