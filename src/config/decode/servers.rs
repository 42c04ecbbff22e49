//! `server` blocks.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::fields::fields;
use super::instances::{Each, Instances, expand};
use super::ssh::{self, SshFields};
use crate::config::addresses::{name_with_key, server_id};
use crate::config::evaluate::{Budget, Scope};
use crate::config::language::{BlockRow, ROOT};
use crate::config::lazy::already_told;
use crate::config::tree::Block;
use crate::config::value::Value;
use crate::config::world::{Layer, World};
use crate::diagnostics::{Diagnostic, Span};
use crate::topology::{Machine, MachineId, Server};

/// A server, its machine, and the places that checks point at.
#[derive(Debug)]
pub struct DecodedServer {
    /// The server.
    pub server: Server,
    /// Its machine.
    pub machine: Machine,
    /// What a reference to it is.
    pub value: Value,
    /// The block's heading.
    pub heading: Span,
    /// The value of `host`.
    pub host_span: Span,
    /// The value that gave the address.
    pub address_span: Span,
}

/// The row of a block inside a stack.
pub fn row(kind: &str) -> Option<&'static BlockRow> {
    ROOT.block("stack").and_then(|stack| stack.block(kind))
}

/// Reads a `server` block, once for each key of its `for_each`.
///
/// # Errors
/// All that is wrong in it.
pub fn decode(
    stack: &str,
    block: &Block,
    world: &World<'_>,
    budget: &mut Budget,
) -> Result<Instances<Rc<DecodedServer>>, Vec<Diagnostic>> {
    each_instance(block, world, budget, |each, scope, budget| {
        one(stack, block, each, scope, world, budget).map(Rc::new)
    })
}

/// Decodes a block for each key of its `for_each`; all problems of all of them together.
pub fn each_instance<T>(
    block: &Block,
    scope: &dyn Scope,
    budget: &mut Budget,
    mut decode: impl FnMut(Option<&str>, &dyn Scope, &mut Budget) -> Result<T, Vec<Diagnostic>>,
) -> Result<Instances<T>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut one = |each: Each, budget: &mut Budget| {
        let key = each.as_ref().map(|(key, _)| key.clone());
        let layer = Layer::each(
            scope,
            each.as_ref()
                .map(|(key, value)| (key.as_str(), value.clone())),
        );
        decode(key.as_deref(), &layer, budget)
            .map_err(|more| problems.extend(more))
            .ok()
    };
    let decoded = match expand(block, scope, budget)? {
        Instances::Single(each) => one(each, budget).map(Instances::Single),
        Instances::Keyed(entries) => {
            let entries: Vec<Option<(String, T)>> = entries
                .into_iter()
                .map(|(key, each)| one(each, budget).map(|item| (key, item)))
                .collect();
            entries
                .into_iter()
                .collect::<Option<Vec<_>>>()
                .map(Instances::Keyed)
        }
    };
    decoded.ok_or(problems)
}

fn one(
    stack: &str,
    block: &Block,
    key: Option<&str>,
    scope: &dyn Scope,
    world: &World<'_>,
    budget: &mut Budget,
) -> Result<DecodedServer, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let (Some(row), Some(label)) = (row("server"), block.labels.first()) else {
        return Err(already_told(block.heading()));
    };
    let fields = fields(row, &block.body, scope, budget, &mut problems);
    let ssh = merged_ssh(block, scope, world, budget, &mut problems);
    let (Some(host), Some((own, below))) = (fields.text("host"), ssh) else {
        problems.extend(already_told(block.heading()));
        return Err(problems);
    };
    if fields.failed || !problems.is_empty() {
        return Err(problems);
    }
    let port = fields.port("port");
    let address = fields.text("address").unwrap_or_else(|| host.clone());
    let public_address = fields
        .text("public_address")
        .unwrap_or_else(|| address.clone());
    let id = server_id(stack, &label.text, key);
    let machine = MachineId::new(&host, port);
    let host_span = fields.span("host").unwrap_or(block.heading());
    let attributes: BTreeMap<String, Value> = [
        ("host", Value::string(host.as_str())),
        ("port", Value::number(i64::from(port.unwrap_or(22)))),
        ("address", Value::string(address.as_str())),
        ("public_address", Value::string(public_address.as_str())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect();
    let path = ["stack", stack, "server", &name_with_key(&label.text, key)].map(str::to_owned);
    Ok(DecodedServer {
        value: Value::reference(path.to_vec(), attributes),
        heading: block.heading(),
        host_span,
        address_span: fields.span("address").unwrap_or(host_span),
        machine: Machine {
            id: machine.clone(),
            label: id.to_string(),
            ssh: own.over(&below, &host, port),
        },
        server: Server {
            id,
            machine,
            address,
            public_address,
            place: world.place(block.heading()),
        },
    })
}

/// A block's own `ssh` block, and the top one.
pub fn merged_ssh(
    block: &Block,
    scope: &dyn Scope,
    world: &World<'_>,
    budget: &mut Budget,
    problems: &mut Vec<Diagnostic>,
) -> Option<(SshFields, SshFields)> {
    let own = match block.body.blocks.iter().find(|inner| inner.kind == "ssh") {
        Some(inner) => ssh::decode(inner, scope, budget)
            .map_err(|more| problems.extend(more))
            .ok()?,
        None => SshFields::default(),
    };
    let below = world
        .stacks
        .ssh(world, budget)
        .map_err(|more| problems.extend(more))
        .ok()?;
    Some((own, below))
}
