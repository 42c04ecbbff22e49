//! Hostile input ends in an error, soon and within memory.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::super::evaluate::{Budget, Resolved, Scope, evaluate, on_big_stack};
use super::super::parse::{parse_expression, parse_hcl};
use super::super::source::Sources;
use super::super::tree::{Expression, StepKey, Traversal};
use super::support::value;
use crate::diagnostics::{Code, Diagnostic, codes};

/// Far above what is allowed, for a build without optimization on a busy machine: this catches work without
/// an end, and nothing finer.
const LIMIT: Duration = Duration::from_secs(60);

fn fails_soon(text: &str, code: Code) {
    let start = Instant::now();
    let Err(diagnostics) = value(text) else {
        panic!("it must be refused")
    };
    let shown: String = text.chars().take(60).collect();
    assert!(start.elapsed() < LIMIT, "{shown}: {:?}", start.elapsed());
    assert!(
        diagnostics.iter().any(|one| one.code == code),
        "{shown}: {:?}",
        diagnostics.first()
    );
    assert!(diagnostics.len() <= 3, "{shown}: {}", diagnostics.len());
}

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [
        ("[", "]"),
        ("(", ")"),
        ("{a=", "}"),
        ("upper(", ")"),
        ("!", ""),
        ("-", ""),
        ("\"${", "}\""),
        ("true ? 1 : ", ""),
    ] {
        let text = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        fails_soon(&text, codes::SYNTAX);
    }
    fails_soon(&"[".repeat(100_000), codes::UNTERMINATED);
    let chain = vec!["1"; 100_000].join("+");
    fails_soon(&chain, codes::SYNTAX);
}

#[test]
fn deep_blocks_are_refused() {
    let sources = Sources::new("");
    let file = sources.add(
        "x",
        &format!("{}{}", "a {\n".repeat(50_000), "}\n".repeat(50_000)),
    );
    let start = Instant::now();
    let (_, diagnostics) = on_big_stack(|| parse_hcl(file, &sources));
    assert_eq!(diagnostics.len(), 1);
    assert!(start.elapsed() < LIMIT);
}

#[test]
fn endless_work_is_refused() {
    fails_soon(
        "[for a in range(1000): [for b in range(1000): [for c in range(1000): c]]]",
        codes::TOO_MUCH_WORK,
    );
    fails_soon(
        "length([for a in range(1000): [for b in range(1000): a + b]])",
        codes::TOO_MUCH_WORK,
    );
    fails_soon(
        "try([for a in range(1000): [for b in range(1000): a + b]], 1)",
        codes::TOO_MUCH_WORK,
    );
    fails_soon(
        "true ? 1 : length([for a in range(1000): [for b in range(1000): a + b]])",
        codes::TOO_MUCH_WORK,
    );
    fails_soon(
        "\"%{ for a in range(1000) }%{ for b in range(1000) }%{ for c in range(1000) }x%{ endfor }%{ endfor }%{ endfor }\"",
        codes::TOO_MUCH_WORK,
    );
}

#[test]
fn large_results_are_refused_before_they_are_built() {
    for text in [
        "setproduct(range(1000), range(1000), range(1000))",
        "indent(1000000000, \"a\\nb\")",
        "replace(replace(replace(join(\"\", range(1000)), \"/./\", join(\"\", range(1000))), \"/./\", join(\"\", range(1000))), \"/./\", \"aaaa\")",
    ] {
        fails_soon(text, codes::INVALID_ARGUMENT);
    }
    fails_soon("range(1000000000)", codes::INVALID_ARGUMENT);
    fails_soon(
        "regex(\"(((a{1000}){1000}){1000})\", \"a\")",
        codes::INVALID_ARGUMENT,
    );
    let many = "a".repeat(150_000);
    fails_soon(
        &format!("regexall(\"a\", \"{many}\")"),
        codes::INVALID_ARGUMENT,
    );
    fails_soon(&format!("split(\"\", \"{many}\")"), codes::INVALID_ARGUMENT);
    fails_soon(
        &format!("jsondecode(\"[{}1]\")", "1,".repeat(1_000_000)),
        codes::INVALID_ARGUMENT,
    );
    fails_soon(
        &format!("jsondecode(\"{}\")", "[".repeat(100_000)),
        codes::INVALID_ARGUMENT,
    );
    fails_soon(
        &format!("yamldecode(\"{}\")", "[".repeat(100_000)),
        codes::INVALID_ARGUMENT,
    );
    let laughs: String = (1..20)
        .map(|n| {
            format!(
                "a{n}: &a{n} [{}]\\n",
                vec![format!("*a{}", n - 1); 10].join(",")
            )
        })
        .collect();
    fails_soon(
        &format!("yamldecode(\"a0: &a0 [x]\\n{laughs}\")"),
        codes::INVALID_ARGUMENT,
    );
}

