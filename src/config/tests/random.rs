//! Random text: parsers, evaluator and renderer never panic, and every place lies in its file.

use proptest::prelude::*;

use super::super::evaluate::{Budget, evaluate, on_big_stack};
use super::super::json::{Schema, parse_json};
use super::super::parse::{parse_expression, parse_hcl, parse_template};
use super::super::source::Sources;
use super::super::tree::Body;
use super::support::World;
use crate::diagnostics::{Colour, Diagnostic, Report, Texts as _, render};

/// Pieces that make text look like the language now and then.
const PIECES: &[&str] = &[
    "a",
    "b1",
    "var",
    ".n",
    ".list",
    ".map",
    ".none",
    ".servers",
    "[*]",
    ".*",
    "[0]",
    "[\"x\"]",
    "1",
    "-1",
    "2.5",
    "1e400",
    "18446744073709551616",
    "\"",
    "\"x\"",
    "\"é👩‍👩‍👧\"",
    "${",
    "%{",
    "%{ if true }",
    "%{ else }",
    "%{ endif }",
    "%{ for x in var.list }",
    "%{ endfor }",
    "~}",
    "${~",
    "}",
    "{",
    "[",
    "]",
    "(",
    ")",
    "=",
    "==",
    "=>",
    ":",
    ",",
    "...",
    "?",
    "&&",
    "||",
    "!",
    "+",
    "-",
    "*",
    "/",
    "%",
    "<",
    "<<EOT\n",
    "<<-EOT\n",
    "\nEOT\n",
    "\n",
    "\r\n",
    " ",
    "\t",
    "#",
    "//",
    "/*",
    "*/",
    "for",
    " in ",
    " if ",
    "null",
    "true",
    "upper(",
    "format(\"%s %d\", ",
    "jsonencode(",
    "try(",
    "range(",
    "setproduct(",
    "substr(\"añb\", ",
    "cidrsubnet(\"::/0\", ",
    "replace(",
    "regex(",
    "element(",
    "\\",
    "\\u12",
    "$${",
    "\u{feff}",
    "\u{0}",
    "é",
    "“",
    "'",
    "stack",
    ".eu",
    ".server",
    ".db1",
    ":null",
    "\"a\":",
];

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES), 0..40)
        .prop_map(|pieces| pieces.concat())
}

struct Anything;

impl Schema for Anything {
    fn block(&self, path: &[&str]) -> Option<usize> {
        path.last()
            .filter(|name| name.starts_with('b'))
            .map(|_| path.len() % 2)
    }
}

fn check(sources: &Sources, diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        for span in diagnostic
            .span
            .iter()
            .chain(diagnostic.notes.iter().map(|(span, _)| span))
        {
            let source = sources.source(span.file).unwrap();
            assert!(
                source.text.get(span.start..span.end).is_some(),
                "{diagnostic:?} in {:?}",
                source.text
            );
        }
        assert!(!render(diagnostic, sources, Colour::Plain).is_empty());
        let _ = Report::new(std::slice::from_ref(diagnostic), sources);
    }
}

fn work_out(sources: &Sources, body: &Body) {
    for attribute in &body.attributes {
        attribute.value.references();
        if let Err(diagnostics) =
            evaluate(&attribute.value, &World::new(sources), &mut Budget::new())
        {
            check(sources, &diagnostics);
        }
    }
    body.blocks
        .iter()
        .for_each(|block| work_out(sources, &block.body));
}

proptest! {
    #[test]
    fn nothing_panics(text in text()) {
        on_big_stack(|| {
            let sources = Sources::new("/nonexistent");
            let file = sources.add("a", &text);
            let (body, diagnostics) = parse_hcl(file, &sources);
            check(&sources, &diagnostics);
            work_out(&sources, &body);
            let (body, diagnostics) = parse_json(file, &sources, &Anything);
            check(&sources, &diagnostics);
            work_out(&sources, &body);
            for parsed in [parse_expression(file, &sources), parse_template(file, &sources)] {
                match parsed {
                    Ok(expression) => {
                        let result = evaluate(&expression, &World::new(&sources), &mut Budget::new());
                        check(&sources, &result.err().unwrap_or_default());
                    }
                    Err(diagnostics) => check(&sources, &diagnostics),
                }
            }
            let file = sources.add("b", &format!("a = {text}\nb {{\n  c = \"{text}\"\n}}\n"));
            let (body, diagnostics) = parse_hcl(file, &sources);
            check(&sources, &diagnostics);
            work_out(&sources, &body);
            let string = serde_json::to_string(&text).unwrap();
            let file = sources.add("c", &format!("{{\"a\": {string}, \"b\": {{{string}: 1}}}}"));
            let (body, diagnostics) = parse_json(file, &sources, &Anything);
            check(&sources, &diagnostics);
            work_out(&sources, &body);
        });
    }
}
