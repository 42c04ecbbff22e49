//! `replication` blocks, and the engine's own block inside them.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::env::{self, DecodedEnv};
use super::fields::{Fields, fields};
use super::instances::Instances;
use super::replicas::{self, DecodedReplica};
use super::servers::{DecodedServer, each_instance};
use crate::config::addresses::name_with_key;
use crate::config::evaluate::{Budget, Scope};
use crate::config::language::{BlockRow, ENGINES, ROOT};
use crate::config::lazy::already_told;
use crate::config::tree::Block;
use crate::config::world::World;
use crate::diagnostics::{Diagnostic, Span, codes};
use crate::engines::registry::{DESCRIPTIONS, description};
use crate::secret::Secret;
use crate::topology::{
    Admin, Certificates, Engine, Hazard, InstanceWish, Lag, Member, Replication, Tls,
};

/// Above it a replica is unhealthy, where nothing is written: 60 s.
const DEFAULT_MAX_LAG: Lag = Lag::Time(60_000);

/// A replication and the places that checks point at.
#[derive(Debug)]
pub struct DecodedReplication {
    /// The replication; its `env` is filled in from the decoded one.
    pub replication: Replication,
    /// The block's heading.
    pub heading: Span,
    /// The value of `primary`.
    pub primary_span: Span,
    /// The places of its replicas, in their order.
    pub replicas: Vec<DecodedReplica>,
    /// Its `env` block and places.
    pub env: Option<DecodedEnv>,
    /// The server that an engine's block names as `arbiter`, and its place.
    pub arbiter: Option<(Rc<DecodedServer>, Span)>,
}

/// What one engine block says; a replica's goes over the replication's.
#[derive(Clone, Debug, Default)]
pub struct InstanceFields {
    port: Option<u16>,
    data_directory: Option<String>,
    admin: Option<Admin>,
    /// `arbiter`, with its place.
    pub arbiter: Option<(Vec<String>, Span)>,
}

/// What decoding a replication's parts needs.
pub struct Surroundings<'s> {
    /// All names.
    pub world: &'s World<'s>,
    /// The replication's engine.
    pub engine: String,
    /// The replication's engine block.
    pub instance: InstanceFields,
}

/// The row of a block inside a replication.
pub fn row(kind: &str) -> Option<&'static BlockRow> {
    ROOT.block("replication")
        .and_then(|replication| replication.block(kind))
}

/// Reads a `replication` block, once for each key of its `for_each`.
///
/// # Errors
/// All that is wrong in it.
pub fn decode(
    block: &Block,
    world: &World<'_>,
    budget: &mut Budget,
) -> Result<Instances<DecodedReplication>, Vec<Diagnostic>> {
    each_instance(block, world, budget, |key, scope, budget| {
        one(block, key, scope, world, budget)
    })
}

fn one(
    block: &Block,
    key: Option<&str>,
    scope: &dyn Scope,
    world: &World<'_>,
    budget: &mut Budget,
) -> Result<DecodedReplication, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let heading = block.heading();
    let (Some(row), Some(label)) = (ROOT.block("replication"), block.labels.first()) else {
        return Err(already_told(heading));
    };
    let fields = fields(row, &block.body, scope, budget, &mut problems);
    let engine = fields
        .text("engine")
        .unwrap_or_else(|| likely_engine(block));
    let instance = instance_fields(block, &engine, scope, budget, &mut problems);
    let surroundings = Surroundings {
        world,
        engine,
        instance,
    };
    let primary_span = fields.span("primary").unwrap_or(heading);
    let server = fields
        .reference("primary")
        .and_then(|address| world.stacks.server(&address, world, budget));
    let primary =
        server.map(|server| surroundings.member(&server, &InstanceFields::default(), primary_span));
    let decoded = replicas::decode(block, &surroundings, scope, budget, &mut problems);
    let arbiter = surroundings
        .instance
        .arbiter
        .clone()
        .and_then(|(address, span)| Some((world.stacks.server(&address, world, budget)?, span)));
    let engine_known = fields.text("engine").is_some();
    let (Some(primary), false, true) = (primary, fields.failed, engine_known) else {
        problems.extend(already_told(heading));
        return Err(problems);
    };
    let mut replication = Replication {
        name: name_with_key(&label.text, key),
        engine: Engine(surroundings.engine.clone()),
        version: fields.text("version"),
        primary,
        replicas: decoded
            .iter()
            .map(|decoded| decoded.replica.clone())
            .collect(),
        tls: fields
            .text("tls")
            .map(|word| if word == "off" { Tls::Off } else { Tls::Verify }),
        certificates: certificates(block, scope, world, budget, &mut problems),
        retain: fields.size("retain"),
        max_lag: fields.lag("max_lag").unwrap_or(DEFAULT_MAX_LAG),
        allow: allowed(&fields, world),
        arbiter: arbiter
            .as_ref()
            .map(|(server, span)| (server.server.id.clone(), world.place(*span))),
        env: None,
        place: world.place(heading),
        primary_place: world.place(primary_span),
        allow_place: world.place(fields.span("allow").unwrap_or(heading)),
    };
    let env = block.body.blocks.iter().find(|inner| inner.kind == "env");
    let env =
        env.and_then(|inner| env::decode(inner, &replication, scope, world, budget, &mut problems));
    replication.env = env.as_ref().map(|env| env.env.clone());
    if problems.is_empty() {
        Ok(DecodedReplication {
            replication,
            heading,
            primary_span,
            replicas: decoded,
            env,
            arbiter,
        })
    } else {
        Err(problems)
    }
}

