//! Text diffs: the only user of `similar`. Pure; masks nothing, so sensitive values must be masked before.

use similar::{ChangeTag, TextDiff};

/// A unified diff with three lines of context; empty when both are equal.
pub fn unified(before_name: &str, before: &str, after_name: &str, after: &str) -> String {
    TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(3)
        .header(before_name, after_name)
        .to_string()
}

/// Removed and added lines, in order.
pub fn changed_lines(before: &[String], after: &[String]) -> Vec<String> {
    let (before, after): (Vec<&str>, Vec<&str>) = (
        before.iter().map(String::as_str).collect(),
        after.iter().map(String::as_str).collect(),
    );
    TextDiff::from_slices(&before, &after)
        .iter_all_changes()
        .filter_map(|change| match change.tag() {
            ChangeTag::Delete => Some(format!("- {}", change.value())),
            ChangeTag::Insert => Some(format!("+ {}", change.value())),
            ChangeTag::Equal => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{changed_lines, unified};

    #[test]
    fn shows_what_changed_and_a_missing_line_end() {
        let diff = unified("old", "a\nb\n", "new", "a\nc");
        assert_eq!(
            diff,
            "--- old\n+++ new\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n\\ No newline at end of file\n"
        );
        assert_eq!(unified("old", "a\n", "new", "a\n"), "");
    }

    #[test]
    fn shows_only_what_changes() {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            changed_lines(&lines("A=1 B= C=3"), &lines("A=1 B=2 C=3")),
            ["- B=", "+ B=2"]
        );
        assert!(changed_lines(&lines("A=1"), &lines("A=1")).is_empty());
    }
}
