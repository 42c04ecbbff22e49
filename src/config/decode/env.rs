//! The `env` block: which apps, which names, and the extra variables as each app sees the members.

use std::collections::BTreeMap;

use super::fields::{fields, raw};
use super::replications::row;
use super::values::variable_name;
use crate::config::evaluate::{Budget, Scope, evaluate};
use crate::config::tree::{Attribute, Block, Node};
use crate::config::value::Value;
use crate::config::world::{Layer, World};
use crate::diagnostics::{Diagnostic, Span, codes};
use crate::secret::Secret;
use crate::topology::{AppId, Env, Member, Names, Replication, WishedVariable};

/// An `env` block and the places that checks point at.
#[derive(Debug)]
pub struct DecodedEnv {
    /// The block.
    pub env: Env,
    /// Its heading.
    pub heading: Span,
    /// The place of each target, in their order.
    pub targets: Vec<Span>,
    /// The place of each extra variable.
    pub variables: BTreeMap<String, Span>,
}

/// Reads an `env` block; the replication's members are known.
pub fn decode(
    block: &Block,
    replication: &Replication,
    scope: &dyn Scope,
    world: &World<'_>,
    budget: &mut Budget,
    problems: &mut Vec<Diagnostic>,
) -> Option<DecodedEnv> {
    let before = problems.len();
    let fields = fields(row("env")?, &block.body, scope, budget, problems);
    let references = fields.references("targets")?;
    let mut targets: Vec<(AppId, Span)> = Vec::new();
    for (address, span) in references {
        let app = world.stacks.app(&address, world, budget)?;
        if let Some((_, first)) = targets.iter().find(|(id, _)| *id == app.app.id) {
            problems.push(
                Diagnostic::error(
                    codes::INVALID_VALUE,
                    span,
                    "this app stands in the list twice",
                )
                .note(*first, "the first time"),
            );
            continue;
        }
        targets.push((app.app.id.clone(), span));
    }
    let mut variables = BTreeMap::new();
    let mut spans = BTreeMap::new();
    if let Some(attribute) = raw(&block.body, "variables") {
        for (app, _) in &targets {
            let extra = extra_variables(
                attribute,
                app,
                replication,
                scope,
                budget,
                problems,
                &mut spans,
            );
            variables.insert(app.clone(), extra);
            if problems.len() > before {
                // The next app would only say the same again.
                break;
            }
        }
    }
    (problems.len() == before).then(|| DecodedEnv {
        heading: block.heading(),
        targets: targets.iter().map(|(_, span)| *span).collect(),
        variables: spans,
        env: Env {
            targets: targets.into_iter().map(|(app, _)| app).collect(),
            prefix: fields
                .text("prefix")
                .unwrap_or_else(|| replication.engine.0.to_uppercase()),
            names: if fields.text("names").as_deref() == Some("cloud66") {
                Names::Cloud66
            } else {
                Names::Replica
            },
            variables,
            place: world.place(block.heading()),
        },
    })
}

/// The extra variables as one app sees the members.
fn extra_variables(
    attribute: &Attribute,
    app: &AppId,
    replication: &Replication,
    scope: &dyn Scope,
    budget: &mut Budget,
    problems: &mut Vec<Diagnostic>,
    spans: &mut BTreeMap<String, Span>,
) -> BTreeMap<String, WishedVariable> {
    let replicas = replication
        .replicas
        .iter()
        .map(|replica| seen(&replica.name, &replica.member, app));
    let layer = Layer {
        outer: scope,
        names: vec![
            ("primary", seen("primary", &replication.primary, app)),
            ("replicas", Value::list(replicas.collect())),
        ],
    };
    let span = attribute.value.span;
    let value = match evaluate(&attribute.value, &layer, budget) {
        Ok(value) => value,
        Err(more) => {
            problems.extend(more);
            return BTreeMap::new();
        }
    };
    if value.is_null() {
        return BTreeMap::new();
    }
    let Some(entries) = value.entries() else {
        problems.push(
            Diagnostic::error(
                codes::INVALID_VALUE,
                span,
                format!("an object of strings is wanted, not {}", value.describe()),
            )
            .help("write { ORDERS_URL = \"…\" }"),
        );
        return BTreeMap::new();
    };
    let mut variables = BTreeMap::new();
    for (name, entry) in entries {
        let at = key_span(attribute, name).unwrap_or(span);
        spans.insert(name.clone(), at);
        if let Err(problem) = variable_name(name) {
            problems.push(Diagnostic::error(codes::INVALID_NAME, at, problem));
        }
        if !entry.is_null()
            && let Some(wished) = wished(
                name,
                entry,
                value.sensitive,
                entry.span.unwrap_or(span),
                problems,
            )
        {
            variables.insert(name.clone(), wished);
        }
    }
    variables
}

fn wished(
    name: &str,
    value: &Value,
    all_sensitive: bool,
    span: Span,
    problems: &mut Vec<Diagnostic>,
) -> Option<WishedVariable> {
    let Some(text) = value.to_text() else {
        problems.push(
            Diagnostic::error(
                codes::INVALID_VALUE,
                span,
                format!("{name} is {}; a string is wanted", value.describe()),
            )
            .help("use join(\",\", …) for a list, or jsonencode(…)"),
        );
        return None;
    };
    if text.contains(['\n', '\r', '\0']) {
        problems.push(
            Diagnostic::error(codes::INVALID_VALUE, span, format!("the value of {name} has a line end in it"))
                .help("an environment file holds one line per variable; use base64encode(…) for such values"),
        );
        return None;
    }
    Some(if all_sensitive || value.is_sensitive() {
        WishedVariable::Sensitive(Secret::new(text))
    } else {
        WishedVariable::Plain(text)
    })
}

/// Where the key of an object stands that is written out.
fn key_span(attribute: &Attribute, name: &str) -> Option<Span> {
    let Node::Object(items) = &*attribute.value.node else {
        return None;
    };
    let item = items
        .iter()
        .find(|item| item.key.as_literal().and_then(Value::as_str) == Some(name))?;
    Some(item.key.span)
}

/// A member as an app sees it: the inner address in its own stack, the public one elsewhere.
fn seen(name: &str, member: &Member, app: &AppId) -> Value {
    let address = if member.server.stack == app.stack {
        &member.address
    } else {
        &member.public_address
    };
    let entries = [
        ("name", Value::string(name)),
        ("stack", Value::string(member.server.stack.as_str())),
        ("server", Value::string(member.server.name.as_str())),
        ("address", Value::string(address.as_str())),
        ("port", Value::number(i64::from(member.instance.port))),
    ];
    Value::object(
        entries
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect(),
    )
}
