//! Addresses of blocks as they are written, and what is said where one leads nowhere. Pure.

use super::decode::instances::Instances;
use super::tree::Step;
use super::value::Value;
use crate::diagnostics::{Code, Diagnostic, Span, codes, did_you_mean, nearest};
use crate::topology::ServerId;

/// That there is no such stack, with those that there are.
pub fn no_such_stack(order: &[&str], label: &str, span: Span) -> Vec<Diagnostic> {
    let found = match order.len() {
        0 => "there is no stack at all".to_owned(),
        1 => format!("the only stack is {}", order[0]),
        _ => format!("the stacks are {}", and(order.iter().copied())),
    };
    let help = did_you_mean(label, order.iter().copied());
    vec![Diagnostic::error(codes::NO_SUCH_STACK, span, found).maybe_help(help)]
}

/// `db["a"]` as label and key.
pub fn split_key(name: &str) -> (&str, Option<&str>) {
    match name.split_once("[\"") {
        Some((label, key)) => (label, key.strip_suffix("\"]")),
        None => (name, None),
    }
}

/// One of the blocks of a `for_each` where a key follows, else all of them; and whether the key was used.
pub fn keyed<T>(
    instances: &Instances<T>,
    key: Option<&(String, &Step)>,
    value: impl Fn(&T) -> Value,
    name: &str,
    place: Span,
    code: Code,
) -> Result<(Value, bool), Vec<Diagnostic>> {
    let (Instances::Keyed(entries), Some((key, step))) = (instances, key) else {
        return Ok((instances.value(value), false));
    };
    match instances.get(Some(key)) {
        Some(instance) => Ok((value(instance), true)),
        None => {
            let keys = entries.iter().map(|(key, _)| key.as_str());
            let found = match entries.len() {
                0 => "its for_each is empty, so there is none".to_owned(),
                _ => format!(
                    "its keys are {}",
                    and(keys.clone().map(|key| format!("\"{key}\"")))
                ),
            };
            Err(vec![
                Diagnostic::error(code, place.to(step.span), found).maybe_help(
                    nearest(key, keys).map(|near| format!("did you mean {name}[\"{near}\"]?")),
                ),
            ])
        }
    }
}

/// That a stack has no such server or app, with those that it has, and where there is one.
pub fn missing(
    stack: &str,
    name: &str,
    order: &[&str],
    elsewhere: &[&str],
    kind: &str,
    place: Span,
    at: Span,
) -> Vec<Diagnostic> {
    let code = if kind == "server" {
        codes::NO_SUCH_SERVER
    } else {
        codes::NO_SUCH_APP
    };
    let found = match order.len() {
        0 => format!("stack \"{stack}\" has no {kind} at all"),
        _ => format!("stack \"{stack}\" has {}", and(order.iter().copied())),
    };
    let near = nearest(name, order.iter().copied());
    let help = match (elsewhere.first(), near) {
        (Some(other), _) => Some(format!(
            "stack \"{other}\" has one of this name: stack.{other}.{kind}.{name}"
        )),
        (None, Some(near)) => Some(format!("did you mean stack.{stack}.{kind}.{near}?")),
        (None, None) => None,
    };
    vec![Diagnostic::error(code, place.to(at), found).maybe_help(help)]
}

/// That a stack holds servers and apps only; `servers` and `apps` are the labels that it has.
pub fn wrong_kind(
    stack: &str,
    kind: &str,
    span: Span,
    servers: &[&str],
    apps: &[&str],
) -> Vec<Diagnostic> {
    let help = if servers.contains(&kind) {
        format!("write stack.{stack}.server.{kind}")
    } else if apps.contains(&kind) {
        format!("write stack.{stack}.app.{kind}")
    } else {
        format!("write stack.{stack}.server.NAME or stack.{stack}.app.NAME")
    };
    let label = format!("a stack has `server` and `app`, not `{kind}`");
    vec![Diagnostic::error(codes::NO_SUCH_SERVER, span, label).help(help)]
}

/// `a, b and c`; the first ten of many.
pub fn and<T: ToString>(names: impl Iterator<Item = T>) -> String {
    let names: Vec<String> = names.map(|name| name.to_string()).collect();
    match names.len() {
        0 => "none".to_owned(),
        1 => names.concat(),
        count @ 2..=10 => format!("{} and {}", names[..count - 1].join(", "), names[count - 1]),
        count => format!("{} and {} more", names[..10].join(", "), count - 10),
    }
}

/// The server that a decoded block is, for maps.
pub fn server_id(stack: &str, label: &str, key: Option<&str>) -> ServerId {
    ServerId {
        stack: stack.to_owned(),
        name: name_with_key(label, key),
    }
}

/// `db`, or `db["a"]` for one of a `for_each`.
pub fn name_with_key(label: &str, key: Option<&str>) -> String {
    match key {
        Some(key) => format!("{label}[\"{key}\"]"),
        None => label.to_owned(),
    }
}
