//! Text diffs: the only user of `similar`. Pure; masks nothing, so sensitive values must be masked before.

use similar::TextDiff;

/// A unified diff with three lines of context; empty when both are equal.
pub fn unified(before_name: &str, before: &str, after_name: &str, after: &str) -> String {
    TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(3)
        .header(before_name, after_name)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn shows_what_changed_and_a_missing_line_end() {
        let diff = unified("old", "a\nb\n", "new", "a\nc");
        assert_eq!(
            diff,
            "--- old\n+++ new\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n\\ No newline at end of file\n"
        );
        assert_eq!(unified("old", "a\n", "new", "a\n"), "");
    }
}
