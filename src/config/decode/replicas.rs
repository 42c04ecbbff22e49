//! `replica` blocks. First every label is known, then each replica is decoded, because `upstream` may name one that
//! stands further below.

use std::collections::BTreeMap;

use super::fields::fields;
use super::instances::{Each, Instances, expand};
use super::replications::{Surroundings, instance_fields, row};
use crate::config::addresses::{and, keyed, name_with_key};
use crate::config::evaluate::{Budget, Files, Resolved, Scope};
use crate::config::lazy::already_told;
use crate::config::tree::{Block, Step, Traversal};
use crate::config::value::Value;
use crate::config::world::{Layer, first_step};
use crate::diagnostics::{Diagnostic, Span, codes, did_you_mean};
use crate::topology::{Replica, Upstream};

/// A replica and the places that checks point at.
#[derive(Debug)]
pub struct DecodedReplica {
    /// The replica.
    pub replica: Replica,
    /// The block's heading.
    pub heading: Span,
    /// The value of `server`.
    pub server_span: Span,
    /// The value of `upstream`, where it is written.
    pub upstream_span: Option<Span>,
}

/// `replica.NAME` over the names around a replication.
struct ReplicaScope<'s> {
    outer: &'s dyn Scope,
    order: Vec<&'s str>,
    by_label: BTreeMap<&'s str, Instances<Value>>,
}

/// Reads every replica of a replication; those with errors are left out, and told.
pub fn decode(
    block: &Block,
    surroundings: &Surroundings<'_>,
    scope: &dyn Scope,
    budget: &mut Budget,
    problems: &mut Vec<Diagnostic>,
) -> Vec<DecodedReplica> {
    let mut names = ReplicaScope {
        outer: scope,
        order: Vec::new(),
        by_label: BTreeMap::new(),
    };
    let mut wanted: Vec<(&Block, &str, Each)> = Vec::new();
    for inner in block
        .body
        .blocks
        .iter()
        .filter(|inner| inner.kind == "replica")
    {
        let Some(label) = inner.labels.first().map(|label| label.text.as_str()) else {
            continue;
        };
        if names.by_label.contains_key(label) {
            continue;
        }
        match expand(inner, scope, budget) {
            Ok(instances) => {
                wanted.extend(instances.all().map(|each| (inner, label, each.clone())));
                names.order.push(label);
                names.by_label.insert(label, values(label, &instances));
            }
            Err(more) => problems.extend(more),
        }
    }
    let mut decoded = Vec::new();
    for (inner, label, each) in wanted {
        let layer = Layer::each(
            &names,
            each.as_ref()
                .map(|(key, value)| (key.as_str(), value.clone())),
        );
        let name = name_with_key(label, each.as_ref().map(|(key, _)| key.as_str()));
        match one(inner, name, &layer, surroundings, budget) {
            Ok(replica) => decoded.push(replica),
            Err(more) => problems.extend(more),
        }
    }
    decoded
}

fn values(label: &str, instances: &Instances<Each>) -> Instances<Value> {
    let reference = |key: Option<&str>| {
        let path = ["replica".to_owned(), name_with_key(label, key)];
        Value::reference(path.to_vec(), BTreeMap::new())
    };
    match instances {
        Instances::Single(_) => Instances::Single(reference(None)),
        Instances::Keyed(entries) => Instances::Keyed(
            entries
                .iter()
                .map(|(key, _)| (key.clone(), reference(Some(key))))
                .collect(),
        ),
    }
}

fn one(
    block: &Block,
    name: String,
    scope: &dyn Scope,
    surroundings: &Surroundings<'_>,
    budget: &mut Budget,
) -> Result<DecodedReplica, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let heading = block.heading();
    let Some(row) = row("replica") else {
        return Err(already_told(heading));
    };
    let world = surroundings.world;
    let fields = fields(row, &block.body, scope, budget, &mut problems);
    let own = instance_fields(block, &surroundings.engine, scope, budget, &mut problems);
    if let Some((_, span)) = own.arbiter {
        problems.push(
            Diagnostic::error(codes::INVALID_VALUE, span, "a set has one arbiter").help(format!(
                "name it in the replication's {} block",
                surroundings.engine
            )),
        );
    }
    let server = fields
        .reference("server")
        .and_then(|address| world.stacks.server(&address, world, budget));
    let Some(server) = server.filter(|_| problems.is_empty()) else {
        problems.extend(already_told(heading));
        return Err(problems);
    };
    let server_span = fields.span("server").unwrap_or(heading);
    let upstream = fields
        .reference("upstream")
        .and_then(|address| address.get(1).cloned());
    Ok(DecodedReplica {
        replica: Replica {
            name,
            member: surroundings.member(&server, &own, server_span),
            upstream: upstream.map_or(Upstream::Primary, Upstream::Replica),
            max_rate: fields.rate("max_rate"),
            max_lag: fields.lag("max_lag"),
            account: None,
            place: world.place(heading),
        },
        heading,
        server_span,
        upstream_span: fields.span("upstream"),
    })
}

impl ReplicaScope<'_> {
    fn replica(&self, reference: &Traversal) -> Result<Resolved, Vec<Diagnostic>> {
        let Some((label, span)) = first_step(reference) else {
            let entries = self
                .by_label
                .iter()
                .map(|(label, instances)| ((*label).to_owned(), instances.value(Value::clone)));
            return Ok(Resolved {
                value: Value::object(entries.collect()),
                consumed: 0,
            });
        };
        let Some(instances) = self.by_label.get(label.as_str()) else {
            let found = match self.order.len() {
                0 => "this replication has no replicas".to_owned(),
                _ => format!("this replication has {}", and(self.order.iter().copied())),
            };
            let near = did_you_mean(&label, self.order.iter().copied());
            return Err(vec![
                Diagnostic::error(codes::NO_SUCH_REPLICA, reference.root_span.to(span), found)
                    .maybe_help(near),
            ]);
        };
        let key: Option<(String, &Step)> = reference
            .steps
            .get(1)
            .and_then(|step| Some((step.name()?, step)));
        let (value, used) = keyed(
            instances,
            key.as_ref(),
            Value::clone,
            &format!("replica.{label}"),
            reference.root_span.to(span),
            codes::NO_SUCH_REPLICA,
        )?;
        Ok(Resolved {
            value,
            consumed: 1 + usize::from(used),
        })
    }
}

impl Scope for ReplicaScope<'_> {
    fn resolve(
        &self,
        reference: &Traversal,
        budget: &mut Budget,
    ) -> Result<Option<Resolved>, Vec<Diagnostic>> {
        match reference.root.as_str() {
            "replica" => self.replica(reference).map(Some),
            // `upstream = replication.other.replica.x` deserves more than "means nothing here".
            "replication" => Err(vec![
                Diagnostic::error(codes::FOREIGN_UPSTREAM, reference.span(), "this leads out of the replication")
                    .help("replicas of the same replication are replica.NAME; without upstream a replica follows the primary"),
            ]),
            _ => self.outer.resolve(reference, budget),
        }
    }

    fn candidates(&self) -> Vec<String> {
        let mut names = self.outer.candidates();
        names.push("replica".to_owned());
        names
    }

    fn files(&self) -> Option<&dyn Files> {
        self.outer.files()
    }
}
