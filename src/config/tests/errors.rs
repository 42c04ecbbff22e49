//! Syntax errors: several at once, each where the mistake is, in words that people use.

use super::super::parse::parse_hcl;
use super::super::source::Sources;
use super::super::tree::Body;
use super::super::types::{Presence, Type, convert, parse_type};
use super::super::value::Value;
use super::support::marked;
use crate::diagnostics::Diagnostic;

fn parse(text: &str) -> (Body, Vec<Diagnostic>) {
    let sources = Sources::new("");
    let file = sources.add("main.rf.hcl", text);
    parse_hcl(file, &sources)
}

/// What each error marks, and its label.
fn told(text: &str) -> Vec<(String, String)> {
    let (_, diagnostics) = parse(text);
    diagnostics
        .iter()
        .map(|one| (marked(text, one.span).to_owned(), one.label.clone()))
        .collect()
}

#[test]
fn each_broken_block_is_told_and_the_others_are_kept() {
    let text = "a = \nb {\n  c = [1 2]\n}\nd { e = 1 }\nf {\n  g 5\n}\nh = \"x\n";
    let (body, diagnostics) = parse(text);
    let lines: Vec<_> = diagnostics
        .iter()
        .map(|one| text[..one.span.unwrap().start].lines().count().max(1))
        .collect();
    assert_eq!(diagnostics.len(), 4, "{diagnostics:?}");
    assert!(lines.is_sorted(), "{lines:?}");
    assert_eq!(
        body.blocks
            .iter()
            .map(|block| block.kind.as_str())
            .collect::<Vec<_>>(),
        ["d"]
    );
}

#[test]
fn what_was_opened_and_not_closed_is_shown_where_it_opens() {
    for (text, place, label) in [
        ("a = \"x\nb = 1\n", "\"", "not closed on its line"),
        ("a {\n  b = [1,\n}\n", "[", "never closed"),
        ("a {\n  b = 1\n", "{", "never closed"),
        (
            "stack \"eu\" {\n  server \"a\" {\n    host = 1\n}\nb = 2\n",
            "{",
            "never closed",
        ),
        ("a = 1 /* b\n", "/*", "comment is never closed"),
        ("a = <<EOT\nx\n", "<<EOT", "no line holds EOT"),
        ("a = \"${b\"\n", "${", "never closed"),
        ("a = (1\nb = 2\n", "(", "never closed"),
    ] {
        let errors = told(text);
        assert_eq!(errors.len(), 1, "{text}: {errors:?}");
        assert!(
            errors[0].0 == place && errors[0].1.contains(label),
            "{text}: {errors:?}"
        );
    }
}

#[test]
fn the_parsers_words_are_made_plain() {
    for (text, place, label) in [
        ("a =\n", "", "a value is missing here"),
        (
            "a = 1 2\n",
            "2",
            "a new line must follow here, but found `2`",
        ),
        ("a = \"\\n\\q\"\n", "\\q", "this escape is not known"),
        ("a 5\n", "5", "but found `5`"),
        ("a { b = 1, c = 2 }\n", ",", "at most one attribute"),
        ("a = 1\na = 2\n", "a", "`a` is set a second time here"),
        ("a = { b = 1, b = 2 }\n", "b", "twice"),
        ("a = 'x'\n", "'", "not with `'`"),
        ("a = “x”\n", "“", "typographic"),
        ("a = b.\n", ".", "must follow the `.`"),
        ("a = [for x in y]\n", "]", "expected"),
        ("}\n", "}", "can't stand here"),
        ("a \"b${c}\" {\n}\n", "\"", ""),
    ] {
        let errors = told(text);
        assert_eq!(errors.len(), 1, "{text}: {errors:?}");
        assert!(
            errors[0].0 == place && errors[0].1.contains(label),
            "{text}: {errors:?}"
        );
    }
}

#[test]
fn labels_attributes_and_blocks_have_places() {
    let text = "stack \"eu\" {\n  server db1 {\n    host = \"x\"\n  }\n  empty {}\n}\n";
    let (body, diagnostics) = parse(text);
    assert_eq!(diagnostics, []);
    let stack = &body.blocks[0];
    assert_eq!(marked(text, Some(stack.heading())), "stack \"eu\"");
    let server = &stack.body.blocks[0];
    assert_eq!(
        (
            server.labels[0].text.as_str(),
            marked(text, Some(server.labels[0].span))
        ),
        ("db1", "db1")
    );
    assert_eq!(
        marked(text, Some(server.body.attributes[0].span)),
        "host = \"x\""
    );
    assert_eq!(marked(text, Some(stack.body.blocks[1].span)), "empty {}");
}

fn kind(text: &str) -> Result<Type, Vec<Diagnostic>> {
    let sources = Sources::new("");
    let file = sources.add("type", text);
    parse_type(&super::super::parse::parse_expression(file, &sources).unwrap())
}

#[test]
fn types_are_read_and_values_converted() {
    let object =
        kind("object({host = string, port = optional(number, 22), tags = optional(list(string))})")
            .unwrap();
    let Type::Object(fields) = &object else {
        panic!("{object}")
    };
    assert!(matches!(fields["tags"].presence, Presence::Optional(None)));
    let given = Value::from_json(&serde_json::json!({"host": 1, "other": true}));
    assert_eq!(
        convert(&given, &object).unwrap().to_json(),
        serde_json::json!({"host": "1", "port": 22, "tags": null})
    );
    let list = kind("list(object({port = number}))").unwrap();
    let given = Value::from_json(&serde_json::json!([{"port": "1"}, {"port": "x"}]));
    assert_eq!(
        convert(&given, &list).unwrap_err().to_string(),
        "at [1].port: a number is wanted, but this is \"x\""
    );
    let given = Value::from_json(&serde_json::json!([{"prot": 1}]));
    assert_eq!(
        convert(&given, &list).unwrap_err().to_string(),
        "at [0]: the attribute `port` is missing (there is `prot`)"
    );
    assert_eq!(kind("map(any)").unwrap().to_string(), "map(any)");
    assert_eq!(
        kind("tuple([string, bool])").unwrap().to_string(),
        "tuple([string, bool])"
    );
}

#[test]
fn wrong_types_are_told() {
    for (text, label) in [
        ("strng", "there is no type `strng`"),
        ("list()", "exactly one argument"),
        ("\"string\"", "without quotes"),
        ("optional(string)", "only inside object"),
        (
            "object({a = optional(number, \"x\")})",
            "the default doesn't fit",
        ),
        ("object([string])", "names and types"),
        ("5", "not a type"),
    ] {
        let diagnostics = kind(text).unwrap_err();
        assert!(
            diagnostics[0].label.contains(label),
            "{text}: {diagnostics:?}"
        );
    }
}
