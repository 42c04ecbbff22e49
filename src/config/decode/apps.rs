//! `app` blocks.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::fields::fields;
use super::instances::Instances;
use super::servers::{each_instance, merged_ssh, row};
use crate::config::addresses::{name_with_key, server_id};
use crate::config::evaluate::{Budget, Scope};
use crate::config::lazy::already_told;
use crate::config::tree::Block;
use crate::config::value::Value;
use crate::config::world::World;
use crate::diagnostics::{Diagnostic, Span, codes};
use crate::topology::{App, Machine, MachineId};

/// An app, its machines, and the places that checks point at.
#[derive(Debug)]
pub struct DecodedApp {
    /// The app.
    pub app: App,
    /// Its machines, each with the place of its host.
    pub machines: Vec<(Machine, Span)>,
    /// What a reference to it is.
    pub value: Value,
}

/// Reads an `app` block, once for each key of its `for_each`.
///
/// # Errors
/// All that is wrong in it.
pub fn decode(
    stack: &str,
    block: &Block,
    world: &World<'_>,
    budget: &mut Budget,
) -> Result<Instances<Rc<DecodedApp>>, Vec<Diagnostic>> {
    each_instance(block, world, budget, |key, scope, budget| {
        one(stack, block, key, scope, world, budget).map(Rc::new)
    })
}

fn one(
    stack: &str,
    block: &Block,
    key: Option<&str>,
    scope: &dyn Scope,
    world: &World<'_>,
    budget: &mut Budget,
) -> Result<DecodedApp, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let (Some(row), Some(label)) = (row("app"), block.labels.first()) else {
        return Err(already_told(block.heading()));
    };
    let fields = fields(row, &block.body, scope, budget, &mut problems);
    let ssh = merged_ssh(block, scope, world, budget, &mut problems);
    let (Some(hosts), Some(env_file), Some((own, below))) =
        (fields.list("hosts"), fields.text("env_file"), ssh)
    else {
        problems.extend(already_told(block.heading()));
        return Err(problems);
    };
    for (index, (host, span)) in hosts.iter().enumerate() {
        if let Some((_, first)) = hosts[..index].iter().find(|(other, _)| other == host) {
            problems.push(
                Diagnostic::error(
                    codes::INVALID_VALUE,
                    *span,
                    "this host stands in the list twice",
                )
                .note(*first, "the first time"),
            );
        }
    }
    if fields.failed || !problems.is_empty() {
        return Err(problems);
    }
    let id = server_id(stack, &label.text, key);
    let machines: Vec<(Machine, Span)> = hosts
        .iter()
        .map(|(host, span)| {
            let machine = Machine {
                id: MachineId::new(host, None),
                label: id.to_string(),
                ssh: own.over(&below, host, None),
            };
            (machine, *span)
        })
        .collect();
    let attributes = BTreeMap::from([
        (
            "hosts".to_owned(),
            Value::list(
                hosts
                    .iter()
                    .map(|(host, _)| Value::string(host.as_str()))
                    .collect(),
            ),
        ),
        ("env_file".to_owned(), Value::string(env_file.as_str())),
    ]);
    let path = ["stack", stack, "app", &name_with_key(&label.text, key)].map(str::to_owned);
    Ok(DecodedApp {
        value: Value::reference(path.to_vec(), attributes),
        app: App {
            id,
            machines: machines
                .iter()
                .map(|(machine, _)| machine.id.clone())
                .collect(),
            env_file,
            on_change: fields.text("on_change"),
            place: world.place(block.heading()),
        },
        machines,
    })
}
