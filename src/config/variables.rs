//! Variables: what is declared, what is given, and which of the given values wins.
//!
//! The later of these wins, as with Terraform: the default, `REPLFORM_VAR_name`, `*.auto.rfvars` and
//! `*.auto.rfvars.json` in the order of their names, `-var-file` in the order given, `-var`. Nothing is ever asked for.

use std::collections::BTreeMap;

use super::decode::fields::{fields, raw};
use super::decode::top::blocks;
use super::evaluate::{Budget, NoScope, evaluate};
use super::given::{Given, GivenValue};
use super::language::ROOT;
use super::lazy::{MOST_SHOWN, already_told};
use super::parse::parse_expression;
use super::source::Sources;
use super::tree::{Attribute, Block, Body, Expression};
use super::types::{self, Type};
use super::value::Value;
use super::world::{World, first_step};
use crate::diagnostics::{Diagnostic, Span, Texts, codes};

/// A `variable` block.
struct Declared<'a> {
    name: &'a str,
    block: &'a Block,
    kind: Option<Type>,
    default: Option<Value>,
    sensitive: bool,
    nullable: bool,
}

/// The value of every declared variable; `None` where its error has been told.
pub fn resolve(
    bodies: &[Body],
    given: &Given,
    sources: &Sources,
    budget: &mut Budget,
    out: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Option<Value>> {
    let mut values = BTreeMap::new();
    for block in blocks(bodies).filter(|block| block.kind == "variable") {
        let Some(label) = block.labels.first() else {
            continue;
        };
        if values.contains_key(&label.text) || out.len() > MOST_SHOWN {
            continue;
        }
        let value = declared(&label.text, block, sources, budget)
            .and_then(|declared| value(&declared, given, sources, budget));
        let value = value.map_err(|problems| out.extend(problems)).ok();
        values.insert(label.text.clone(), value);
    }
    given.check_declared(&values, out);
    values
}

fn declared<'a>(
    name: &'a str,
    block: &'a Block,
    sources: &Sources,
    budget: &mut Budget,
) -> Result<Declared<'a>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let Some(row) = ROOT.block("variable") else {
        return Err(problems);
    };
    let fields = fields(row, &block.body, &NoScope, budget, &mut problems);
    let mut kind = None;
    if let Some(attribute) = raw(&block.body, "type") {
        match type_of(attribute, sources) {
            Ok(parsed) => kind = Some(parsed),
            Err(more) => problems.extend(more),
        }
    }
    let nullable = fields.bool("nullable").unwrap_or(true);
    let mut default = None;
    if let Some(attribute) = raw(&block.body, "default") {
        match constant(attribute, budget)
            .and_then(|value| default_of(value, kind.as_ref(), nullable, attribute))
        {
            Ok(value) => default = Some(value),
            Err(more) => problems.extend(more),
        }
    }
    if problems.is_empty() {
        let sensitive = fields.bool("sensitive").unwrap_or_default();
        Ok(Declared {
            name,
            block,
            kind,
            default,
            sensitive,
            nullable,
        })
    } else {
        Err(problems)
    }
}

/// In JSON a type is the text of an expression.
fn type_of(attribute: &Attribute, sources: &Sources) -> Result<Type, Vec<Diagnostic>> {
    let file = sources.source(attribute.value.span.file);
    let in_json = file.is_some_and(|source| source.name.ends_with(".json"));
    match attribute.value.as_literal().and_then(Value::as_str) {
        Some(text) if in_json => {
            let here = |problems: Vec<Diagnostic>| -> Vec<Diagnostic> {
                problems
                    .into_iter()
                    .map(|problem| Diagnostic {
                        span: Some(attribute.value.span),
                        ..problem
                    })
                    .collect()
            };
            let expression: Expression =
                parse_expression(sources.add("type", text), sources).map_err(here)?;
            types::parse_type(&expression).map_err(here)
        }
        _ => types::parse_type(&attribute.value),
    }
}

/// The value of an attribute that may not mention anything.
pub fn constant(attribute: &Attribute, budget: &mut Budget) -> Result<Value, Vec<Diagnostic>> {
    if let Some(reference) = attribute.value.references().first() {
        return Err(vec![
            Diagnostic::error(
                codes::NOT_CONSTANT,
                reference.span(),
                "a constant value is wanted here",
            )
            .help("text stands in quotes; for a value that depends on others use locals { … }"),
        ]);
    }
    evaluate(&attribute.value, &NoScope, budget)
}

fn default_of(
    value: Value,
    kind: Option<&Type>,
    nullable: bool,
    attribute: &Attribute,
) -> Result<Value, Vec<Diagnostic>> {
    let span = attribute.value.span;
    if value.is_null() && !nullable {
        return Err(vec![Diagnostic::error(
            codes::INVALID_VARIABLE_VALUE,
            span,
            "the default is null, but nullable = false",
        )]);
    }
    let kind = kind.unwrap_or(&Type::Any);
    types::convert(&value, kind).map_err(|problem| {
        vec![Diagnostic::error(
            codes::INVALID_VARIABLE_VALUE,
            span,
            format!("the default doesn't fit type {kind}: {problem}"),
        )]
    })
}