/// The user's own files, where they are written.
fn certificates(
    block: &Block,
    scope: &dyn Scope,
    world: &World<'_>,
    budget: &mut Budget,
    problems: &mut Vec<Diagnostic>,
) -> Option<Certificates> {
    let mut inner = block.body.blocks.iter();
    let inner = inner.find(|inner| inner.kind == "certificates")?;
    let fields = fields(row("certificates")?, &inner.body, scope, budget, problems);
    Some(Certificates {
        ca_file: fields.text("ca_file")?,
        cert_file: fields.text("cert_file")?,
        key_file: fields.text("key_file")?,
        place: world.place(inner.heading()),
    })
}

fn allowed(fields: &Fields, world: &World<'_>) -> BTreeMap<Hazard, crate::topology::Place> {
    let words = fields.list("allow").unwrap_or_default();
    words
        .into_iter()
        .filter_map(|(word, span)| Some((Hazard::from_word(&word)?, world.place(span))))
        .collect()
}

/// The engine to go on with where `engine` is wrong, so that the rest can be checked too: that of the block inside.
fn likely_engine(block: &Block) -> String {
    let mut kinds = block.body.blocks.iter().map(|inner| inner.kind.as_str());
    kinds
        .find(|kind| ENGINES.contains(kind))
        .unwrap_or(ENGINES[0])
        .to_owned()
}

/// The engine's own block inside a replication or replica; that of another engine is an error.
pub fn instance_fields(
    block: &Block,
    engine: &str,
    scope: &dyn Scope,
    budget: &mut Budget,
    problems: &mut Vec<Diagnostic>,
) -> InstanceFields {
    let mut instance = InstanceFields::default();
    for inner in block
        .body
        .blocks
        .iter()
        .filter(|inner| ENGINES.contains(&inner.kind.as_str()))
    {
        if inner.kind != engine {
            problems.push(
                Diagnostic::error(
                    codes::WRONG_ENGINE_BLOCK,
                    inner.kind_span,
                    format!("this replication's engine is {engine}"),
                )
                .help(format!("write {engine} {{ … }}, or take the block out")),
            );
            continue;
        }
        let (Some(row), Some(admin_row)) = (
            row(&inner.kind),
            row(&inner.kind).and_then(|row| row.block("admin")),
        ) else {
            continue;
        };
        let fields = fields(row, &inner.body, scope, budget, problems);
        instance.port = fields.port("port");
        instance.data_directory = fields.text("data_directory");
        instance.arbiter = fields.reference("arbiter").zip(fields.span("arbiter"));
        if let Some(admin) = inner.body.blocks.iter().find(|inner| inner.kind == "admin") {
            let fields = super::fields::fields(admin_row, &admin.body, scope, budget, problems);
            instance.admin = fields.text("user").map(|user| Admin {
                user,
                password: fields.secret("password").map(|text: Secret| text),
            });
        }
    }
    instance
}

/// The engine's name is one that the language's table has.
fn default_port(engine: &str) -> u16 {
    description(engine).unwrap_or(&DESCRIPTIONS[0]).default_port
}

impl Surroundings<'_> {
    /// A server as a member; `own` goes over the replication's engine block.
    pub fn member(&self, server: &DecodedServer, own: &InstanceFields, span: Span) -> Member {
        let shared = &self.instance;
        Member {
            server: server.server.id.clone(),
            machine: server.server.machine.clone(),
            address: server.server.address.clone(),
            public_address: server.server.public_address.clone(),
            instance: InstanceWish {
                port: own
                    .port
                    .or(shared.port)
                    .unwrap_or_else(|| default_port(&self.engine)),
                data_directory: own
                    .data_directory
                    .clone()
                    .or_else(|| shared.data_directory.clone()),
                admin: own.admin.clone().or_else(|| shared.admin.clone()),
            },
            place: self.world.place(span),
        }
    }
}
