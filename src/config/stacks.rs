//! References into stacks, `stack.eu.server.db1`: finds the block, decodes it when it is first asked for, and
//! says what there is where there is no such block.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::addresses::{keyed, missing, no_such_stack, split_key, wrong_kind};
use super::decode::apps::{self, DecodedApp};
use super::decode::instances::Instances;
use super::decode::servers::{self, DecodedServer};
use super::decode::ssh::SshFields;
use super::evaluate::{Budget, Resolved};
use super::lazy::{Lazy, MOST_SHOWN};
use super::tree::{Block, Body, Step, Traversal};
use super::value::Value;
use super::world::World;
use crate::diagnostics::{Diagnostic, codes};

/// What a block of a stack became, one or one of each key.
type Decoded<T> = Rc<Instances<Rc<T>>>;

/// A server's or app's block.
struct Slot<'a, T> {
    block: &'a Block,
    decoded: Lazy<Decoded<T>>,
}

/// The blocks of one kind in one stack, in the order of the files and by label.
struct Slots<'a, T> {
    order: Vec<&'a str>,
    by_label: BTreeMap<&'a str, Slot<'a, T>>,
    all: Lazy<Value>,
}

struct Stack<'a> {
    servers: Slots<'a, DecodedServer>,
    apps: Slots<'a, DecodedApp>,
}

/// All stacks, and the top `ssh` block.
pub struct Stacks<'a> {
    order: Vec<&'a str>,
    by_label: BTreeMap<&'a str, Stack<'a>>,
    ssh: Option<&'a Block>,
    ssh_fields: Lazy<SshFields>,
}

impl<'a, T> Slots<'a, T> {
    fn new(blocks: &'a [Block], kind: &str) -> Self {
        let mut slots = Self {
            order: Vec::new(),
            by_label: BTreeMap::new(),
            all: Lazy::default(),
        };
        for block in blocks.iter().filter(|block| block.kind == kind) {
            let Some(label) = block.labels.first() else {
                continue;
            };
            let label = label.text.as_str();
            // A second block of the same label has been told.
            slots.by_label.entry(label).or_insert_with(|| {
                slots.order.push(label);
                Slot {
                    block,
                    decoded: Lazy::default(),
                }
            });
        }
        slots
    }
}

impl<'a> Stacks<'a> {
    /// The stacks of the files' bodies.
    pub fn new(bodies: &'a [Body]) -> Self {
        let mut stacks = Self {
            order: Vec::new(),
            by_label: BTreeMap::new(),
            ssh: None,
            ssh_fields: Lazy::default(),
        };
        for block in bodies.iter().flat_map(|body| &body.blocks) {
            match (block.kind.as_str(), block.labels.first()) {
                ("ssh", None) => stacks.ssh = stacks.ssh.or(Some(block)),
                ("stack", Some(label)) => {
                    let label = label.text.as_str();
                    stacks.by_label.entry(label).or_insert_with(|| {
                        stacks.order.push(label);
                        let inner = &block.body.blocks;
                        Stack {
                            servers: Slots::new(inner, "server"),
                            apps: Slots::new(inner, "app"),
                        }
                    });
                }
                _ => {}
            }
        }
        stacks
    }

    /// The top `ssh` block's attributes.
    ///
    /// # Errors
    /// What is wrong in it.
    pub fn ssh(
        &self,
        world: &World<'_>,
        budget: &mut Budget,
    ) -> Result<SshFields, Vec<Diagnostic>> {
        let Some(block) = self.ssh else {
            return Ok(SshFields::default());
        };
        self.ssh_fields
            .get(&world.working, "ssh", block.kind_span, || {
                super::decode::ssh::decode(block, world, budget)
            })
    }

    /// Every server, in the order of the files; those with errors are left out, and told.
    pub fn servers(
        &self,
        world: &World<'_>,
        budget: &mut Budget,
        out: &mut Vec<Diagnostic>,
    ) -> Vec<Rc<DecodedServer>> {
        let mut found = Vec::new();
        for (stack, label) in self.each(|stack| &stack.servers.order) {
            match self.decoded_server(stack, label, world, budget) {
                Ok(instances) => found.extend(instances.all().cloned()),
                Err(problems) if out.len() <= MOST_SHOWN => out.extend(problems),
                Err(_) => break,
            }
        }
        found
    }

