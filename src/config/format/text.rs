//! From text to text.

use super::layout::lay_out;
use super::rewrite::rewrite;
use super::tokens::tokens;

/// `text` in the canonical layout. Laying out the result again changes nothing.
pub fn format(text: &str) -> String {
    let mut tokens = rewrite(tokens(text));
    lay_out(&mut tokens);
    let mut out = String::with_capacity(text.len());
    for token in &tokens {
        out.extend(std::iter::repeat_n(' ', token.spaces));
        out.push_str(&token.text);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::format;

    #[test]
    fn keeps_comments_aligns_runs_and_is_idempotent() {
        let text = "# top\nreplform{\ntopology=\"x\" # name\nrequired_version = \">= 0.1\" // tool\n\n/* b */\n}\nstack eu {\nserver \"db1\" {host=\"10.0.0.11\"}\n}\n";
        let want = "# top\nreplform {\n  topology         = \"x\"      # name\n  required_version = \">= 0.1\" // tool\n\n  /* b */\n}\nstack \"eu\" {\n  server \"db1\" { host = \"10.0.0.11\" }\n}\n";
        assert_eq!(format(text), want);
        assert_eq!(format(want), want);
    }

    #[test]
    fn a_lone_interpolation_is_unwrapped_and_heredocs_stay() {
        assert_eq!(format("a=\"${b}\"\n"), "a = b\n");
        assert_eq!(format("a=\"${b}${c}\"\n"), "a = \"${b}${c}\"\n");
        let heredoc = "a = <<-EOT\n    x   =  1\n  EOT\n";
        assert_eq!(format(heredoc), heredoc);
    }
}