#[test]
fn an_object_with_a_hundred_thousand_keys_is_refused() {
    let text = format!(
        "{{{}}}",
        (0..100_000)
            .map(|n| format!("k{n} = 1,"))
            .collect::<String>()
    );
    fails_soon(&text, codes::SYNTAX);
    let sources = Sources::new("");
    let file = sources.add("x", &format!("a = {text}\nb = 1\n"));
    let (body, diagnostics) = parse_hcl(file, &sources);
    assert_eq!((diagnostics.len(), body.attributes.len()), (1, 1));
}

/// `local.NAME`, worked out when it is asked for.
struct Locals {
    expressions: BTreeMap<String, Expression>,
}

impl Scope for Locals {
    fn resolve(
        &self,
        reference: &Traversal,
        budget: &mut Budget,
    ) -> Result<Option<Resolved>, Vec<Diagnostic>> {
        let Some(StepKey::Attribute(name)) = reference.steps.first().map(|step| &step.key) else {
            return Ok(None);
        };
        let Some(expression) = self.expressions.get(name) else {
            return Ok(None);
        };
        Ok(Some(Resolved {
            value: evaluate(expression, self, budget)?,
            consumed: 1,
        }))
    }

    fn candidates(&self) -> Vec<String> {
        vec!["local".into()]
    }
}

fn locals(
    texts: impl Iterator<Item = (String, String)>,
    wanted: &str,
) -> Result<(), Vec<Diagnostic>> {
    let sources = Sources::new("");
    let parse = |text: &str| parse_expression(sources.add("x", text), &sources).unwrap();
    let scope = Locals {
        expressions: texts.map(|(name, text)| (name, parse(&text))).collect(),
    };
    let wanted = parse(wanted);
    on_big_stack(|| evaluate(&wanted, &scope, &mut Budget::new()).map(|_| ()))
}

#[test]
fn a_billion_laughs_of_locals_is_refused() {
    let start = Instant::now();
    let laugh = |n: i32| {
        if n == 0 {
            "\"ha\"".to_owned()
        } else {
            format!("[{}]", vec![format!("local.l{}", n - 1); 10].join(","))
        }
    };
    let error = locals((0..12).map(|n| (format!("l{n}"), laugh(n))), "local.l11").unwrap_err();
    assert!(
        error.iter().any(|one| one.code == codes::TOO_MUCH_WORK),
        "{error:?}"
    );
    let text = |n: i32| {
        if n == 0 {
            "\"ha\"".to_owned()
        } else {
            format!("\"{}\"", format!("${{local.l{}}}", n - 1).repeat(10))
        }
    };
    let error = locals((0..12).map(|n| (format!("l{n}"), text(n))), "local.l11").unwrap_err();
    assert!(
        error.iter().any(|one| one.code == codes::TOO_MUCH_WORK),
        "{error:?}"
    );
    assert!(start.elapsed() < LIMIT);
}

#[test]
fn a_shared_value_counts_as_large_as_it_is_written_out() {
    // Without sharing this would take 2^40 elements; each step is cheap.
    let double = "[for x in [1] : [x, x]]";
    let mut text = double.to_owned();
    for _ in 0..20 {
        text = format!("[for x in {text} : [x, x, x, x]]");
    }
    fails_soon(&format!("jsonencode({text})"), codes::TOO_MUCH_WORK);
}

#[test]
fn a_chain_of_ten_thousand_locals_is_no_stack_overflow() {
    let chain = (0..10_000).map(|n| {
        (
            format!("l{n}"),
            if n == 0 {
                "1".into()
            } else {
                format!("local.l{} + 1", n - 1)
            },
        )
    });
    let error = locals(chain, "local.l9999").unwrap_err();
    assert_eq!(error[0].code, codes::TOO_DEEP);
}

#[test]
fn ten_thousand_references_are_quick() {
    let text = format!("[{}]", "stack.eu.server.db1.host, ".repeat(10_000));
    let start = Instant::now();
    assert_eq!(value(&text).unwrap().items().unwrap().len(), 10_000);
    assert!(start.elapsed() < LIMIT);
}