fn value(
    declared: &Declared<'_>,
    given: &Given,
    sources: &Sources,
    budget: &mut Budget,
) -> Result<Value, Vec<Diagnostic>> {
    let name = declared.name;
    let kind = declared.kind.as_ref().unwrap_or(&Type::Any);
    let value = match given.value(name) {
        None => {
            return declared
                .default
                .clone()
                .map(|value| value.marked(declared.sensitive))
                .ok_or_else(|| vec![not_set(declared)]);
        }
        Some(GivenValue::Value(value)) => value.clone(),
        Some(GivenValue::Unreadable(span)) => return Err(already_told(*span)),
        Some(GivenValue::Text { text, from }) => match (&declared.kind, kind) {
            (None, _) | (_, Type::String | Type::Number | Type::Bool) => {
                Value::string(text.as_str())
            }
            _ => expression(text, from, declared, sources, budget)?,
        },
    };
    if value.is_null() && !declared.nullable {
        return declared
            .default
            .clone()
            .map(|value| value.marked(declared.sensitive))
            .ok_or_else(|| vec![not_set(declared)]);
    }
    let converted = types::convert(&value, kind).map_err(|problem| {
        let problem = if declared.sensitive {
            "(the value is sensitive)".to_owned()
        } else {
            problem.to_string()
        };
        let origin = given.origin(name, sources);
        let detail =
            format!("var.{name} has type {kind}; its value from {origin} doesn't fit: {problem}");
        let at = value.span.filter(|_| !declared.sensitive);
        vec![match at {
            Some(span) => Diagnostic::error(
                codes::INVALID_VARIABLE_VALUE,
                span,
                format!("var.{name} has type {kind}: {problem}"),
            )
            .note(declared.block.heading(), "declared here"),
            None => Diagnostic::error(
                codes::INVALID_VARIABLE_VALUE,
                declared.block.heading(),
                "its value doesn't fit its type",
            )
            .detail(detail),
        }]
    })?;
    Ok(converted.marked(declared.sensitive))
}

/// A value of the command line or the environment as an expression.
fn expression(
    text: &str,
    from: &str,
    declared: &Declared<'_>,
    sources: &Sources,
    budget: &mut Budget,
) -> Result<Value, Vec<Diagnostic>> {
    let file = sources.add(from, text);
    let result = parse_expression(file, sources)
        .and_then(|expression| evaluate(&expression, &NoScope, budget));
    result.map_err(|problems| {
        let kind = declared.kind.as_ref().unwrap_or(&Type::Any);
        if declared.sensitive {
            // The text must not be shown, so neither must its place.
            let detail = format!("the value from {from} is no expression of type {kind}");
            return vec![
                Diagnostic::error(
                    codes::INVALID_VARIABLE_VALUE,
                    declared.block.heading(),
                    "its value can't be read",
                )
                .detail(detail),
            ];
        }
        let label = format!("var.{} has type {kind}, and this is no such value", declared.name);
        let found = problems.first().map(|problem| problem.label.clone());
        vec![
            Diagnostic::error(
                codes::INVALID_VARIABLE_VALUE,
                Span::new(file, 0, text.len()),
                label,
            )
            .detail(found.unwrap_or_default())
            .help("write it as in a *.rf.hcl file: text in quotes, lists in brackets, as in [\"a\", \"b\"]"),
        ]
    })
}

fn not_set(declared: &Declared<'_>) -> Diagnostic {
    let name = declared.name;
    Diagnostic::error(codes::VARIABLE_NOT_SET, declared.block.heading(), format!("var.{name} has no value"))
        .help(format!("give it one: -var {name}=…, REPLFORM_VAR_{name}, a line in a *.auto.rfvars file, or a default"))
}

/// Holds every variable against its `validation` blocks.
pub fn validate(
    bodies: &[Body],
    world: &World<'_>,
    budget: &mut Budget,
    out: &mut Vec<Diagnostic>,
) {
    for block in blocks(bodies).filter(|block| block.kind == "variable") {
        let Some(label) = block.labels.first() else {
            continue;
        };
        for validation in block
            .body
            .blocks
            .iter()
            .filter(|inner| inner.kind == "validation")
        {
            let (Some(condition), Some(message)) = (
                raw(&validation.body, "condition"),
                raw(&validation.body, "error_message"),
            ) else {
                continue;
            };
            if let Err(problems) = check(&label.text, block, condition, message, world, budget) {
                out.extend(problems);
            }
        }
    }
}

fn check(
    name: &str,
    block: &Block,
    condition: &Attribute,
    message: &Attribute,
    world: &World<'_>,
    budget: &mut Budget,
) -> Result<(), Vec<Diagnostic>> {
    let mentions = condition.value.references().iter().any(|reference| {
        reference.root == "var" && first_step(reference).is_some_and(|(step, _)| step == name)
    });
    if !mentions {
        return Err(vec![
            Diagnostic::error(
                codes::INVALID_VALIDATION,
                condition.value.span,
                format!("the condition doesn't mention var.{name}"),
            )
            .help(format!(
                "write a condition on var.{name}, such as length(var.{name}) > 0"
            )),
        ]);
    }
    let Some(Some(_)) = world.variables.get(name) else {
        return Ok(());
    };
    let value = evaluate(&condition.value, world, budget)?;
    let Some(holds) = types::convert(&value, &Type::Bool)
        .ok()
        .and_then(|value| value.as_bool())
    else {
        return Err(vec![Diagnostic::error(
            codes::INVALID_VALIDATION,
            condition.value.span,
            format!(
                "a condition must be true or false, not {}",
                value.describe()
            ),
        )]);
    };
    // The message is worked out either way, so that a slip in it shows before it is needed.
    let text = evaluate(&message.value, world, budget)?;
    let Some(text_shown) = text.to_text() else {
        return Err(vec![Diagnostic::error(
            codes::INVALID_VALIDATION,
            message.value.span,
            format!("a text is wanted, not {}", text.describe()),
        )]);
    };
    if holds {
        return Ok(());
    }
    let shown = if text.is_sensitive() {
        "(the message is sensitive)".to_owned()
    } else {
        text_shown
    };
    Err(vec![
        Diagnostic::error(codes::VALIDATION_FAILED, block.heading(), shown)
            .note(condition.value.span, "this is false"),
    ])
}
