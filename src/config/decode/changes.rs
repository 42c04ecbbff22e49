//! `moved` and `removed`: what became of members that the configuration names no more. Their addresses are read as written,
//! since nothing stands at them.

use std::collections::BTreeSet;

use crate::config::evaluate::{Budget, Files, Resolved, Scope, evaluate};
use crate::config::tree::{Attribute, Block, Body, StepKey, Traversal};
use crate::config::value::Value;
use crate::diagnostics::{Diagnostic, codes};
use crate::topology::Replication;

/// The members that are gone for ever: `replication.orders.replica.standby`. What is wrong in these blocks is told.
pub fn removed(
    bodies: &[Body],
    replications: &[&Replication],
    scope: &dyn Scope,
    budget: &mut Budget,
    out: &mut Vec<Diagnostic>,
) -> BTreeSet<String> {
    let present = present(replications);
    let mut removed = BTreeSet::new();
    for block in super::top::blocks(bodies) {
        match block.kind.as_str() {
            "removed" => removed.extend(one_removed(block, &present, scope, budget, out)),
            "moved" => moved(block, &present, scope, budget, out),
            _ => {}
        }
    }
    removed
}

/// The addresses of all replicas.
fn present(replications: &[&Replication]) -> BTreeSet<String> {
    let replicas = replications.iter().flat_map(|replication| {
        let name = &replication.name;
        let replicas = replication.replicas.iter();
        replicas.map(move |replica| format!("replication.{name}.replica.{}", replica.name))
    });
    replicas.collect()
}

fn one_removed(
    block: &Block,
    present: &BTreeSet<String>,
    scope: &dyn Scope,
    budget: &mut Budget,
    out: &mut Vec<Diagnostic>,
) -> Option<String> {
    let (from, attribute) = address(block, "from", scope, budget, out)?;
    let span = attribute.value.span;
    if !from.contains(".replica.") {
        out.push(
            Diagnostic::error(codes::NOT_BUILT_YET, span, "only a replica can be given up in this version")
                .help("where the primary is lost: promote a replica by the server's own command, then write it as primary"),
        );
        return None;
    }
    if present.contains(&from) {
        out.push(
            Diagnostic::error(
                codes::INVALID_VALUE,
                span,
                format!("{from} is still in the configuration"),
            )
            .help("take its replica block out, or this one"),
        );
        return None;
    }
    Some(from)
}

/// A member is known by its server and port, so a replica's new label needs no word; what is written is held against the rest.
fn moved(
    block: &Block,
    present: &BTreeSet<String>,
    scope: &dyn Scope,
    budget: &mut Budget,
    out: &mut Vec<Diagnostic>,
) {
    let from = address(block, "from", scope, budget, out);
    let to = address(block, "to", scope, budget, out);
    let (Some((from, at_from)), Some((to, at_to))) = (from, to) else {
        return;
    };
    let problem = |attribute: &Attribute, text: String, help: &str| {
        Diagnostic::error(codes::INVALID_VALUE, attribute.value.span, text).help(help)
    };
    if !from.contains(".replica.") || !to.contains(".replica.") {
        let span = at_from.value.span;
        out.push(
            Diagnostic::error(
                codes::NOT_BUILT_YET,
                span,
                "only a replica can be moved in this version",
            )
            .help("keep the replication's label: markers, accounts and apps' files carry it"),
        );
    } else if present.contains(&from) {
        let text = format!("{from} is still in the configuration");
        out.push(problem(at_from, text, "`from` is the address that it had"));
    } else if !present.contains(&to) {
        let text = format!("{to} is not in the configuration");
        out.push(problem(at_to, text, "`to` is the address that it has now"));
    }
}

/// The address that an attribute is written with.
fn address<'a>(
    block: &'a Block,
    name: &str,
    scope: &dyn Scope,
    budget: &mut Budget,
    out: &mut Vec<Diagnostic>,
) -> Option<(String, &'a Attribute)> {
    let mut attributes = block.body.attributes.iter();
    let attribute = attributes.find(|attribute| attribute.name == name)?;
    let value = match evaluate(&attribute.value, &Addresses(scope), budget) {
        Ok(value) => value,
        Err(problems) => {
            out.extend(problems);
            return None;
        }
    };
    let text = value
        .to_text()
        .filter(|text| text.starts_with("replication."));
    if text.is_none() {
        out.push(
            Diagnostic::error(
                codes::WRONG_TYPE,
                attribute.value.span,
                "this is no member's address",
            )
            .help("write it as replication.orders.replica.reader"),
        );
    }
    Some((text?, attribute))
}

/// A scope in which `replication.…` is its own address.
struct Addresses<'a>(&'a dyn Scope);

impl Scope for Addresses<'_> {
    fn resolve(
        &self,
        reference: &Traversal,
        budget: &mut Budget,
    ) -> Result<Option<Resolved>, Vec<Diagnostic>> {
        if reference.root != "replication" {
            return self.0.resolve(reference, budget);
        }
        let mut text = reference.root.clone();
        for step in &reference.steps {
            match &step.key {
                StepKey::Attribute(name) => text.push_str(&format!(".{name}")),
                StepKey::Index(key) => {
                    let key = key.to_text().unwrap_or_default();
                    // `replication["orders"]` is the dotted form; a key of for_each follows a label.
                    let label = text == "replication" || text.ends_with(".replica");
                    text.push_str(&if label {
                        format!(".{key}")
                    } else {
                        format!("[\"{key}\"]")
                    });
                }
            }
        }
        Ok(Some(Resolved {
            value: Value::string(text),
            consumed: reference.steps.len(),
        }))
    }

    fn candidates(&self) -> Vec<String> {
        self.0.candidates()
    }

    fn files(&self) -> Option<&dyn Files> {
        self.0.files()
    }
}
