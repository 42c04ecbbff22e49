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
    use proptest::prelude::*;

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

    /// Lines of a body in any shape that parses: attributes, comments, blocks, heredocs.
    fn body(depth: u32) -> BoxedStrategy<String> {
        let space = "[ \t]{0,3}";
        let expression = prop_oneof![
            "[a-z]{1,5}(\\.[a-z]{1,3}){0,2}",
            "-?[ ]{0,2}[0-9]{1,3}",
            "\"[a-z ]{0,5}(\\$\\{ ?[a-z]{1,3} ?\\}){0,2}\"",
            "\\[ ?[a-z]{1,3},[a-z]{1,3} ?\\]",
            "f\\([a-z]{1,3} ?, ?- ?[0-9]\\)",
            "\\{ ?[a-z]{1,3} ?= ?[0-9] ?\\}",
            "a ?\\? ?b ?: ?c ?\\+ ?-1",
            Just("[\n1,\n  [ 2,\n3 ],\n]".to_owned()),
            Just("{\na = 1\n\n bb=2 # c\n}".to_owned()),
            Just("(\n a &&\n ! b\n)".to_owned()),
            Just("<<EOT\n  kept   as\nit = is ${ x }\n  EOT".to_owned()),
            Just("[for k,v in m:k=>v if v!=1]".to_owned()),
        ];
        let comment = prop_oneof![Just(String::new()), "[ ]{0,2}(#|//)[ a-z=]{0,6}"];
        let attribute = ("[a-z]{1,8}", space, space, expression, comment).prop_map(
            |(name, a, b, value, comment)| {
                // What follows a heredoc's marker must be a line's end.
                let comment = if value.starts_with("<<") {
                    String::new()
                } else {
                    comment
                };
                format!("{name}{a}={b}{value}{comment}\n")
            },
        );
        let line = prop_oneof![
            6 => attribute,
            1 => Just("\n".to_owned()),
            1 => "[ ]{0,3}(#|//)[ a-z]{0,8}\n",
            1 => "/\\* [a-z\n]{0,6} \\*/\n",
        ];
        let line = if depth == 0 {
            line.boxed()
        } else {
            let block = ("[a-z]{1,6}", "( \"?[a-z]{1,4}\"?)?", body(depth - 1))
                .prop_filter("quotes in pairs", |(_, label, _)| {
                    label.matches('"').count() != 1
                })
                .prop_map(|(kind, label, inner)| format!("  {kind}{label}{{\n{inner}}}\n"));
            prop_oneof![4 => line, 1 => block].boxed()
        };
        proptest::collection::vec((space, line), 0..6)
            .prop_map(|lines| {
                lines
                    .into_iter()
                    .map(|(indent, line)| indent + &line)
                    .collect()
            })
            .boxed()
    }

    /// The text without what a layout may change.
    fn bare(text: &str) -> String {
        text.chars()
            .filter(|c| !matches!(c, ' ' | '\t' | '"'))
            .collect()
    }

    proptest! {
        #[test]
        fn laying_out_twice_changes_nothing_and_once_only_spaces(text in body(2)) {
            let once = format(&text);
            prop_assert_eq!(format(&once), once.clone());
            let parses = |text: &str| hcl_edit::parser::parse_body(text).is_ok();
            prop_assert_eq!(parses(&once), parses(&text));
            if !text.contains("${") {
                prop_assert_eq!(bare(&once), bare(&text));
            }
        }
    }
}