    /// Every app, in the order of the files; those with errors are left out, and told.
    pub fn apps(
        &self,
        world: &World<'_>,
        budget: &mut Budget,
        out: &mut Vec<Diagnostic>,
    ) -> Vec<Rc<DecodedApp>> {
        let mut found = Vec::new();
        for (stack, label) in self.each(|stack| &stack.apps.order) {
            match self.decoded_app(stack, label, world, budget) {
                Ok(instances) => found.extend(instances.all().cloned()),
                Err(problems) if out.len() <= MOST_SHOWN => out.extend(problems),
                Err(_) => break,
            }
        }
        found
    }

    fn each<'s>(
        &'s self,
        labels: impl Fn(&'s Stack<'a>) -> &'s Vec<&'a str> + 's,
    ) -> impl Iterator<Item = (&'a str, &'a str)> + 's {
        self.order.iter().flat_map(move |name| {
            let stack = self.by_label.get(name);
            stack
                .into_iter()
                .flat_map(|stack| labels(stack).clone())
                .map(move |label| (*name, label))
                .collect::<Vec<_>>()
        })
    }

    fn decoded_server(
        &self,
        stack: &str,
        label: &str,
        world: &World<'_>,
        budget: &mut Budget,
    ) -> Result<Decoded<DecodedServer>, Vec<Diagnostic>> {
        let Some(slot) = self
            .by_label
            .get(stack)
            .and_then(|stack| stack.servers.by_label.get(label))
        else {
            return Err(Vec::new());
        };
        let name = format!("stack.{stack}.server.{label}");
        slot.decoded
            .get(&world.working, &name, slot.block.heading(), || {
                servers::decode(stack, slot.block, world, budget).map(Rc::new)
            })
    }

    fn decoded_app(
        &self,
        stack: &str,
        label: &str,
        world: &World<'_>,
        budget: &mut Budget,
    ) -> Result<Decoded<DecodedApp>, Vec<Diagnostic>> {
        let Some(slot) = self
            .by_label
            .get(stack)
            .and_then(|stack| stack.apps.by_label.get(label))
        else {
            return Err(Vec::new());
        };
        let name = format!("stack.{stack}.app.{label}");
        slot.decoded
            .get(&world.working, &name, slot.block.heading(), || {
                apps::decode(stack, slot.block, world, budget).map(Rc::new)
            })
    }

    /// What a reference that begins with `stack` leads to.
    ///
    /// # Errors
    /// That there is no such stack, server or app, with what there is; or what is wrong in its block.
    pub fn resolve(
        &self,
        reference: &Traversal,
        world: &World<'_>,
        budget: &mut Budget,
    ) -> Result<Resolved, Vec<Diagnostic>> {
        let steps: Vec<(String, &Step)> = reference
            .steps
            .iter()
            .map_while(|step| Some((step.name()?, step)))
            .take(4)
            .collect();
        let Some((label, step)) = steps.first() else {
            let names = self.order.iter().map(|name| (*name).to_owned());
            let entries = names.map(|name| {
                self.stack_value(&name, world, budget)
                    .map(|value| (name, value))
            });
            let value = Value::object(entries.collect::<Result<_, _>>()?);
            return Ok(Resolved { value, consumed: 0 });
        };
        let Some(stack) = self.by_label.get(label.as_str()) else {
            return Err(no_such_stack(&self.order, label, step.span));
        };
        let Some((kind, kind_step)) = steps.get(1) else {
            return Ok(Resolved {
                value: self.stack_value(label, world, budget)?,
                consumed: 1,
            });
        };
        if kind != "server" && kind != "app" {
            let (servers, apps) = (&stack.servers.order, &stack.apps.order);
            return Err(wrong_kind(label, kind, kind_step.span, servers, apps));
        }
        let Some((name, name_step)) = steps.get(2) else {
            return Ok(Resolved {
                value: self.all(label, kind, world, budget)?,
                consumed: 2,
            });
        };
        let place = reference.span_of(3);
        let (value, keyed) = match kind.as_str() {
            "server" if stack.servers.by_label.contains_key(name.as_str()) => {
                let instances = self.decoded_server(label, name, world, budget)?;
                keyed(
                    &instances,
                    steps.get(3),
                    |server| server.value.clone(),
                    &format!("stack.{label}.server.{name}"),
                    place,
                    codes::NO_SUCH_SERVER,
                )?
            }
            "app" if stack.apps.by_label.contains_key(name.as_str()) => {
                let instances = self.decoded_app(label, name, world, budget)?;
                keyed(
                    &instances,
                    steps.get(3),
                    |app| app.value.clone(),
                    &format!("stack.{label}.app.{name}"),
                    place,
                    codes::NO_SUCH_APP,
                )?
            }
            "server" => {
                return Err(missing(
                    label,
                    name,
                    &stack.servers.order,
                    &self.elsewhere(name),
                    "server",
                    place,
                    name_step.span,
                ));
            }
            _ => {
                return Err(missing(
                    label,
                    name,
                    &stack.apps.order,
                    &[],
                    "app",
                    place,
                    name_step.span,
                ));
            }
        };
        Ok(Resolved {
            value,
            consumed: 3 + usize::from(keyed),
        })
    }

    /// The decoded server that a reference's address leads to.
    pub fn server(
        &self,
        address: &[String],
        world: &World<'_>,
        budget: &mut Budget,
    ) -> Option<Rc<DecodedServer>> {
        let [_, stack, _, name] = address else {
            return None;
        };
        let (label, key) = split_key(name);
        self.decoded_server(stack, label, world, budget)
            .ok()?
            .get(key)
            .cloned()
    }

    /// The decoded app that a reference's address leads to.
    pub fn app(
        &self,
        address: &[String],
        world: &World<'_>,
        budget: &mut Budget,
    ) -> Option<Rc<DecodedApp>> {
        let [_, stack, _, name] = address else {
            return None;
        };
        let (label, key) = split_key(name);
        self.decoded_app(stack, label, world, budget)
            .ok()?
            .get(key)
            .cloned()
    }

    fn stack_value(
        &self,
        label: &str,
        world: &World<'_>,
        budget: &mut Budget,
    ) -> Result<Value, Vec<Diagnostic>> {
        let kinds = ["server", "app"].map(|kind| {
            self.all(label, kind, world, budget)
                .map(|value| (kind.to_owned(), value))
        });
        Ok(Value::object(kinds.into_iter().collect::<Result<_, _>>()?))
    }

    /// All servers or apps of a stack as an object, by label; those of a `for_each` as an object by key.
    fn all(
        &self,
        stack: &str,
        kind: &str,
        world: &World<'_>,
        budget: &mut Budget,
    ) -> Result<Value, Vec<Diagnostic>> {
        let Some(slots) = self.by_label.get(stack) else {
            return Err(Vec::new());
        };
        let mut entries = BTreeMap::new();
        if kind == "server" {
            let used = slots
                .servers
                .by_label
                .values()
                .next()
                .map(|slot| slot.block.kind_span);
            let Some(used) = used else {
                return Ok(Value::object(entries));
            };
            slots.servers.all.get(
                &world.working,
                &format!("stack.{stack}.server"),
                used,
                || {
                    for label in &slots.servers.order {
                        let instances = self.decoded_server(stack, label, world, budget)?;
                        entries.insert(
                            (*label).to_owned(),
                            instances.value(|server| server.value.clone()),
                        );
                    }
                    Ok(Value::object(entries))
                },
            )
        } else {
            let used = slots
                .apps
                .by_label
                .values()
                .next()
                .map(|slot| slot.block.kind_span);
            let Some(used) = used else {
                return Ok(Value::object(entries));
            };
            slots
                .apps
                .all
                .get(&world.working, &format!("stack.{stack}.app"), used, || {
                    for label in &slots.apps.order {
                        let instances = self.decoded_app(stack, label, world, budget)?;
                        entries.insert(
                            (*label).to_owned(),
                            instances.value(|app| app.value.clone()),
                        );
                    }
                    Ok(Value::object(entries))
                })
        }
    }

    /// The stacks that do have a server of this label.
    fn elsewhere(&self, label: &str) -> Vec<&'a str> {
        let has = |name: &&&str| {
            self.by_label
                .get(**name)
                .is_some_and(|stack| stack.servers.by_label.contains_key(label))
        };
        self.order.iter().filter(has).copied().collect()
    }
}
